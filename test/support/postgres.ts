// Throw-away databases on the run's server, each with its own owner and app role.

import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { addressWith } from "../../src/database/embedded-url.ts";
import { roleNames, setupDatabase } from "../../src/database/roles.ts";
import type {} from "./global-postgres.ts";

export interface TestDatabase {
  readonly database: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** The superuser's address of this database. */
  readonly adminUrl: string;
  /** Removes the database and both roles, cutting connections that are still open. */
  drop(): Promise<void>;
}

/** The superuser's address of the run's server, at its maintenance database. */
export function testAdminUrl(): string {
  const adminUrl: string | undefined = inject("postgresAdminUrl");
  if (adminUrl === undefined) {
    throw new Error("vitest.config.ts needs globalSetup: test/support/global-postgres.ts");
  }
  return adminUrl;
}

/** `name` (letters, digits, underscores) begins the database's name; a random part ends it. */
export async function createTestDatabase(name: string): Promise<TestDatabase> {
  const adminUrl = testAdminUrl();
  const database = `${name.toLowerCase().slice(0, 40)}_${randomBytes(5).toString("hex")}`;
  const names = roleNames(database);
  const passwords = { owner: randomPassword(), app: randomPassword() };
  await setupDatabase({ adminUrl, database, passwords });
  return {
    database,
    ownerUrl: addressWith(adminUrl, { user: names.owner, password: passwords.owner, database }),
    appUrl: addressWith(adminUrl, { user: names.app, password: passwords.app, database }),
    adminUrl: addressWith(adminUrl, { database }),
    drop: () => dropTestDatabase(adminUrl, database),
  };
}

function randomPassword(): string {
  return randomBytes(12).toString("base64url");
}

async function dropTestDatabase(adminUrl: string, database: string): Promise<void> {
  const { owner, app } = roleNames(database);
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`drop database if exists ${pg.escapeIdentifier(database)} with (force)`);
    for (const role of [owner, app]) {
      await client.query(`drop role if exists ${pg.escapeIdentifier(role)}`);
    }
  } finally {
    await client.end();
  }
}
