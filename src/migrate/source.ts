// What the database should look like, read off the declared backend: tables, walls, state lists.
import type { PgTable } from "drizzle-orm/pg-core";
import type { AnyBackend } from "../model/declare-untyped.ts";
import type { Model } from "../model/model.ts";
import type { WalledTable } from "../sql/row-security.ts";
import type { SchemaSource, StateColumn } from "./plan.ts";

/** Every tenant table of the model with the column that its wall compares. */
export function wallsOf(model: Model): readonly WalledTable[] {
  return [...model.tables.values()].flatMap(({ schema, sqlName, tenantField }) =>
    tenantField === undefined
      ? []
      : [{ schema: schema ?? null, table: sqlName, column: tenantField.column }],
  );
}

/** The input of the migration planner. */
export function schemaSource(backend: AnyBackend, model: Model): SchemaSource {
  const tables: Record<string, PgTable> = {};
  const states: StateColumn[] = [];
  for (const { key, schema, sqlName, fields } of model.tables.values()) {
    tables[key] = backend.domain.relations[key]?.table as PgTable;
    for (const { column, values } of fields.values()) {
      if (values === undefined) continue;
      states.push({ schema: schema ?? null, table: sqlName, column, values });
    }
  }
  return { tables, walls: wallsOf(model), states };
}
