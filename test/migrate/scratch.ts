// What the migration tests start from: a schema as an app declares it, and a scratch database with
// an owner and an app role of its own.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import {
  type AnyPgColumnBuilder,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  type PgTable,
  pgSchema,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { roleNames } from "../../src/database/roles.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import { writeMigration } from "../../src/migrate/files.ts";
import type { SchemaSource, StateColumn } from "../../src/migrate/plan.ts";
import type { MigrateUpOptions } from "../../src/migrate/runner.ts";
import { emptySnapshot } from "../../src/migrate/snapshot.ts";
import type { WalledTable } from "../../src/sql/row-security.ts";
import { createTestDatabase } from "../support/postgres.ts";

export interface Scratch {
  readonly directory: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly adminUrl: string;
  readonly ownerRole: string;
  readonly appRole: string;
  readonly owner: Session;
  readonly app: Session;
  /** Options for migrateUp and migrateDown with short waits, and without built-in migrations. */
  options(more?: Partial<MigrateUpOptions>): MigrateUpOptions;
  /** Writes the scripts as the next migrations of the folder. */
  write(scripts: readonly Script[]): Promise<void>;
  /** Replaces the text of a file of the folder. */
  edit(path: string, text: string): Promise<void>;
  drop(): Promise<void>;
}

/** A migration by hand. */
export interface Script {
  readonly name: string;
  readonly up: string;
  readonly down?: string;
}

export async function createScratch(): Promise<Scratch> {
  const { ownerUrl, appUrl, adminUrl, database, drop } = await createTestDatabase("migrate");
  const { owner: ownerRole, app: appRole } = roleNames(database);
  const [owner, app] = await Promise.all([openSession(ownerUrl), openSession(appUrl)]);
  const directory = await mkdtemp(join(tmpdir(), "migrate-test-"));
  return {
    directory,
    ownerUrl,
    appUrl,
    adminUrl,
    ownerRole,
    appRole,
    owner,
    app,
    options: (more = {}) => ({
      ownerUrl,
      appRole,
      directory,
      system: [],
      runWaitMs: 10_000,
      ...more,
    }),
    async write(scripts) {
      for (const { name, up, down = "select 1;" } of scripts) {
        await writeMigration(directory, name, { up, down, snapshot: emptySnapshot() });
      }
    },
    edit: (path, text) => writeFile(join(directory, path), text),
    async drop() {
      await owner.close();
      await app.close();
      await rm(directory, { recursive: true });
      await drop();
    },
  };
}

const tenantColumns = () => ({
  organizationId: uuid("organization_id")
    .notNull()
    .references(() => organizations.id),
  id: uuid().notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  version: integer().notNull().default(1),
});

export const organizations = pgTable("organizations", {
  id: uuid().primaryKey(),
  name: text().notNull(),
});

/** A global table: no tenant, no wall. */
export const countries = pgTable("countries", {
  code: text().primaryKey(),
  name: text().notNull(),
});

export const sites = pgTable(
  "sites",
  {
    ...tenantColumns(),
    name: text().notNull(),
    parentId: uuid("parent_id"),
    deletedAt: timestamp("deleted_at", { withTimezone: true }),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    foreignKey({
      columns: [t.organizationId, t.parentId],
      foreignColumns: [t.organizationId, t.id],
    }),
    uniqueIndex("sites_name_live").on(t.organizationId, t.name).where(sql`${t.deletedAt} is null`),
  ],
);

export const assets = pgTable(
  "assets",
  {
    ...tenantColumns(),
    name: text().notNull(),
    siteId: uuid("site_id").notNull(),
    tags: text().array().notNull().default([]),
    cost: numeric({ precision: 12, scale: 2 }),
    document: jsonb().$type<{ readonly unit: string }>().default({ unit: "it's" }),
    status: text({ enum: ["active", "retired"] })
      .notNull()
      .default("active"),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    foreignKey({
      columns: [t.organizationId, t.siteId],
      foreignColumns: [sites.organizationId, sites.id],
    }),
    unique().on(t.organizationId, t.name),
    index().on(t.organizationId, t.createdAt.desc(), t.id.desc()),
  ],
);

const billing = pgSchema("billing");
export const invoices = billing.table(
  "invoices",
  { ...tenantColumns(), amount: numeric({ precision: 14, scale: 2 }).notNull() },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    index("invoices_amount").on(t.organizationId, t.amount),
  ],
);

export const walls: readonly WalledTable[] = [
  { schema: null, table: "organizations", column: "id" },
  { schema: null, table: "sites", column: "organization_id" },
  { schema: null, table: "assets", column: "organization_id" },
  { schema: "billing", table: "invoices", column: "organization_id" },
];

export const assetStates: StateColumn = {
  schema: null,
  table: "assets",
  column: "status",
  values: ["active", "retired"],
};

export const schema: SchemaSource = {
  tables: { organizations, countries, sites, assets, invoices },
  walls,
  states: [assetStates],
};

/** A source of one walled table besides organizations, whose columns a test can vary. */
export function withAssets(table: PgTable, more: Partial<SchemaSource> = {}): SchemaSource {
  return {
    tables: { organizations, assets: table },
    walls: walls.filter(({ table: name }) => name === "organizations" || name === "assets"),
    states: [],
    ...more,
  };
}

/** `assets` with the columns of every tenant table, those given, and an index on the id. */
export function assetsWith(
  columns: Record<string, AnyPgColumnBuilder>,
  name = "assets",
  indexName?: string,
  concurrently = false,
) {
  return pgTable(name, { ...tenantColumns(), ...columns }, (t) => {
    const keys = [primaryKey({ columns: [t.organizationId, t.id] })];
    if (indexName === undefined) return keys;
    const plain = index(indexName).on(t.id);
    return [...keys, concurrently ? plain.concurrently() : plain];
  });
}

export const ORGANIZATION = [
  "00000000-0000-7000-8000-000000000001",
  "00000000-0000-7000-8000-000000000002",
] as const;
