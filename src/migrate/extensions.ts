// The extensions that GIN indexes of a snapshot need: drizzle-kit creates none. Those named here
// are trusted, so the owner of a database may create them, and are never dropped again.
import { createExtension } from "./script.ts";
import type { KitEntity, Snapshot } from "./snapshot.ts";

interface IndexColumn {
  readonly value: string;
  readonly isExpression: boolean;
  readonly opclass: { readonly name: string } | null;
}

/** What PostgreSQL itself has a GIN operator class for, beside arrays. */
const GIN_TYPES = ["jsonb", "tsvector"];

/** Statements that create what the indexes of `after` need and those of `before` did not. */
export function createExtensions(before: Snapshot, after: Snapshot): readonly string[] {
  const had = extensionsOf(before);
  return [...extensionsOf(after)]
    .filter((name) => !had.has(name))
    .sort()
    .map(createExtension);
}

function extensionsOf({ drizzle: { ddl } }: Snapshot): Set<string> {
  const found = new Set<string>();
  for (const entity of ddl) {
    if (entity.entityType !== "indexes" || !/^gi(n|st)$/.test(String(entity.method))) continue;
    for (const column of entity.columns as readonly IndexColumn[]) {
      const name = extensionOf(column, entity, ddl);
      if (name !== undefined) found.add(name);
    }
  }
  return found;
}

function extensionOf(
  { value, isExpression, opclass }: IndexColumn,
  index: KitEntity,
  ddl: readonly KitEntity[],
): string | undefined {
  if (opclass?.name.endsWith("_trgm_ops")) return "pg_trgm";
  if (index.method !== "gin" || isExpression || opclass !== null) return undefined;
  const column = ddl.find(
    (one) =>
      one.entityType === "columns" &&
      one.schema === index.schema &&
      one.table === index.table &&
      one.name === value,
  );
  const isKnown = Number(column?.dimensions) > 0 || GIN_TYPES.includes(String(column?.type));
  return column === undefined || isKnown ? undefined : "btree_gin";
}
