// Throw-away databases on the run's server, each with its own owner and app role.
import pg from "pg";
import { inject } from "vitest";
import { createThrowawayDatabase, type ThrowawayDatabase } from "../../src/database/throwaway.ts";
import type {} from "./global-postgres.ts";

export type TestDatabase = ThrowawayDatabase;

/** The superuser's address of the run's server, at its maintenance database. */
export function testAdminUrl(): string {
  const adminUrl: string | undefined = inject("postgresAdminUrl");
  if (adminUrl === undefined) {
    throw new Error("vitest.config.ts needs globalSetup: test/support/global-postgres.ts");
  }
  return adminUrl;
}

/** `name` (letters, digits, underscores) begins the database's name; a random part ends it. */
export function createTestDatabase(name: string): Promise<TestDatabase> {
  return createThrowawayDatabase(testAdminUrl(), name);
}

/** For whoever serves it the database is away while `work` runs: cut off, and no login. */
export async function whileAway<T>(
  { adminUrl, appUrl }: TestDatabase,
  work: () => Promise<T>,
): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  const role = decodeURIComponent(new URL(appUrl).username);
  const alter = `alter role ${pg.escapeIdentifier(role)}`;
  try {
    await admin.query(`${alter} nologin`);
    const cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1";
    await admin.query(cut, [role]);
    return await work();
  } finally {
    await admin.query(`${alter} login`);
    await admin.end();
  }
}
