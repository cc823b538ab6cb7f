// What every read has in common: the shape of a record and the rows that a role sees.
import type { FieldModel, Model, Predicate, ResourceModel } from "../model/model.ts";
import { columnName, livingCondition } from "./names.ts";
import { predicateSql } from "./predicate.ts";
import { type RelatedRows, relatedRows, type Source, tableOf } from "./relation.ts";
import type { RelatedRecords } from "./serve.ts";
import type { Parameters } from "./statement.ts";

/** An included relation: the target's rows and fields that the role may read. */
export interface Include extends RelatedRecords {
  readonly fields: readonly FieldModel[];
  readonly includes: readonly Include[];
  /** Of a relation to many: newest first. */
  readonly page: IncludedPage | undefined;
}

export interface IncludedPage {
  readonly size: number;
  /** `desc` with the nulls where the index has them. */
  readonly order: string;
  /** The input that holds the id after which it begins. */
  readonly after: number | undefined;
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
  const { versionField } = resource.table;
  return versionField === undefined ? "null::text" : `${columnName(versionField, alias)}::text`;
}

/** The related rows that a role sees: what stands in FROM and WHERE of a sub-select. */
export function visibleRelated(
  source: Source,
  { relation, target, rows, joinRows }: RelatedRecords,
  context: { readonly model: Model; readonly parameters: Parameters },
): RelatedRows {
  const related = relatedRows(source, relation, context);
  const conditions = [related.where, predicateSql(rows, target.table, related.alias, context)];
  if (related.by !== undefined && relation.kind === "many" && relation.through !== undefined) {
    const join = tableOf(context.model, relation.through.table);
    conditions.push(predicateSql(joinRows, join, related.by, context));
  }
  const where = conditions.filter((part) => part !== undefined).join(" and ");
  return { ...related, where };
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
