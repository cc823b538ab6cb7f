// How many rows a list has: the conditions of its statement without its order.
import type { Model } from "../model/model.ts";
import { filterSql } from "./filter.ts";
import { tableName } from "./names.ts";
import { type RecordShape, ROOT, visibleConditions } from "./read.ts";
import type { Filter } from "./serve.ts";
import { Parameters, type Statement } from "./statement.ts";

export interface CountShape extends Pick<RecordShape, "resource" | "rows"> {
  /** In canonical order; filter n takes input n. */
  readonly filters: readonly Filter[];
  /** Rows after which counting stops; undefined counts them all. */
  readonly most: number | undefined;
}

/** One row of one number. Only rows that the role sees are counted. */
export function countStatement(shape: CountShape, model: Model): Statement {
  const { resource, rows, filters, most } = shape;
  const parameters = new Parameters();
  const conditions = visibleConditions(resource, rows, model, parameters);
  filters.forEach((filter, at) => {
    conditions.push(filterSql(filter, at, resource, ROOT, { model, parameters }));
  });
  const from = `from ${tableName(resource.table)} ${ROOT} where ${conditions.join(" and ")}`;
  return parameters.statement(
    most === undefined
      ? `select count(*)::text ${from}`
      : `select count(*)::text from (select ${from} limit ${most}) c`,
  );
}
