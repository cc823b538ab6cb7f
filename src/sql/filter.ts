// A filter of a request as the test of one row. Which index finds the rows is decided in serve.ts.
import { fieldOf, type Model, type ResourceModel } from "../model/model.ts";
import { type Finder, finderCall } from "./finder.ts";
import { columnName, sqlType } from "./names.ts";
import { COMPARISON_SQL, matchSql } from "./predicate.ts";
import { visibleRelated } from "./read.ts";
import type { Filter } from "./serve.ts";
import type { Parameters } from "./statement.ts";

/**
 * The condition over `alias`; the filter's value is input `at`, a list of values an array literal.
 * Three-valued: a null passes no test but `isNull`. Of a related record: that the role sees one
 * which passes, so `isNull` too needs a record to be there; negated, that it sees none.
 */
export function filterSql(
  filter: Filter,
  at: number,
  { table }: Pick<ResourceModel, "table">,
  alias: string,
  context: { readonly model: Model; readonly parameters: Parameters },
): string {
  const { parameters } = context;
  if (filter.finder !== undefined) {
    const found = finderCall(filter.finder, finderValue(filter.finder, at, parameters), parameters);
    return `${columnName(fieldOf(table, "id"), alias)} in (select f.id from ${found} f)`;
  }
  if (filter.through === undefined) {
    const test = testSql(filter, columnName(filter.field, alias), at, parameters);
    return filter.negated ? `not (${test})` : test;
  }
  const related = visibleRelated({ table, alias }, filter.through, context);
  const test = testSql(filter, columnName(filter.field, related.alias), at, parameters);
  const found = `exists (select from ${related.from} where ${related.where} and ${test})`;
  return filter.negated ? `not ${found}` : found;
}

export function finderValue(finder: Finder, at: number, parameters: Parameters): string {
  return parameters.input(at, finder.arguments[0] ?? "text");
}

/** Conditions of several alternatives where no order needs them apart: one `or`. */
export function alternativesSql(
  arms: readonly (readonly Filter[])[],
  resource: Pick<ResourceModel, "table">,
  alias: string,
  context: { readonly model: Model; readonly parameters: Parameters },
): string[] {
  let input = 0;
  const conditions = arms.map((filters) =>
    filters.map((filter) => {
      input += 1;
      return filterSql(filter, input - 1, resource, alias, context);
    }),
  );
  const [only = []] = conditions;
  if (conditions.length === 1) return only;
  return [`(${conditions.map((all) => `(${all.join(" and ")})`).join(" or ")})`];
}

/** The test of `column`, or of any other SQL of the field's type. */
export function testSql(
  { field, operator, isNull }: Filter,
  column: string,
  at: number,
  parameters: Parameters,
): string {
  const type = sqlType(field);
  switch (operator) {
    case "isNull":
      return `${column} is ${isNull ? "" : "not "}null`;
    case "in":
      return `${column} = any(${parameters.input(at, `${type}[]`)})`;
    case "nin":
      return `${column} <> all(${parameters.input(at, `${type}[]`)})`;
    case "like":
    case "ilike":
    case "contains":
      return `${column} ${matchSql(field, operator)} ${parameters.input(at, type)}`;
    case "search":
      throw new Error("words are found by a finder");
    default:
      return `${column} ${COMPARISON_SQL[operator]} ${parameters.input(at, type)}`;
  }
}
