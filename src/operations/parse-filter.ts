// Reads the filters of a list: which field, which test, which value. Whether an index serves them
// is decided in sql/serve.ts.
import type { ErrorDetail } from "../base/errors.ts";
import { IN_VALUES_MAX } from "../base/limits.ts";
import { encodeArray } from "../model/fields.ts";
import type { FieldModel, Match, Operator } from "../model/model.ts";
import { type Filter, filterName, type RelatedRecords } from "../sql/serve.ts";
import type { Value } from "../sql/statement.ts";
import { filterable, isMatch, operatorsOf, readMatch } from "./parse-match.ts";
import { names, type Parsing, readableRelations } from "./parsing.ts";

export interface RawFilter {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

export interface ParsedFilter {
  readonly filter: Filter;
  readonly value: Value;
}

/** Pushes what is wrong to the problems of `parsing`. */
export function parseFilters(raw: readonly RawFilter[], parsing: Parsing): ParsedFilter[] {
  const parsed: ParsedFilter[] = [];
  for (const one of raw) {
    const filter = parseFilter(one, parsing);
    if (filter !== undefined) parsed.push(filter);
  }
  // Canonical order: the same question has one text, however it was spelled.
  const key = ({ filter }: ParsedFilter): string => `${filterName(filter)} ${filter.operator}`;
  return parsed.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The field that a filter names, and the way to the record that holds it. */
interface Named {
  readonly parameter: string;
  readonly field: FieldModel;
  readonly through: RelatedRecords | undefined;
}

function parseFilter(raw: RawFilter, parsing: Parsing): ParsedFilter | undefined {
  const { problems } = parsing;
  const named = findField(raw, parsing);
  if (named === undefined) return undefined;
  const { parameter, field, through } = named;
  const allowed = operatorsOf(field);
  const operator = allowed.find((candidate) => candidate === raw.operator);
  if (operator === undefined) {
    const none = `${raw.field} takes no operator "${raw.operator}"`;
    const message = `${none}; allowed: ${allowed.join(", ")}`;
    problems.push({ field: parameter, message });
    return undefined;
  }
  if (operator === "isNull") {
    if (raw.value === "true" || raw.value === "false") {
      const filter = { field, operator, isNull: raw.value === "true", through };
      return { filter, value: null };
    }
    problems.push({ field: parameter, message: "must be true or false" });
    return undefined;
  }
  if (isMatch(operator)) {
    const read = readMatch(field, operator, raw.value);
    if (typeof read === "string")
      return { filter: { field, operator, isNull: false, through }, value: read };
    problems.push({ field: parameter, message: read.problem });
    return undefined;
  }
  return parseComparison(raw, named, operator, problems);
}

/** `title` is a field of the resource, `site.name` one of a record that it refers to. */
function findField(raw: RawFilter, parsing: Parsing): Named | undefined {
  const { grant, problems } = parsing;
  const parameter =
    raw.operator === "eq" ? `filter[${raw.field}]` : `filter[${raw.field}][${raw.operator}]`;
  const at = raw.field.indexOf(".");
  const relation = raw.field.slice(0, Math.max(at, 0));
  const relations = at === -1 ? [] : readableRelations(parsing);
  const related = relations.find((one) => one.relation.name === relation);
  if (at !== -1 && related === undefined) {
    const allowed = relations.map((one) => one.relation.name).join(", ");
    const message = `leads through "${relation}", which is no relation that you may read`;
    const others = allowed === "" ? "there are none" : `allowed: ${allowed}`;
    problems.push({ field: parameter, message: `${message}; ${others}` });
    return undefined;
  }
  const fields = filterable(related?.fields ?? grant.fields);
  const field = fields.find((candidate) => candidate.name === raw.field.slice(at + 1));
  if (field === undefined) {
    const message = `cannot be filtered by; allowed: ${names(fields)}`;
    problems.push({ field: parameter, message });
    return undefined;
  }
  const through = related && {
    relation: related.relation,
    target: related.target,
    rows: related.rows,
  };
  return { parameter, field, through };
}

function parseComparison(
  raw: RawFilter,
  { parameter, field, through }: Named,
  operator: Exclude<Operator, "isNull" | Match>,
  problems: ErrorDetail[],
): ParsedFilter | undefined {
  const isList = operator === "in" || operator === "nin";
  const texts = isList ? raw.value.split(",") : [raw.value];
  const values = new Set<string>();
  for (const text of texts) {
    const value = field.type?.parse(text);
    if (value !== undefined) values.add(value);
    else {
      const allowed = field.values ?? [field.type?.example ?? ""];
      const hint = field.values === undefined ? "expected something like" : "allowed:";
      problems.push({ field: parameter, message: `is not valid; ${hint} ${allowed.join(", ")}` });
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
      filter: { field, operator: "in", isNull: false, through },
      value: encodeArray(others),
    };
  }
  const value = isList ? encodeArray([...values]) : ([...values][0] ?? "");
  return { filter: { field, operator, through, isNull: false }, value };
}
