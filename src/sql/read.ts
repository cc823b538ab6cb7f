// What every read has in common: the shape of a record and the rows that a role sees.
import type { FieldModel, Model, Predicate, RelationModel, ResourceModel } from "../model/model.ts";
import { fieldOf } from "../model/model.ts";
import { columnName, livingCondition } from "./names.ts";
import { predicateSql } from "./predicate.ts";
import type { Parameters } from "./statement.ts";

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
