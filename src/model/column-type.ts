// The type of a Drizzle column: what its SQL type and its enum say together.
import { is } from "drizzle-orm";
import { type PgColumn, PgEnumColumn, PgEnumObjectColumn } from "drizzle-orm/pg-core";
import type { FieldType } from "./field-type.ts";
import { arrayType, fieldType, pgEnumType } from "./fields.ts";

/** As PostgreSQL would name it. Drizzle keeps the brackets of an array apart from its elements. */
export function sqlTypeOf(column: PgColumn): string {
  return column.getSQLType() + "[]".repeat(column.dimensions);
}

/** Undefined for a type that the API cannot carry without loss. */
export function columnType(column: PgColumn): FieldType | undefined {
  if (!is(column, PgEnumColumn) && !is(column, PgEnumObjectColumn)) {
    return fieldType(sqlTypeOf(column), column.enumValues);
  }
  const { enumName, enumValues, schema } = column.enum;
  const names = schema === undefined ? [enumName] : [schema, enumName];
  const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(".");
  const type = pgEnumType(quoted, enumValues);
  if (column.dimensions > 1) return undefined;
  return column.dimensions === 1 ? arrayType(type) : type;
}
