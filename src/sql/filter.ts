// A filter of a request as the test of one row. Which index finds the rows is decided in serve.ts.
import { fieldOf, type Model, type ResourceModel } from "../model/model.ts";
import { type Finder, finderCall } from "./finder.ts";
import { columnName, relationCondition, sqlType, tableName } from "./names.ts";
import { COMPARISON_SQL, matchSql, predicateSql } from "./predicate.ts";
import type { Filter } from "./serve.ts";
import type { Parameters } from "./statement.ts";

/**
 * The condition over `alias`; the filter's value is input `at`, a list of values an array literal.
 * Three-valued: a null passes no test but `isNull`. Of a related record: that the role sees one
 * which passes, so `isNull` too needs a record to be there.
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
  if (filter.through === undefined) return testSql(filter, alias, at, parameters);
  const { relation, target, rows } = filter.through;
  const inner = `${alias}_${relation.name.toLowerCase()}`;
  const conditions = [
    relationCondition(table, alias, relation, target.table, inner, parameters),
    predicateSql(rows, target.table, inner, context),
    testSql(filter, inner, at, parameters),
  ];
  const where = conditions.filter((part) => part !== undefined).join(" and ");
  return `exists (select from ${tableName(target.table)} ${inner} where ${where})`;
}

export function finderValue(finder: Finder, at: number, parameters: Parameters): string {
  return parameters.input(at, finder.arguments[0] ?? "text");
}

function testSql(filter: Filter, alias: string, at: number, parameters: Parameters): string {
  const { field, operator, isNull } = filter;
  const column = columnName(field, alias);
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
