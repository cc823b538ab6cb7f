// The page of a search: rows as a finder ranks them, best first, the newest first among equals.
import { fieldOf, type Model } from "../model/model.ts";
import { filterSql, finderValue } from "./filter.ts";
import { finderCall } from "./finder.ts";
import type { ListShape } from "./list-plan.ts";
import { columnName, tableName } from "./names.ts";
import { ROOT, visibleConditions } from "./read.ts";
import { recordSelect } from "./record.ts";
import { Parameters, type RecordStatement } from "./statement.ts";

/** Inputs, rows and their order are those of `listStatement`; the one sort key is the rank. */
export function rankedStatement(shape: ListShape, model: Model): RecordStatement {
  const { resource, arms, from, bucket, offsetMost } = shape;
  const parameters = new Parameters();
  const inputs = arms.flatMap(({ filters }) => filters);
  const search = inputs.findIndex(({ operator }) => operator === "search");
  const finder = inputs[search]?.finder;
  if (finder === undefined) throw new Error("a ranked list has a finder");
  const call = finderCall(finder, finderValue(finder, search, parameters), parameters);
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  const conditions = visibleConditions(resource, shape.rows, model, parameters);
  let input = 0;
  const alternatives = arms.map(({ filters }) => {
    const tests = filters.flatMap((filter) => {
      const at = input++;
      if (filter.operator === "search") return [];
      return [filterSql(filter, at, resource, ROOT, { model, parameters })];
    });
    return tests.length === 0 ? "true" : tests.join(" and ");
  });
  // Few rows are found, so an `or` over them needs no index.
  if (!alternatives.includes("true")) conditions.push(`(${alternatives.join(" or ")})`);
  const [beyond, way] = from?.before === true ? [">", "asc"] : ["<", "desc"];
  if (from !== undefined) {
    const rank = parameters.input(inputs.length, "real");
    const last = parameters.input(inputs.length + 1, "uuid");
    conditions.push(`(f.rank, ${id}) ${beyond} (${rank}, ${last})`);
  }
  const start =
    offsetMost === undefined ? "" : ` offset ${parameters.input(inputs.length, "bigint")}`;
  // Cut before the record is made: of thousands that are found, a page is shown.
  const page =
    `select ${ROOT}.*, f.rank as found_rank from ${call} f ` +
    `join ${tableName(resource.table)} ${ROOT} on ${id} = f.id where ${conditions.join(" and ")} ` +
    `order by f.rank ${way}, ${id} ${way} limit ${bucket + 1}${start}`;
  const record = recordSelect(shape, model, parameters);
  const columns = [...record.columns, `${ROOT}.found_rank::text`];
  return parameters.recordStatement(
    `select ${columns.join(", ")} from (${page}) ${ROOT}${record.joins} ` +
      `order by ${ROOT}.found_rank ${way}, ${id} ${way}`,
    [...record.binary, false],
  );
}
