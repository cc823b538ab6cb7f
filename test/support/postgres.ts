// Throw-away databases on the run's server, each with its own owner and app role.
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
