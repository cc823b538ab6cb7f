// How tables, columns and JSON objects of the model are written in SQL.
import type { FieldModel, TableModel } from "../model/model.ts";
import { quoteIdentifier, quoteLiteral } from "./quote.ts";
import type { Parameters } from "./statement.ts";

/** With its schema always: a bare name could be that of a WITH query of the same statement. */
export function tableName(table: TableModel): string {
  return `${quoteIdentifier(table.schema ?? "public")}.${quoteIdentifier(table.sqlName)}`;
}

export function columnName(field: FieldModel, alias?: string): string {
  const name = quoteIdentifier(field.column);
  return alias === undefined ? name : `${alias}.${name}`;
}

export function sqlType(field: FieldModel): string {
  return field.type?.sql ?? field.sqlType;
}

/** `alias.organization_id = $n`: the fast path of the wall. Nothing for a global table. */
export function tenantCondition(
  table: TableModel,
  alias: string,
  parameters: Parameters,
): string | undefined {
  if (table.tenantField === undefined) return undefined;
  return `${columnName(table.tenantField, alias)} = ${parameters.claim("tenantId", "uuid")}`;
}

/** The tenant's rows that are not marked as deleted; undefined where that is every row. */
export function livingCondition(
  table: TableModel,
  alias: string,
  parameters: Parameters,
): string | undefined {
  const tenant = tenantCondition(table, alias, parameters);
  if (table.deletedField === undefined) return tenant;
  const living = `${columnName(table.deletedField, alias)} is null`;
  return tenant === undefined ? living : `${tenant} and ${living}`;
}

/** A member of a JSON object: its name and the SQL that makes it. */
export interface Member {
  readonly name: string;
  readonly sql: string;
}

export function fieldMember(field: FieldModel, alias: string): Member {
  const column = columnName(field, alias);
  return { name: field.name, sql: field.type?.json(column) ?? column };
}

/** Under the name that does not change with the version of the API. */
export function ownMember(field: FieldModel, alias: string): Member {
  return { ...fieldMember(field, alias), name: field.ownName };
}

// row_to_json over a subselect: json_build_object costs 20 % more, every jsonb form 60 %.
export function jsonObject(members: readonly Member[]): string {
  const list = members.map(({ name, sql }) => `${sql} as ${quoteIdentifier(name)}`);
  return `(select row_to_json(r) from (select ${list.join(", ")}) r)`;
}

/** Constants of the declaration stand in the text, so that the planner knows them. */
export function constant(text: string | null, type: string): string {
  return text === null ? `null::${type}` : `${quoteLiteral(text)}::${type}`;
}
