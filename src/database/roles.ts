// The database roles: one owner that migrates, one app login that serves, neither able to pass
// row-level security. Names carry the database's name, because roles belong to the whole cluster.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import pg from "pg";
import { StartError } from "../base/errors.ts";
import { addressWith } from "./embedded-url.ts";
import { openSession, type Session } from "./session.ts";

const VERSION_MIN = 180_000;
// PostgreSQL cuts identifiers after 63 bytes, and "_owner" takes 6 of them.
const DATABASE_NAME_BYTES_MAX = 57;
// Any constant will do, as long as no other code of ours locks the same one.
const SETUP_LOCK = 0x62772d01;

export interface RoleNames {
  readonly owner: string;
  readonly app: string;
}

export interface SetupOptions {
  /** A superuser's address, or that of a login with CREATEROLE and CREATEDB. */
  readonly adminUrl: string;
  readonly database: string;
  /** Printable ASCII: what every driver hashes to the same bytes. */
  readonly passwords: RoleNames;
}

/** work-orders → work_orders */
export function databaseName(backendName: string): string {
  const name = backendName.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  return name.replace(/^_+|_+$/g, "").slice(0, DATABASE_NAME_BYTES_MAX) || "backwright";
}

/** Throws StartError for a name that is empty, longer than 57 bytes, or not text to PostgreSQL. */
export function roleNames(database: string): RoleNames {
  const bytes = Buffer.byteLength(database);
  if (bytes === 0 || bytes > DATABASE_NAME_BYTES_MAX || database.includes("\0")) {
    throw new StartError(
      `"${database}" cannot name a database with its roles: it has ${bytes} bytes.`,
      { fix: `Choose a name of 1 to ${DATABASE_NAME_BYTES_MAX} bytes.` },
    );
  }
  return { owner: `${database}_owner`, app: `${database}_app` };
}

/**
 * Creates the database with its two roles, or corrects what differs from that; nothing changes when
 * all is right. Several processes may call it at once through the same database of `adminUrl`.
 * Takes a database that exists over for its owner role, but not the tables in it. Throws
 * StartError for a server before PostgreSQL 18 and for names or passwords that cannot be used.
 */
export async function setupDatabase(options: SetupOptions): Promise<void> {
  const names = roleNames(options.database);
  const admin = await openSession(options.adminUrl);
  try {
    await requireVersion(admin);
    await admin.query("select pg_advisory_lock($1)", [SETUP_LOCK]);
    const isSuper = await isSuperuser(admin);
    await setupRole(admin, names.owner, options.passwords.owner, isSuper);
    await setupRole(admin, names.app, options.passwords.app, isSuper);
    if (!isSuper) await allowSetRole(admin, names.owner);
    await setupOneDatabase(admin, options.database, names.owner);
    // An ordinary admin has no privileges in the database that it has just given away.
    const login = isSuper ? {} : { user: names.owner, password: options.passwords.owner };
    const inside = await openSession(
      addressWith(options.adminUrl, { ...login, database: options.database }),
    );
    try {
      for (const text of privilegeStatements(options.database, names)) await inside.query(text);
    } finally {
      await inside.close();
    }
  } finally {
    // Ending the session also ends its advisory lock.
    await admin.close();
  }
}

async function requireVersion(admin: Session): Promise<void> {
  const [row] = await admin.query<{ version: number; name: string }>(
    "select current_setting('server_version_num')::int as version, " +
      "current_setting('server_version') as name",
  );
  if (row === undefined || row.version < VERSION_MIN) throw tooOld(row?.name ?? "unknown");
}

function tooOld(version: string): StartError {
  return new StartError(`The database server is PostgreSQL ${version}; 18 or newer is needed.`, {
    fix: "Use a PostgreSQL 18 server, or unset DATABASE_URL to use the embedded one.",
  });
}

async function isSuperuser(admin: Session): Promise<boolean> {
  const [row] = await admin.query<{ rolsuper: boolean }>(
    "select rolsuper from pg_catalog.pg_roles where rolname = current_user",
  );
  return row?.rolsuper ?? false;
}

