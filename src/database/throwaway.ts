// Databases that live as long as a test file: made beside each other on one server, each with an
// owner and an app role of its own, and dropped with both.
import { randomBytes } from "node:crypto";
import pg from "pg";
import { addressWith } from "./embedded-url.ts";
import { roleNames, setupDatabase } from "./roles.ts";
import { openSession, type Session } from "./session.ts";

export interface ThrowawayDatabase {
  readonly database: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** The superuser's address of this database. */
  readonly adminUrl: string;
  /** Removes the database and both roles, cutting connections that are still open. */
  drop(): Promise<void>;
}

// PostgreSQL cuts names after 63 bytes; the random part and "_owner" need some of them.
const NAME_LENGTH_MAX = 40;

/** `name` (letters, digits, underscores) begins the database's name; a random part ends it. */
export async function createThrowawayDatabase(
  adminUrl: string,
  name: string,
): Promise<ThrowawayDatabase> {
  const random = randomBytes(5).toString("hex");
  const database = `${name.toLowerCase().slice(0, NAME_LENGTH_MAX)}_${random}`;
  const names = roleNames(database);
  const passwords = { owner: randomPassword(), app: randomPassword() };
  await setupDatabase({ adminUrl, database, passwords });
  return {
    database,
    ownerUrl: addressWith(adminUrl, { user: names.owner, password: passwords.owner, database }),
    appUrl: addressWith(adminUrl, { user: names.app, password: passwords.app, database }),
    adminUrl: addressWith(adminUrl, { database }),
    drop: async () => {
      const admin = await openSession(adminUrl);
      try {
        await dropDatabase(admin, database);
      } finally {
        await admin.close();
      }
    },
  };
}

/**
 * Drops the databases that an earlier createThrowawayDatabase with this name left behind because
 * its process was killed. LIMIT: those that are in use or younger than an hour stay; and all of
 * them where the login is no superuser, who alone may look at their age.
 */
export async function dropAbandoned(adminUrl: string, name: string): Promise<void> {
  const admin = await openSession(adminUrl);
  try {
    const [login] = await admin.query<{ super: boolean }>(
      "select rolsuper as super from pg_roles where rolname = current_user",
    );
    if (login?.super !== true) return;
    // A database of PostgreSQL does not know its age; its directory does.
    const abandoned = await admin.query<{ name: string }>(
      `select datname as name from pg_database d
       where datname ~ ('^' || $1 || '_[0-9a-f]{10}$')
         and not exists (select from pg_stat_activity a where a.datid = d.oid)
         and (pg_stat_file('base/' || d.oid || '/PG_VERSION', true)).modification
           < now() - interval '1 hour'`,
      [name.toLowerCase().slice(0, NAME_LENGTH_MAX)],
    );
    for (const one of abandoned) await dropDatabase(admin, one.name);
  } finally {
    await admin.close();
  }
}

async function dropDatabase(admin: Session, database: string): Promise<void> {
  await admin.query(`drop database if exists ${pg.escapeIdentifier(database)} with (force)`);
  const { owner, app } = roleNames(database);
  for (const role of [owner, app]) {
    await admin.query(`drop role if exists ${pg.escapeIdentifier(role)}`);
  }
}

function randomPassword(): string {
  return randomBytes(12).toString("base64url");
}
