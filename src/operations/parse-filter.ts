// Reads the filters of a list: which field, which test, which value. Whether an index serves them
// is decided in sql/serve.ts.
import type { ErrorDetail } from "../base/errors.ts";
import { FILTERS_MAX, IN_VALUES_MAX, OR_ARMS_MAX } from "../base/limits.ts";
import { allowedNames } from "../base/spelling.ts";
import { encodeArray } from "../model/fields.ts";
import type { FieldModel, Match, Operator } from "../model/model.ts";
import { type Filter, filterName, type RelatedRecords } from "../sql/serve.ts";
import type { Value } from "../sql/statement.ts";
import { armsOf, type Grouped, isNegated } from "./groups.ts";
import { filterable, isMatch, OPERATORS, operatorsOf, readMatch } from "./parse-match.ts";
import { allowed, type Parsing, readableRelations, splitList } from "./parsing.ts";

export interface RawFilter extends Grouped {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

export interface ParsedFilter extends Grouped {
  readonly filter: Filter;
  readonly value: Value;
  /** How many values it compares with. */
  readonly count: number;
}

/** Alternatives of filters that are joined by and; one without groups. */
export type ParsedArms = readonly (readonly ParsedFilter[])[];

/** Pushes what is wrong to the problems of `parsing`. */
export function parseFilters(raw: readonly RawFilter[], parsing: Parsing): ParsedArms {
  const { problems } = parsing;
  if (raw.length > FILTERS_MAX) {
    problems.push({ field: "filter", message: `takes at most ${FILTERS_MAX} conditions` });
    return [[]];
  }
  const parsed: ParsedFilter[] = [];
  for (const one of raw) {
    const filter = parseFilter(one, parsing);
    if (filter !== undefined) parsed.push({ ...filter, groups: one.groups });
  }
  // Canonical order: the same question has one text, however it was spelled.
  const each = armsOf(parsed).map((arm) => inOrder(arm, keyOf));
  if (each.length === 1) return each;
  const arms = inOrder(each, (arm) =>
    JSON.stringify([arm.map(({ filter }) => testKey(filter)), arm.map(keyOf)]),
  );
  if (arms.length > OR_ARMS_MAX) {
    const message = `come to ${arms.length} alternatives; at most ${OR_ARMS_MAX} are read`;
    problems.push({ field: "filter", message: `The groups ${message}` });
    return [[]];
  }
  return arms;
}

/** Sorted by a key, each key once. */
function inOrder<T>(list: readonly T[], key: (one: T) => string): readonly T[] {
  const once = [...new Map(list.map((one) => [key(one), one])).entries()];
  return once.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/** What it tests, and then with which value. */
const keyOf = ({ filter, value }: ParsedFilter): string => `${testKey(filter)} ${value}`;

/** Names a test without its value: equal names, equal SQL. */
export function testKey(filter: Filter): string {
  const { operator, isNull, negated } = filter;
  const by = filter.finder === undefined ? "" : ` ${filter.finder.name}`;
  return `${filterName(filter)} ${operator} ${isNull}${negated ? " negated" : ""}${by}`;
}

/** Names the tests of alternatives. */
export function testsKey(alternatives: readonly (readonly Filter[])[]): string {
  return alternatives.map((filters) => filters.map(testKey).join()).join(" or ");
}

/** As in the address: `filter[or][0][status]`. */
export function parameterName({ groups = [], field, operator }: Omit<RawFilter, "value">): string {
  const path = operator === "eq" ? [field] : [field, operator];
  return `filter${[...groups, ...path].map((key) => `[${key}]`).join("")}`;
}

/** The field that a filter names, and the way to the record that holds it. */
interface Named {
  readonly parameter: string;
  readonly field: FieldModel;
  readonly through: RelatedRecords | undefined;
}

// The tests that are true where another is false; both leave a null out.
const OPPOSITE: Readonly<Partial<Record<Operator, Operator>>> = {
  eq: "ne",
  ne: "eq",
  lt: "gte",
  gte: "lt",
  gt: "lte",
  lte: "gt",
  in: "nin",
  nin: "in",
};

function parseFilter(raw: RawFilter, parsing: Parsing): ParsedFilter | undefined {
  const { problems } = parsing;
  const named = findField(raw, parsing);
  if (named === undefined) {
    refuseOperator(raw, OPERATORS, problems);
    return undefined;
  }
  const { parameter, field, through } = named;
  const operators = operatorsOf(field);
  const asked = operators.find((candidate) => candidate === raw.operator);
  const isUnder = isNegated(raw);
  // A row that is found by no related record is found by the negation: the test is `exists`.
  const turned = isUnder && through === undefined;
  const operator = turned && asked !== undefined ? (OPPOSITE[asked] ?? asked) : asked;
  const negated = isUnder && operator === asked && !(turned && operator === "isNull");
  if (operator === undefined) {
    refuseOperator(raw, operators, problems);
    return undefined;
  }
  if (operator === "isNull") {
    if (raw.value === "true" || raw.value === "false") {
      const isNull = (raw.value === "true") !== turned;
      return { filter: { field, operator, isNull, negated, through }, value: null, count: 1 };
    }
    problems.push({ field: parameter, message: "must be true or false" });
    return undefined;
  }
  if (isMatch(operator)) {
    const value = readMatch(field, operator, raw.value);
    const filter = { field, operator, isNull: false, negated, through };
    if (typeof value === "string") return { filter, value, count: 1 };
    problems.push({ field: parameter, message: value.problem });
    return undefined;
  }
  return parseComparison(raw, { ...named, negated }, operator, problems);
}

function refuseOperator(
  raw: RawFilter,
  operators: readonly Operator[],
  problems: ErrorDetail[],
): void {
  const { field, operator } = raw;
  if (operators.some((one) => one === operator)) return;
  const none = `there is no operator "${operator}" for ${field}`;
  const message = `${none}; ${allowedNames(operator, operators)}`;
  problems.push({ field: parameterName(raw), message });
}

/** `title` is a field of the resource, `site.name` one of a record that it refers to. */
function findField(raw: RawFilter, parsing: Parsing): Named | undefined {
  const { grant, problems } = parsing;
  const parameter = parameterName(raw);
  const at = raw.field.indexOf(".");
  const relation = raw.field.slice(0, Math.max(at, 0));
  const relations = at === -1 ? [] : readableRelations(parsing);
  const related = relations.find((one) => one.relation.name === relation);
  if (at !== -1 && related === undefined) {
    const others = allowedNames(
      relation,
      relations.map((one) => one.relation.name),
    );
    const message = `leads through "${relation}", which is no relation that you may read`;
    problems.push({ field: parameter, message: `${message}; ${others}` });
    return undefined;
  }
  const fields = filterable(related?.fields ?? grant.fields);
  const field = fields.find((candidate) => candidate.name === raw.field.slice(at + 1));
  if (field === undefined) {
    const others = allowed(raw.field.slice(at + 1), fields);
    const message = `cannot be filtered by; ${others}`;
    problems.push({ field: parameter, message });
    return undefined;
  }
  return { parameter, field, through: related };
}

function parseComparison(
  raw: RawFilter,
  { parameter, field, through, negated }: Named & { readonly negated: boolean },
  operator: Exclude<Operator, "isNull" | Match>,
  problems: ErrorDetail[],
): ParsedFilter | undefined {
  const isList = operator === "in" || operator === "nin";
  const texts = isList ? splitList(raw.value) : [raw.value];
  const values = new Set<string>();
  for (const text of texts) {
    const value = field.type?.parse(text);
    if (value !== undefined) values.add(value);
    else {
      const hint =
        field.values === undefined
          ? `expected something like ${field.type?.example}`
          : allowedNames(text, field.values);
      problems.push({ field: parameter, message: `is not valid; ${hint}` });
      return undefined;
    }
  }
  if (values.size > IN_VALUES_MAX) {
    problems.push({ field: parameter, message: `takes at most ${IN_VALUES_MAX} values` });
    return undefined;
  }
  // "None of these states" is "one of the others", which an index can find.
  if ((operator === "ne" || operator === "nin") && field.values !== undefined) {
    const others = field.values.filter((value) => !values.has(value));
    return {
      filter: { field, operator: "in", isNull: false, negated, through },
      value: encodeArray(others),
      count: others.length,
    };
  }
  const value = isList ? encodeArray([...values]) : ([...values][0] ?? "");
  const filter = { field, operator, isNull: false, negated, through };
  return { filter, value, count: values.size };
}
