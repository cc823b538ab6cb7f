// How many rows a list has: the conditions of its statement without its order.
import { fieldOf, type Model } from "../model/model.ts";
import { filterSql } from "./filter.ts";
import { columnName, tableName } from "./names.ts";
import { type RecordShape, ROOT, visibleConditions } from "./read.ts";
import type { Filter } from "./serve.ts";
import { Parameters, type Statement } from "./statement.ts";

export interface CountShape extends Pick<RecordShape, "resource" | "rows"> {
  /** Alternatives, as in ListShape. */
  readonly arms: readonly { readonly filters: readonly Filter[] }[];
  /** Rows after which counting stops; undefined counts them all. */
  readonly most: number | undefined;
}

/** One row of one number. Only rows that the role sees are counted. */
export function countStatement(shape: CountShape, model: Model): Statement {
  const { resource, rows, arms, most } = shape;
  const parameters = new Parameters();
  let input = 0;
  const limit = most === undefined ? "" : ` limit ${most}`;
  const sources = arms.map(({ filters }) => {
    const conditions = visibleConditions(resource, rows, model, parameters);
    for (const filter of filters) {
      conditions.push(filterSql(filter, input, resource, ROOT, { model, parameters }));
      input += 1;
    }
    return `from ${tableName(resource.table)} ${ROOT} where ${conditions.join(" and ")}`;
  });
  const [only] = sources;
  if (sources.length === 1 && most === undefined) {
    return parameters.statement(`select count(*)::text ${only}`);
  }
  if (sources.length === 1) {
    return parameters.statement(`select count(*)::text from (select ${only}${limit}) c`);
  }
  // Each alternative by its own index, which one condition with `or` would not be.
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  const all = sources.map((source) => `(select ${id} ${source}${limit})`).join(" union ");
  return parameters.statement(`select count(*)::text from (${all}) c`);
}
