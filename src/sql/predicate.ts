// A policy's row condition as SQL. Three-valued: a NULL is neither matched nor excluded by `not`.
import { hasMembers } from "../model/compile-search.ts";
import type {
  Comparison,
  FieldModel,
  Match,
  Model,
  Operand,
  Predicate,
  TableModel,
} from "../model/model.ts";
import { columnName, constant, sqlType } from "./names.ts";
import { relatedRows, tableOf } from "./relation.ts";
import type { Parameters } from "./statement.ts";

export const COMPARISON_SQL: Readonly<Record<Comparison, string>> = {
  eq: "=",
  ne: "<>",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
};

/** Of text, `contains` is a pattern without wildcards of its own. */
export function matchSql(field: FieldModel, operator: Match): string {
  if (operator === "ilike") return "ilike";
  return operator === "contains" && hasMembers(field) ? "@>" : "like";
}

export interface PredicateContext {
  readonly model: Pick<Model, "tables" | "claims">;
  readonly parameters: Parameters;
}

/** The SQL condition over `alias`, or undefined where every row satisfies the predicate. */
export function predicateSql(
  predicate: Predicate,
  table: TableModel,
  alias: string,
  context: PredicateContext,
): string | undefined {
  return predicate.kind === "everything" ? undefined : render(predicate, table, alias, context);
}

function render(
  predicate: Predicate,
  table: TableModel,
  alias: string,
  context: PredicateContext,
): string {
  const { parameters } = context;
  switch (predicate.kind) {
    case "everything":
      return "true";
    case "all":
    case "any": {
      const word = predicate.kind === "all" ? " and " : " or ";
      return `(${predicate.of.map((part) => render(part, table, alias, context)).join(word)})`;
    }
    case "not":
      return `not (${render(predicate.of, table, alias, context)})`;
    case "isNull":
      return `${columnName(predicate.field, alias)} is ${predicate.isNull ? "" : "not "}null`;
    case "compare": {
      const value = operandSql(predicate.value, sqlType(predicate.field), parameters);
      return `${columnName(predicate.field, alias)} ${COMPARISON_SQL[predicate.operator]} ${value}`;
    }
    case "match": {
      const { field, operator } = predicate;
      const value = operandSql(predicate.value, sqlType(field), parameters);
      return `${columnName(field, alias)} ${matchSql(field, operator)} ${value}`;
    }
    case "in":
      return `${columnName(predicate.field, alias)} ${inSql(predicate, parameters)}`;
    case "related": {
      const related = relatedRows({ table, alias }, predicate.relation, context);
      const target = tableOf(context.model, predicate.relation.target);
      const test = render(predicate.where, target, related.alias, context);
      return `exists (select from ${related.from} where ${related.where} and ${test})`;
    }
  }
}

function inSql(predicate: Extract<Predicate, { kind: "in" }>, parameters: Parameters): string {
  const type = sqlType(predicate.field);
  if (!Array.isArray(predicate.values)) {
    const { claim } = predicate.values as { claim: string };
    return `= any(${parameters.claim(claim, `${type}[]`)})`;
  }
  const values = (predicate.values as readonly Operand[]).map((value) =>
    operandSql(value, type, parameters),
  );
  return values.length === 0 ? `= any(array[]::${type}[])` : `in (${values.join(", ")})`;
}

export function operandSql(operand: Operand, type: string, parameters: Parameters): string {
  return operand.kind === "claim"
    ? parameters.claim(operand.claim, type)
    : constant(operand.text, type);
}
