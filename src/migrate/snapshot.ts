// What a migration knows of the schema after it: drizzle-kit's snapshot, plus the tenant walls,
// which drizzle-kit never sees. Equal schemas give equal bytes, so that a diff of the file is real.

import { createHash } from "node:crypto";
import { StartError } from "../base/errors.ts";
import type { WalledTable } from "../sql/row-security.ts";

/** One entry of drizzle-kit's snapshot: a table, column, index, check … */
export interface KitEntity {
  readonly entityType: string;
  readonly [property: string]: unknown;
}

export interface KitSnapshot {
  readonly version: string;
  readonly dialect: string;
  readonly id: string;
  readonly prevIds: readonly string[];
  readonly ddl: readonly KitEntity[];
}

/** Contents of `snapshot.json`; `version` changes when a reader of today could not read it. */
export interface Snapshot {
  readonly version: 1;
  readonly drizzle: KitSnapshot;
  readonly walls: readonly WalledTable[];
}

/** drizzle-kit's snapshot format that this code writes and reads. */
export const KIT_SNAPSHOT_VERSION = "9";
const KIT_ORIGIN_ID = "00000000-0000-0000-0000-000000000000";
/** Containers first, so that a reader meets a table before what belongs to it. */
const ENTITY_ORDER = ["schemas", "enums", "tables", "columns", "pks", "uniques", "checks"];

/**
 * Puts the entities into a fixed order and replaces drizzle-kit's random id by one made from the
 * contents. Columns keep the order in which they were declared: CREATE TABLE follows it.
 */
export function stableSnapshot(ddl: readonly KitEntity[], walls: readonly WalledTable[]): Snapshot {
  const ordered = [...ddl].sort((a, b) => compareText(sortKey(a), sortKey(b)));
  const digest = createHash("sha256").update(JSON.stringify(ordered)).digest("hex");
  const groups = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ];
  return {
    version: 1,
    drizzle: {
      version: KIT_SNAPSHOT_VERSION,
      dialect: "postgres",
      id: groups.join("-"),
      prevIds: [KIT_ORIGIN_ID],
      ddl: ordered,
    },
    walls: [...walls]
      .map(({ schema, table, column }) => ({ schema: schema ?? "public", table, column }))
      .sort((a, b) => compareText(wallKey(a), wallKey(b))),
  };
}

/** The state before the first migration. */
export function emptySnapshot(): Snapshot {
  return stableSnapshot([], []);
}

/** Text of `snapshot.json`. */
export function formatSnapshot(snapshot: Snapshot): string {
  return `${JSON.stringify(snapshot, null, 2)}\n`;
}

/** Reads the text of a `snapshot.json`; throws a StartError naming `path` when it is not one. */
export function parseSnapshot(text: string, path: string): Snapshot {
  const fix =
    "Restore the file from version control; it is written by `npx backwright migrate new`.";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StartError(`${path} is not valid JSON.`, { fix, cause });
  }
  if (!isSnapshot(value)) {
    throw new StartError(`${path} is not a snapshot that this version can read.`, { fix });
  }
  return value;
}

type TableName = Pick<WalledTable, "schema" | "table">;

export function wallKey({ schema, table }: TableName): string {
  return JSON.stringify([schema ?? "public", table]);
}

export function hasTable(snapshot: Snapshot, { schema, table }: TableName): boolean {
  return snapshot.drizzle.ddl.some(
    (entity) =>
      entity.entityType === "tables" &&
      entity.schema === (schema ?? "public") &&
      entity.name === table,
  );
}

function isSnapshot(value: unknown): value is Snapshot {
  if (!isRecord(value) || value.version !== 1) return false;
  const { drizzle, walls } = value;
  if (!isRecord(drizzle) || drizzle.version !== KIT_SNAPSHOT_VERSION) return false;
  if (!Array.isArray(drizzle.ddl) || !Array.isArray(drizzle.prevIds)) return false;
  return Array.isArray(walls) && walls.every(isWall);
}

function isWall(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value.schema === "string" &&
    typeof value.table === "string" &&
    typeof value.column === "string"
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sortKey(entity: KitEntity): string {
  const rank = ENTITY_ORDER.indexOf(entity.entityType);
  const order = String(rank < 0 ? ENTITY_ORDER.length : rank);
  const name = entity.entityType === "columns" ? "" : entity.name;
  return JSON.stringify([order, entity.entityType, entity.schema, entity.table, name]);
}

// Not localeCompare: its order depends on the machine's language.
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
