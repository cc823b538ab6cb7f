// Reads filters on a part of a value (like, ilike, contains): which fields take them, what their
// values look like, and which patterns an index of trigrams can find rows by.
import { IN_VALUES_MAX, SEARCH_TEXT_MAX } from "../base/limits.ts";
import { containsPattern, matchesOf, patternProblem } from "../model/compile-match.ts";
import { isFreeText } from "../model/compile-search.ts";
import { STORABLE } from "../model/field-type.ts";
import { encodeArray } from "../model/fields.ts";
import {
  COMPARISONS,
  type FieldModel,
  MATCHES,
  type Match,
  type Operator,
} from "../model/model.ts";
import { splitList } from "./parsing.ts";

// Models stay as they are, and every filter of every request asks.
const fieldsKnown = new WeakMap<readonly FieldModel[], readonly FieldModel[]>();
const operatorsKnown = new WeakMap<FieldModel, readonly Operator[]>();

/** Fields that a filter may name, as far as the type goes. */
export function filterable(fields: readonly FieldModel[]): readonly FieldModel[] {
  const known = fieldsKnown.get(fields);
  if (known !== undefined) return known;
  const made = fields.filter((field) => operatorsOf(field).length > 0);
  fieldsKnown.set(fields, made);
  return made;
}

/** All that there are, whatever the field. */
export const OPERATORS: readonly Operator[] = [...COMPARISONS, "in", "nin", "isNull", ...MATCHES];

export function operatorsOf(field: FieldModel): readonly Operator[] {
  const known = operatorsKnown.get(field);
  if (known !== undefined) return known;
  const whole: readonly Operator[] =
    field.type?.comparable === true ? [...COMPARISONS, "in", "nin", "isNull"] : [];
  const made = [...whole, ...matchesOf(field)];
  operatorsKnown.set(field, made);
  return made;
}

export function isMatch(operator: Operator): operator is Match {
  return MATCHES.some((match) => match === operator);
}

/** The value as PostgreSQL text: for text a LIKE pattern. Or what is wrong with it. */
export function readMatch(
  field: FieldModel,
  match: Match,
  text: string,
): string | { readonly problem: string } {
  if ([...text].length > SEARCH_TEXT_MAX) {
    return { problem: `takes at most ${SEARCH_TEXT_MAX} characters` };
  }
  if (!isFreeText(field))
    return field.type?.sql === "jsonb" ? readObject(field, text) : readMembers(field, text);
  if (text === "") return { problem: "must not be empty" };
  if (field.type?.parse(text) === undefined) {
    return { problem: `must be text ${STORABLE}` };
  }
  const pattern = match === "contains" ? containsPattern(text) : text;
  const problem = patternProblem(pattern);
  return problem === undefined ? pattern : { problem };
}

function readMembers({ type }: FieldModel, text: string): string | { readonly problem: string } {
  const members = splitList(text).map((one) => type?.element?.parse(one));
  if (members.length > IN_VALUES_MAX) return { problem: `takes at most ${IN_VALUES_MAX} values` };
  const read = members.filter((one) => one !== undefined);
  if (read.length === members.length) return encodeArray(read);
  return { problem: `is not valid; expected something like ${type?.element?.example}` };
}

function readObject({ type }: FieldModel, text: string): string | { readonly problem: string } {
  const problem = 'must be a JSON object, like {"colour":"red"}';
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && type?.schema.safeParse(value).success === true ? text : { problem };
  } catch {
    return { problem };
  }
}

/** Whether a LIKE pattern holds what trigrams are made of: three letters or digits in a row. */
export function holdsTrigram(pattern: string): boolean {
  const runs = pattern.match(/(?:\\.|[^%_\\])+/gsu) ?? [];
  return runs.some((run) => /[\p{L}\p{N}]{3}/u.test(run.replace(/\\(.)/gsu, "$1")));
}