// The attributes that both roles have, by catalogue column: what to write when it holds, and when
// it does not. A login without superuser rights may not even repeat NOSUPERUSER, so only
// differences are written.
const ATTRIBUTES = {
  rolcanlogin: ["login", true],
  rolsuper: ["nosuperuser", false],
  rolbypassrls: ["nobypassrls", false],
  rolcreatedb: ["nocreatedb", false],
  rolcreaterole: ["nocreaterole", false],
  rolreplication: ["noreplication", false],
} as const;

async function setupRole(
  admin: Session,
  name: string,
  password: string,
  isSuper: boolean,
): Promise<void> {
  const columns = Object.keys(ATTRIBUTES).join(", ");
  const [found] = await admin.query<Record<string, boolean>>(
    `select ${columns} from pg_catalog.pg_roles where rolname = $1`,
    [name],
  );
  const role = pg.escapeIdentifier(name);
  if (found === undefined) {
    // The verifier instead of the password: statements reach the server's log and statistics.
    const secret = pg.escapeLiteral(scramVerifier(password));
    await admin.query(`create role ${role} login password ${secret}`);
    return;
  }
  const wrong = Object.entries(ATTRIBUTES).filter(([column, [, value]]) => found[column] !== value);
  const changes = wrong.map(([, [keyword]]) => keyword as string);
  if (!(isSuper && (await hasPassword(admin, name, password)))) {
    changes.push(`password ${pg.escapeLiteral(scramVerifier(password))}`);
  }
  if (changes.length > 0) await admin.query(`alter role ${role} ${changes.join(" ")}`);
}

async function hasPassword(admin: Session, name: string, password: string): Promise<boolean> {
  const [row] = await admin.query<{ rolpassword: string | null }>(
    "select rolpassword from pg_catalog.pg_authid where rolname = $1",
    [name],
  );
  const verifier = row?.rolpassword ?? "";
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier) ?? [];
  if (iterations === undefined || salt === undefined) return false;
  return verifier === scramVerifier(password, Buffer.from(salt, "base64"), Number(iterations));
}

/** What PostgreSQL stores of a password (RFC 5803). */
function scramVerifier(password: string, salt = randomBytes(16), iterations = 4096): string {
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw new StartError("A database password must be printable ASCII, and not empty.", {
      fix: "Choose another password, for example: openssl rand -base64 24",
    });
  }
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const key = (text: string) => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(key("Client Key")).digest("base64");
  const server = key("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
}

/** An ordinary admin may hand a database only to a role that he could become. */
async function allowSetRole(admin: Session, owner: string): Promise<void> {
  const [row] = await admin.query<{ allowed: boolean }>(
    "select pg_has_role(current_user, $1, 'SET') as allowed",
    [owner],
  );
  if (row?.allowed) return;
  const role = pg.escapeIdentifier(owner);
  await admin.query(`grant ${role} to current_user with set true, inherit false`);
}

async function setupOneDatabase(admin: Session, database: string, owner: string): Promise<void> {
  const [found] = await admin.query<{ owner: string; encoding: string }>(
    `select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding
     from pg_catalog.pg_database where datname = $1`,
    [database],
  );
  const name = pg.escapeIdentifier(database);
  if (found === undefined) {
    // template0, because template1 may have another encoding or objects of somebody's own.
    await admin.query(
      `create database ${name} owner ${pg.escapeIdentifier(owner)} ` +
        "encoding 'UTF8' template template0",
    );
    return;
  }
  if (found.encoding !== "UTF8") {
    throw new StartError(`The database ${database} is encoded as ${found.encoding}, not UTF8.`, {
      fix: "Choose another database name, or load its dump into a database with encoding UTF8.",
    });
  }
  if (found.owner !== owner) {
    await admin.query(`alter database ${name} owner to ${pg.escapeIdentifier(owner)}`);
  }
}

/** To be run inside the database, by its owner or a superuser. */
function privilegeStatements(database: string, names: RoleNames): string[] {
  const name = pg.escapeIdentifier(database);
  return [
    `revoke all on database ${name} from public`,
    `grant connect on database ${name} to ${pg.escapeIdentifier(names.app)}`,
    "revoke create on schema public from public",
  ];
}

