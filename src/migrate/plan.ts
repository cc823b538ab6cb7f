// From the tables of the model to SQL: the difference to the last snapshot, both ways.
// Knows no database and no file.

import { createHash } from "node:crypto";
import { is } from "drizzle-orm";
import {
  getTableConfig,
  PgEnumColumn,
  PgEnumObjectColumn,
  type PgTable,
  pgSchema,
} from "drizzle-orm/pg-core";
import { StartError } from "../base/errors.ts";
import { quoteIdentifier, quoteLiteral } from "../sql/quote.ts";
import type { WalledTable } from "../sql/row-security.ts";
import { createExtensions } from "./extensions.ts";
import { type MigrationHint, reverseHints } from "./hints.ts";
import { type DiffOptions, describeTables, diffSnapshots } from "./kit.ts";
import { formatDraft, formatScript, isConcurrentIndex, isOutside } from "./script.ts";
import {
  emptySnapshot,
  hasTable,
  type KitEntity,
  type Snapshot,
  stableSnapshot,
  wallKey,
} from "./snapshot.ts";
import { diffWalls } from "./walls.ts";

/** A text column whose values are a closed list; the list becomes a CHECK constraint. */
export interface StateColumn {
  readonly schema: string | null;
  readonly table: string;
  readonly column: string;
  readonly values: readonly string[];
}

/** What the database should look like, by SQL names. */
export interface SchemaSource {
  readonly tables: Readonly<Record<string, PgTable>>;
  readonly walls: readonly WalledTable[];
  readonly states: readonly StateColumn[];
}

export interface Plan {
  /** Nothing to do: the model and the previous snapshot agree. */
  readonly empty: boolean;
  /** Texts of up.sql and down.sql. */
  readonly up: string;
  readonly down: string;
  readonly snapshot: Snapshot;
}

export interface PlanOptions {
  /** Which new tables and columns are renamed old ones; anything not named here is asked for. */
  readonly hints?: readonly MigrationHint[];
}

// LIMIT: PostgreSQL cuts longer names silently, which could make two of them equal.
const IDENTIFIER_BYTES_MAX = 63;

/**
 * Plans the migration from `previous` (null: an empty database) to `source`. The down script
 * restores the schema, not the rows: steps that lose some are marked `-- destroys data`.
 * Throws a StartError when drizzle-kit is missing or refuses the tables, when a rename cannot be
 * told from a drop and a create, and when an index to be built concurrently does not stand alone.
 */
export async function planMigration(
  source: SchemaSource,
  previous: Snapshot | null,
  options: PlanOptions = {},
): Promise<Plan> {
  const before = previous ?? emptySnapshot();
  const after = await snapshotOf(source);
  const hints = options.hints ?? [];
  const up = await statementsBetween(before, after, { hints, recreate: "dataless" });
  refuseMixedConcurrency(up);
  const down = await statementsBack(after, before, hints);
  return {
    empty: up.length === 0,
    up: formatScript(up),
    down: formatScript(down),
    snapshot: after,
  };
}

/**
 * A migration to be completed by hand: the snapshot of `source`, and scripts that fail when they
 * are run as they are. What drop and create would do stands in them as comments.
 */
export async function draftMigration(
  source: SchemaSource,
  previous: Snapshot | null,
): Promise<Plan> {
  const before = previous ?? emptySnapshot();
  const after = await snapshotOf(source);
  const up = await statementsBetween(before, after, { hints: [], recreate: "everything" });
  const down = await statementsBack(after, before, []);
  return { empty: false, up: formatDraft(up), down: formatDraft(down), snapshot: after };
}

async function snapshotOf(source: SchemaSource): Promise<Snapshot> {
  const entities = await describeTables(kitImports(source.tables));
  const walls = new Set(source.walls.map(wallKey));
  const own = entities.map((entity) => withoutKitRowSecurity(entity, walls));
  return stableSnapshot([...own, ...source.states.map(stateCheck)], source.walls);
}

/** Only tables are given; drizzle-kit also wants the schemas and enums that they use. */
function kitImports(tables: Readonly<Record<string, PgTable>>): Record<string, unknown> {
  const imports: Record<string, unknown> = {};
  for (const [key, table] of Object.entries(tables)) {
    const { schema, columns } = getTableConfig(table);
    imports[`table ${key}`] = table;
    if (schema !== undefined && schema !== "public") imports[`schema ${schema}`] = pgSchema(schema);
    for (const column of columns) {
      if (is(column, PgEnumColumn) || is(column, PgEnumObjectColumn)) {
        imports[`enum ${column.enum.schema ?? ""} ${column.enum.enumName}`] = column.enum;
      }
    }
  }
  return imports;
}

/** Else drizzle-kit would take a wall down when a table's `.enableRLS()` disappears. */
function withoutKitRowSecurity(entity: KitEntity, walls: ReadonlySet<string>): KitEntity {
  if (entity.entityType !== "tables") return entity;
  const walled = walls.has(JSON.stringify([entity.schema, entity.name]));
  return walled ? { ...entity, isRlsEnabled: false } : entity;
}

function stateCheck(state: StateColumn): KitEntity {
  const values = state.values.map(quoteLiteral).join(", ");
  return {
    schema: state.schema ?? "public",
    table: state.table,
    name: stateCheckName(state.table, state.column),
    value: `${quoteIdentifier(state.column)} in (${values})`,
    entityType: "checks",
  };
}

function stateCheckName(table: string, column: string): string {
  const name = `${table}_${column}_states`;
  if (Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 10);
  const start = Buffer.from(name).subarray(0, 40).toString("utf8").replace("\uFFFD", "");
  return `${start}_${digest}_states`;
}

async function statementsBetween(
  before: Snapshot,
  after: Snapshot,
  options: DiffOptions,
): Promise<readonly string[]> {
  const next = withPlainIndexesOnNewTables(before, after);
  const tables = await diffSnapshots(before.drizzle, next.drizzle, options);
  const walls = diffWalls(before, after, options.hints);
  const extensions = createExtensions(before, after);
  return [...extensions, ...walls.removed, ...tables, ...walls.raised].map((statement) =>
    statement.trim(),
  );
}

/** Whatever was a drop and a create on the way up is one on the way down: nothing to ask. */
async function statementsBack(
  from: Snapshot,
  to: Snapshot,
  hints: readonly MigrationHint[],
): Promise<readonly string[]> {
  const statements = await statementsBetween(from, to, {
    hints: reverseHints(hints),
    recreate: "everything",
  });
  if (statements.length === 1) return statements;
  return statements.map((statement) =>
    isConcurrentIndex(statement) ? statement.replace(" CONCURRENTLY", "") : statement,
  );
}

/** Nobody reads a table that the same file creates, so its indexes can be built inside. */
function withPlainIndexesOnNewTables(before: Snapshot, after: Snapshot): Snapshot {
  const ddl = after.drizzle.ddl.map((entity) => {
    if (entity.entityType !== "indexes" || entity.concurrently !== true) return entity;
    const table = { schema: String(entity.schema), table: String(entity.table) };
    return hasTable(before, table) ? entity : { ...entity, concurrently: false };
  });
  return { ...after, drizzle: { ...after.drizzle, ddl } };
}

function refuseMixedConcurrency(statements: readonly string[]): void {
  const concurrent = statements.find(isConcurrentIndex);
  if (concurrent === undefined || isOutside(statements)) return;
  throw new StartError(
    `An index that is built concurrently needs a migration of its own:\n  ${concurrent}`,
    {
      fix:
        "Plan it alone, after the other changes; or take .concurrently() off its declaration, " +
        "which blocks writes to the table while it is built.",
    },
  );
}
