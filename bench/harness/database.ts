// The PostgreSQL of a run: the product's embedded server in a folder of its own, the example's
// migrations, the data set. The filled database is kept as a template, and each run gets a copy.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadProject } from "../../src/app/project.ts";
import { startEmbedded } from "../../src/database/embedded.ts";
import { embeddedCredentials } from "../../src/database/embedded-credentials.ts";
import { addressWith } from "../../src/database/embedded-url.ts";
import { roleNames, setupDatabase } from "../../src/database/roles.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import { createApiKey } from "../../src/identity/api-keys.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { wallsOf } from "../../src/migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { DATA_SET } from "./data-set.ts";

const ROOT = join(import.meta.dirname, "../..");
const STATE = join(ROOT, "bench/.generated");
export const EXAMPLE: string = join(ROOT, "examples/work-orders");

const DATABASE = "work_orders";
const TEMPLATE = "work_orders_filled";
/** Passes row-level security, so that a contestant can be without any wall. */
const WALL_FREE_ROLE = "bench_without_wall";
const RUN_LOCK = 0x62656e63;

// Neither a checkpoint nor autovacuum may fall into the turn of one contestant and not of another.
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  autovacuum: "off",
  checkpoint_timeout: "1h",
  max_wal_size: "16GB",
};
const REPORTED_SETTINGS = [
  "server_version",
  "shared_buffers",
  "work_mem",
  "max_connections",
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "wal_level",
  "jit",
  "autovacuum",
  "checkpoint_timeout",
  "max_wal_size",
];

export interface BenchDatabase {
  /** The superuser's address of the copy. */
  readonly adminUrl: string;
  /** The app login: row-level security holds for it. */
  readonly appUrl: string;
  /** The login that no row-level security holds for. */
  readonly wallFreeUrl: string;
  readonly serverPid: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Writes everything out, so that what one scenario leaves to be written hits no other. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}

export interface Organization {
  readonly id: string;
  /** An API key with the role of a manager. */
  readonly key: string;
}

/** `fresh` fills a new template although a fitting one exists. Throws when another run is on. */
export async function openBenchDatabase(
  fresh: boolean,
  onProgress: (message: string) => void,
): Promise<BenchDatabase> {
  const server = await startEmbedded({ directory: STATE, onProgress });
  const admin = await openSession(server.adminUrl, { applicationName: "bench" });
  try {
    const [lock] = await admin.query<{ mine: boolean }>(
      `select pg_try_advisory_lock(${RUN_LOCK}) as mine`,
    );
    if (lock?.mine !== true) throw new Error("Another benchmark is running in this checkout.");
    const passwords = await embeddedCredentials(STATE);
    await configure(admin, passwords.app);
    await provideTemplate({ admin, adminUrl: server.adminUrl, passwords, fresh, onProgress });
    await admin.query(`drop database if exists ${DATABASE} with (force)`);
    await admin.query(`create database ${DATABASE} template ${TEMPLATE} strategy file_copy`);
    await setupDatabase({ adminUrl: server.adminUrl, database: DATABASE, passwords });
    // Privileges on a database itself do not come with the template.
    await admin.query(`grant connect on database ${DATABASE} to ${WALL_FREE_ROLE}`);
    await admin.query("checkpoint");
    const [pid] = readFileSync(join(server.dataDirectory, "postmaster.pid"), "utf8").split("\n");
    return {
      adminUrl: addressWith(server.adminUrl, { database: DATABASE }),
      appUrl: server.url(roleNames(DATABASE).app, passwords.app, DATABASE),
      wallFreeUrl: server.url(WALL_FREE_ROLE, passwords.app, DATABASE),
      serverPid: Number(pid),
      settings: await readServerSettings(admin),
      checkpoint: async () => {
        await admin.query("checkpoint");
      },
      close: async () => {
        await admin.query(`drop database if exists ${DATABASE} with (force)`);
        await admin.close();
        await server.stop();
      },
    };
  } catch (error) {
    await admin.close();
    await server.stop();
    throw error;
  }
}

