// A filter of a request as the test of one row. Which index finds the rows is decided in serve.ts.
import type { Model, ResourceModel } from "../model/model.ts";
import { columnName, relationCondition, sqlType, tableName } from "./names.ts";
import { COMPARISON_SQL, predicateSql } from "./predicate.ts";
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
  if (filter.through === undefined) {
    const test = testSql(filter, columnName(filter.field, alias), at, parameters);
    return filter.negated ? `not (${test})` : test;
  }
  const { relation, target, rows } = filter.through;
  const inner = `${alias}_${relation.name.toLowerCase()}`;
  const conditions = [
    relationCondition(table, alias, relation, target.table, inner, parameters),
    predicateSql(rows, target.table, inner, context),
    testSql(filter, columnName(filter.field, inner), at, parameters),
  ];
  const where = conditions.filter((part) => part !== undefined).join(" and ");
  const found = `exists (select from ${tableName(target.table)} ${inner} where ${where})`;
  return filter.negated ? `not ${found}` : found;
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
    default:
      return `${column} ${COMPARISON_SQL[operator]} ${parameters.input(at, type)}`;
  }
}
