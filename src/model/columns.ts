// Column helpers for Drizzle tables: id(), state(), tracked(). Ordinary Drizzle builders, so that
// everything Drizzle offers can be chained. Emits no SQL: migrate/ adds the CHECK of a state.
import { is } from "drizzle-orm";
import {
  integer,
  type PgColumn,
  type PgIntegerBuilder,
  PgText,
  type PgTextBuilder,
  type PgTimestampBuilder,
  type PgUUIDBuilder,
  type SetHasDefault,
  type SetHasRuntimeDefault,
  type SetNotNull,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import { StartError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";

/**
 * `uuid not null`, filled with a UUIDv7 made in Node (not by PostgreSQL) where an insert through
 * Drizzle or the API gives none. Without a name, the column has the name of its key.
 */
export function id(name = ""): SetHasRuntimeDefault<SetNotNull<PgUUIDBuilder>> {
  return uuid(name).notNull().$defaultFn(newId);
}

type StateValues = readonly [string, ...string[]];
export type StateBuilder<V extends StateValues> = PgTextBuilder<{
  -readonly [I in keyof V]: V[I];
}>;

/**
 * A `text` column of a few values, kept to them by a CHECK that the migration planner adds:
 * `state(["open", "done"]).notNull().default("open")`. Text and not an enum, because comparisons
 * of enums are not leakproof and so use no index under row-level security. Without a name, the
 * column has the name of its key. Throws StartError if a value is empty or stands there twice.
 */
export function state<const V extends StateValues>(values: V): StateBuilder<V>;
export function state<const V extends StateValues>(name: string, values: V): StateBuilder<V>;
export function state<const V extends StateValues>(
  ...given: [values: V] | [name: string, values: V]
): StateBuilder<V> {
  const [name, values] = given.length === 1 ? ["", given[0]] : given;
  if (new Set(values).size !== values.length || values.includes("")) {
    throw new StartError(
      `state(${JSON.stringify(values)}): a value is empty or stands there twice.`,
      {
        fix: "Give every state a name of its own.",
      },
    );
  }
  return text(name, { enum: values }) as StateBuilder<V>;
}

/**
 * The values that a CHECK keeps a column to: of `state(…)`, and of `text({ enum: … })` written by
 * hand. Undefined for every other column, arrays and PostgreSQL enums included.
 */
export function stateValues(column: PgColumn): readonly string[] | undefined {
  if (!is(column, PgText) || column.dimensions > 0) return undefined;
  const values: readonly string[] | undefined = column.enumValues;
  return values !== undefined && values.length > 0 ? values : undefined;
}

export interface TrackedColumns {
  readonly createdAt: SetHasDefault<SetNotNull<PgTimestampBuilder>>;
  readonly updatedAt: SetHasDefault<SetNotNull<PgTimestampBuilder>>;
  readonly version: SetHasDefault<SetNotNull<PgIntegerBuilder>>;
}

/**
 * `createdAt`, `updatedAt` (timestamptz) and `version` (integer from 1), to be spread into a table.
 * Operations keep all three; a write past them, through Drizzle or SQL, does not. PostgreSQL and
 * the API carry microseconds, a Date read through Drizzle milliseconds.
 */
export function tracked(): TrackedColumns {
  return {
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow(),
    version: integer().notNull().default(1),
  };
}

/**
 * `deletedAt` (timestamptz), to be spread into a table: deleting a record then marks it, and it can
 * be restored. A marked row is in no reply and no reference leads to it. Unique keys that should be
 * free again are partial: `uniqueIndex().on(…).where(sql`deleted_at is null`)`.
 */
export function softDeleted(): { readonly deletedAt: PgTimestampBuilder } {
  return { deletedAt: timestamp("deleted_at", { withTimezone: true }) };
}
