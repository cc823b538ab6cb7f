// Get: one record as JSON text, built by PostgreSQL.
import type { FieldModel, Model, Predicate, RelationModel, ResourceModel } from "../model/model.ts";
import { fieldOf } from "../model/model.ts";
import {
  columnName,
  fieldMember,
  jsonObject,
  livingCondition,
  type Member,
  relationCondition,
  tableName,
} from "./names.ts";
import { predicateSql } from "./predicate.ts";
import { Parameters, type Statement } from "./statement.ts";

/** An included to-one relation: the target's rows and fields that the role may read. */
export interface Include {
  readonly relation: RelationModel;
  readonly target: ResourceModel;
  readonly rows: Predicate;
  readonly fields: readonly FieldModel[];
}

export interface RecordShape {
  readonly resource: ResourceModel;
  /** Rows that the role may read. */
  readonly rows: Predicate;
  readonly fields: readonly FieldModel[];
  readonly includes: readonly Include[];
}

/** The alias of the resource's own table in every statement. */
export const ROOT = "w";

/** The record as a JSON object; an included row that is absent or invisible is null. */
export function recordJson(shape: RecordShape, model: Model, parameters: Parameters): string {
  const members: Member[] = shape.fields.map((field) => fieldMember(field, ROOT));
  for (const include of shape.includes) {
    const { relation, target } = include;
    const alias = `${ROOT}_${relation.name.toLowerCase()}`;
    const table = shape.resource.table;
    const join = relationCondition(table, ROOT, relation, target.table, alias, parameters);
    const context = { model, parameters };
    const visible = predicateSql(include.rows, target.table, alias, context);
    const list = include.fields.map((field) => fieldMember(field, alias));
    const columns = list.map(({ name, sql }) => `${sql} as "${name}"`).join(", ");
    members.push({
      name: relation.name,
      sql:
        `(select row_to_json(i) from (select ${columns} from ${tableName(target.table)} ${alias}` +
        ` where ${[join, visible].filter((part) => part !== undefined).join(" and ")}) i)`,
    });
  }
  return jsonObject(members);
}

/** `version` as text where the table keeps one, for the ETag. */
export function versionSql(resource: ResourceModel, alias: string): string {
  return resource.table.versioned
    ? `${columnName(fieldOf(resource.table, "version"), alias)}::text`
    : "null::text";
}

/** The conditions under which a role sees a row: tenant, not deleted, policy. */
export function visibleConditions(
  resource: ResourceModel,
  rows: Predicate,
  model: Model,
  parameters: Parameters,
): string[] {
  const living = livingCondition(resource.table, ROOT, parameters);
  const policy = predicateSql(rows, resource.table, ROOT, { model, parameters });
  const conditions = [living, policy].filter((part) => part !== undefined);
  return conditions.length === 0 ? ["true"] : conditions; // A global table, open to the role.
}

/** Input 0 is the id. The row is [json, version]; no row when it is absent or invisible. */
export function getStatement(shape: RecordShape, model: Model): Statement {
  const parameters = new Parameters();
  const { resource } = shape;
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  const conditions = [
    ...visibleConditions(resource, shape.rows, model, parameters),
    `${id} = ${parameters.input(0, "uuid")}`,
  ];
  return parameters.statement(
    `select ${recordJson(shape, model, parameters)}::text, ${versionSql(resource, ROOT)}` +
      ` from ${tableName(resource.table)} ${ROOT} where ${conditions.join(" and ")}`,
  );
}
