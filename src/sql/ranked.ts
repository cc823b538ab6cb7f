// The page of a search: rows as a finder ranks them, best first, the newest first among equals.
import { fieldOf, type Model } from "../model/model.ts";
import { filterSql, finderValue } from "./filter.ts";
import { finderCall } from "./finder.ts";
import type { ListShape } from "./list.ts";
import { columnName, tableName } from "./names.ts";
import { ROOT, visibleConditions } from "./read.ts";
import { recordSelect } from "./record.ts";
import { Parameters, type Statement } from "./statement.ts";

/** Inputs, rows and their order are those of `listStatement`; the one sort key is the rank. */
export function rankedStatement(shape: ListShape, model: Model): Statement {
  const { resource, filters, from, bucket, offsetMost } = shape;
  const parameters = new Parameters();
  const search = filters.findIndex(({ operator }) => operator === "search");
  const finder = filters[search]?.finder;
  if (finder === undefined) throw new Error("a ranked list has a finder");
  const call = finderCall(finder, finderValue(finder, search, parameters), parameters);
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  const conditions = visibleConditions(resource, shape.rows, model, parameters);
  filters.forEach((filter, at) => {
    if (at === search) return;
    conditions.push(filterSql(filter, at, resource, ROOT, { model, parameters }));
  });
  const [beyond, way] = from?.before === true ? [">", "asc"] : ["<", "desc"];
  if (from !== undefined) {
    const rank = parameters.input(filters.length, "real");
    const last = parameters.input(filters.length + 1, "uuid");
    conditions.push(`(f.rank, ${id}) ${beyond} (${rank}, ${last})`);
  }
  const start =
    offsetMost === undefined ? "" : ` offset ${parameters.input(filters.length, "bigint")}`;
  // Cut before the record is made: of thousands that are found, a page is shown.
  const page =
    `select ${ROOT}.*, f.rank as found_rank from ${call} f ` +
    `join ${tableName(resource.table)} ${ROOT} on ${id} = f.id where ${conditions.join(" and ")} ` +
    `order by f.rank ${way}, ${id} ${way} limit ${bucket + 1}${start}`;
  const record = recordSelect(shape, model, parameters);
  const keys = [`${ROOT}.found_rank::text`, `${id}::text`];
  return parameters.statement(
    `select ${[...record.columns, ...keys].join(", ")} from (${page}) ${ROOT}${record.joins} ` +
      `order by ${ROOT}.found_rank ${way}, ${id} ${way}`,
  );
}