/** A manager's key for each organization. */
export async function createKeys(database: BenchDatabase): Promise<readonly Organization[]> {
  const session = await openSession(database.adminUrl);
  try {
    const managers = await session.query<{ tenantId: string; subject: string }>(
      `select distinct on (organization_id) organization_id as "tenantId", id as subject
       from users order by organization_id, id`,
    );
    const organizations: Organization[] = [];
    for (const manager of managers) {
      const key = await createApiKey(session, { ...manager, role: "manager", name: "bench" });
      organizations.push({ id: manager.tenantId, key });
    }
    return organizations;
  } finally {
    await session.close();
  }
}

interface Filling {
  readonly admin: Session;
  readonly adminUrl: string;
  readonly passwords: { readonly owner: string; readonly app: string };
  readonly fresh: boolean;
  readonly onProgress: (message: string) => void;
}

async function configure(admin: Session, password: string): Promise<void> {
  for (const [name, value] of Object.entries(SERVER_SETTINGS)) {
    await admin.query(`alter system set ${name} = '${value}'`);
  }
  await admin.query("select pg_reload_conf()");
  await admin.query(
    `do $$ begin create role ${WALL_FREE_ROLE} login bypassrls;
     exception when duplicate_object then null; end $$`,
  );
  await admin.query(`alter role ${WALL_FREE_ROLE} password '${password}'`);
}

async function provideTemplate(filling: Filling): Promise<void> {
  const { admin, adminUrl, passwords, fresh, onProgress } = filling;
  const wanted = fingerprint();
  const [found] = await admin.query<{ made: string | null }>(
    `select shobj_description(oid, 'pg_database') as made from pg_database
     where datname = '${TEMPLATE}'`,
  );
  if (!fresh && found?.made === wanted) return;
  onProgress("Filling the database (about half a minute, once)…");
  await admin.query(`drop database if exists ${TEMPLATE} with (force)`);
  await admin.query(`drop database if exists ${DATABASE} with (force)`);
  await setupDatabase({ adminUrl, database: DATABASE, passwords });
  const names = roleNames(DATABASE);
  const login = { user: names.owner, password: passwords.owner, database: DATABASE };
  await fill(addressWith(adminUrl, login), names.app);
  const superuser = await openSession(addressWith(adminUrl, { database: DATABASE }));
  try {
    for (const schema of ["public", "backwright"]) {
      await superuser.query(`grant usage on schema ${schema} to ${WALL_FREE_ROLE}`);
      for (const kind of ["tables", "sequences", "functions"]) {
        await superuser.query(`grant all on all ${kind} in schema ${schema} to ${WALL_FREE_ROLE}`);
      }
    }
    await superuser.query("vacuum (analyze, freeze)");
  } finally {
    await superuser.close();
  }
  await admin.query(`alter database ${DATABASE} rename to ${TEMPLATE}`);
  // The mark comes last: a run that was interrupted before leaves a template that nobody trusts.
  await admin.query(`comment on database ${TEMPLATE} is '${wanted}'`);
}

async function fill(ownerUrl: string, appRole: string): Promise<void> {
  const project = await loadProject(EXAMPLE);
  const walls = wallsOf(project.model);
  const system = SYSTEM_MIGRATIONS;
  await migrateUp({ ownerUrl, appRole, directory: project.migrations, system, walls });
  const owner = await openSession(ownerUrl);
  try {
    await owner.query("begin");
    for (const text of DATA_SET) await owner.query(text);
    // A counter for each organization makes everybody's creates wait for each other: of what is
    // compared here it would show nothing. Numbers come from the column's sequence instead.
    await owner.query("alter table work_orders disable trigger work_orders_number");
    await owner.query("select setval('work_orders_number_seq', 1000000)");
    await owner.query("commit");
  } finally {
    await owner.close();
  }
}

function fingerprint(): string {
  const hash = createHash("sha256").update(JSON.stringify([DATA_SET, SYSTEM_MIGRATIONS]));
  const migrations = join(EXAMPLE, "migrations");
  for (const name of readdirSync(migrations).sort()) {
    hash.update(readFileSync(join(migrations, name, "up.sql")));
  }
  hash.update(readFileSync(import.meta.filename));
  return hash.digest("hex");
}

async function readServerSettings(admin: Session): Promise<Readonly<Record<string, string>>> {
  const names = REPORTED_SETTINGS.map((name) => `'${name}'`).join(", ");
  const rows = await admin.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from pg_settings where name in (${names})`,
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