/**
 * What `setupDatabase` does as a psql script, for an administrator who does not hand out a login
 * with CREATEROLE. It asks for the two passwords. Meant to be run once. Throws StartError as
 * `roleNames`.
 */
export function setupSql(database: string): string {
  const names = roleNames(database);
  const [owner, app, name] = [names.owner, names.app, database].map(pg.escapeIdentifier);
  const attributes =
    "login nosuperuser nobypassrls nocreatedb nocreaterole noreplication password null";
  return [
    "-- Run with psql as an administrator. It asks for the two passwords.",
    `create role ${owner} ${attributes};`,
    `create role ${app} ${attributes};`,
    `\\password ${owner}`,
    `\\password ${app}`,
    `create database ${name} owner ${owner} encoding 'UTF8' template template0;`,
    `\\connect ${name}`,
    ...privilegeStatements(database, names).map((statement) => `${statement};`),
    "",
  ].join("\n");
}

/** Runs one statement; a pg client's or pool's `query`, bound, is one. */
export type RunQuery = (text: string) => Promise<{ readonly rows: readonly unknown[] }>;

interface RoleFacts {
  readonly role: string;
  readonly database: string;
  readonly version: number;
  readonly version_name: string;
  readonly is_superuser: boolean;
  readonly passes_walls: boolean;
  readonly owns_database: boolean;
  readonly owned_table: string | null;
}

// Membership counts as ownership: a member can become the owner and switch the walls off. The
// session's own login counts beside the current role, because RESET ROLE leads back to it.
const ROLE_FACTS = `
with me as (
  select oid, rolsuper, rolbypassrls from pg_catalog.pg_roles
  where rolname in (current_user, session_user)
)
select current_user::text as role, current_database()::text as database,
  current_setting('server_version_num')::int as version,
  current_setting('server_version') as version_name,
  (select bool_or(rolsuper) from me) as is_superuser,
  (select bool_or(rolbypassrls) from me) as passes_walls,
  (select bool_or(pg_has_role(me.oid, d.datdba, 'MEMBER'))
   from me, pg_catalog.pg_database d where d.datname = current_database()) as owns_database,
  (select format('%I.%I', n.nspname, c.relname)
   from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace, me
   where c.relkind in ('r', 'p', 'f', 'm') and n.nspname <> 'information_schema'
     and n.nspname not like 'pg\\_%' and pg_has_role(me.oid, c.relowner, 'MEMBER')
   order by n.nspname, c.relname limit 1) as owned_table`;

/**
 * Refuses to serve with a login for which row-level security would be no wall: a superuser, one
 * with BYPASSRLS, an owner (or member of an owner) of the database or of any table in it. Also
 * refuses servers before PostgreSQL 18. Throws StartError that says what to do. A check of this
 * moment: it does not see what an administrator grants later.
 */
export async function checkServingRole(query: RunQuery): Promise<void> {
  const facts = (await query(ROLE_FACTS)).rows[0] as RoleFacts | undefined;
  if (facts === undefined) throw new Error("the role check returned no row");
  if (facts.version < VERSION_MIN) throw tooOld(facts.version_name);
  const reason = reasonAgainst(facts);
  if (reason === undefined) return;
  const app = `${facts.database}_app`;
  throw new StartError(
    `DATABASE_URL logs in as "${facts.role}", ${reason}: tenants would not be kept apart.`,
    {
      fix:
        `Log in as the app role instead: DATABASE_URL=postgres://${encodeURIComponent(app)}:…, ` +
        "and keep this login for DATABASE_OWNER_URL only. To create the role: " +
        "backwright database setup",
    },
  );
}

function reasonAgainst(facts: RoleFacts): string | undefined {
  if (facts.is_superuser) return "which is a superuser";
  if (facts.passes_walls) return "which passes row-level security (BYPASSRLS)";
  if (facts.owns_database) return `which owns the database "${facts.database}"`;
  if (facts.owned_table !== null) return `which owns the table ${facts.owned_table}`;
  return undefined;
}
