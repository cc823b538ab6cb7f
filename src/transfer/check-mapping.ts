// Reads the JSON of a mapping: which words stand where, and in our own words what is wrong, all of
// it at once, by its place in the file.
import { StartError } from "../base/errors.ts";
import { didYouMean } from "./did-you-mean.ts";
import { formatProblem, isTimeZone } from "./local-time.ts";
import type { LookUp, Mapping, Modifiers } from "./mapping.ts";

/** Pushes a sentence about the value, which follows its place. */
type Check = (value: unknown, at: string, told: string[]) => void;
type Words<T> = Readonly<Record<keyof Required<T>, Check>>;

const check =
  (isGood: (value: unknown) => boolean, wanted: string): Check =>
  (value, at, told) => {
    if (!isGood(value)) told.push(`${at} must be ${wanted}, not ${shown(value)}`);
  };
const isText = (value: unknown): value is string => typeof value === "string";
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isWord = (value: unknown): boolean => isText(value) && value !== "";

const text = check(isText, "a text");
const someText = check(isWord, "a text that is not empty");
const flag = check((value) => typeof value === "boolean", "true or false");
const one = (...values: readonly unknown[]): Check =>
  check(
    (value) => values.includes(value),
    values.map((value) => JSON.stringify(value)).join(" or "),
  );
const delimiter = one(",", ";", "\t", "|");

const timeZone: Check = (value, at, told) => {
  if (isText(value) && isTimeZone(value)) return;
  told.push(`${at} must be a time zone such as "America/New_York", not ${shown(value)}`);
};

const pattern: Check = (value, at, told) => {
  someText(value, at, told);
  try {
    if (isText(value)) new RegExp(`^(?:${value})$`, "u");
  } catch {
    told.push(`${at} is no regular expression: ${shown(value)}`);
  }
};

const format: Check = (value, at, told) => {
  someText(value, at, told);
  const problem = isText(value) ? formatProblem(value) : undefined;
  if (problem !== undefined) told.push(`${at} is ${shown(value)}: ${problem}`);
};

const list =
  (each: Check): Check =>
  (value, at, told) => {
    if (!Array.isArray(value)) told.push(`${at} must be a list, not ${shown(value)}`);
    else for (const [place, entry] of value.entries()) each(entry, `${at}[${place}]`, told);
  };
const fullList =
  (each: Check): Check =>
  (value, at, told) => {
    if (Array.isArray(value) && value.length === 0) told.push(`${at} has no entries`);
    else list(each)(value, at, told);
  };
const named =
  (each: Check): Check =>
  (value, at, told) => {
    if (!isObject(value)) told.push(`${at} must be an object, not ${shown(value)}`);
    else for (const [name, entry] of Object.entries(value)) each(entry, `${at}.${name}`, told);
  };
const fullNamed =
  (each: Check): Check =>
  (value, at, told) => {
    if (isObject(value) && Object.keys(value).length === 0) told.push(`${at} has no entries`);
    else named(each)(value, at, told);
  };

/** Functions, because an expression holds others. */
const expression: Check = (value, at, told) => checkExpression(value, at, told, FORMS);
const source: Check = (value, at, told) => checkExpression(value, at, told, SOURCES);

const MODIFIERS: Words<Modifiers> = {
  when: expression,
  upper: flag,
  lower: flag,
  values: fullNamed(text),
  match: pattern,
  prefix: text,
  suffix: text,
  time: format,
  timeZone,
  date: format,
  decimal: one(","),
  separator: someText,
  default: text,
  required: flag,
};
const JOINING = { join: fullList(expression), with: text, distinct: flag, sort: flag };
const LOOK_UP: Words<LookUp> = {
  find: someText,
  by: fullNamed(expression),
  ignoreCase: flag,
  create: (value, at, told) => {
    if (value !== true) named(expression)(value, at, told);
  },
  required: flag,
};
/** The word that says what an object is, and the words that go with it. */
const FORMS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  column: { column: text, ...MODIFIERS },
  value: { value: text, ...MODIFIERS },
  first: { first: fullList(expression), ...MODIFIERS },
  join: { ...JOINING, ...MODIFIERS },
};
const SOURCES = { ...FORMS, find: LOOK_UP };

const skipRule: Check = (value, at, told) => {
  if (!isObject(value)) {
    told.push(`${at} must be an object, not ${shown(value)}`);
    return;
  }
  refuseUnknown(value, ["value", "in", "empty"], at, told);
  if (value.value === undefined) told.push(`${at}.value is missing: what the rule looks at`);
  else expression(value.value, `${at}.value`, told);
  if ((value.in === undefined) === (value.empty === undefined)) {
    told.push(`${at} needs either "in" or "empty"`);
  }
  if (value.in !== undefined) fullList(text)(value.in, `${at}.in`, told);
  if (value.empty !== undefined) one(true)(value.empty, `${at}.empty`, told);
};

const MAPPING: Words<Mapping> & { readonly $schema: Check } = {
  /** For editors. */
  $schema: text,
  timeZone,
  delimiter,
  empty: list(text),
  squeeze: flag,
  exact: flag,
  key: (value, at, told) => {
    if (Array.isArray(value)) fullList(someText)(value, at, told);
    else check(isWord, "the name of a field, or a list of them")(value, at, told);
  },
  whenPresent: one("skip", "update"),
  skip: list(skipRule),
  fields: fullNamed(source),
};

function checkExpression(
  value: unknown,
  at: string,
  told: string[],
  forms: Readonly<Record<string, Readonly<Record<string, Check>>>>,
): void {
  const kinds = Object.keys(forms);
  const choice = kinds.map((kind) => `"${kind}"`).join(", ");
  if (isText(value)) return;
  if (!isObject(value)) {
    told.push(`${at} must be the name of a column, or an object with one of ${choice}`);
    return;
  }
  const given = kinds.filter((kind) => Object.hasOwn(value, kind));
  const [kind = ""] = given;
  if (given.length !== 1) {
    const words = given.length === 0 ? "none" : given.map((word) => `"${word}"`).join(" and ");
    const known = kinds.flatMap((word) => Object.keys(forms[word] ?? {}));
    const meant = Object.keys(value).filter((word) => !known.includes(word));
    const hint = didYouMean(meant[0] ?? "", kinds);
    told.push(`${at} must have one of ${choice}, and has ${words}.${hint}`);
    return;
  }
  checkWords(value, forms[kind] ?? {}, at, told);
  for (const word of kind === "find" ? ["by"] : []) {
    if (value[word] === undefined) told.push(`${at}.${word} is missing`);
  }
}

function checkWords(
  value: Readonly<Record<string, unknown>>,
  words: Readonly<Record<string, Check>>,
  at: string,
  told: string[],
): void {
  refuseUnknown(value, Object.keys(words), at, told);
  for (const [word, given] of Object.entries(value)) {
    if (Object.hasOwn(words, word)) words[word]?.(given, at === "" ? word : `${at}.${word}`, told);
  }
}

function refuseUnknown(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
  at: string,
  told: string[],
): void {
  for (const word of Object.keys(value)) {
    if (known.includes(word)) continue;
    const place = at === "" ? word : `${at}.${word}`;
    told.push(`${place} is unknown.${didYouMean(word, known)} Allowed: ${known.join(", ")}`);
  }
}

const TOLD_MAX = 10;

/** With the defaults of what it leaves out. Throws StartError naming everything that is wrong. */
export function checkedMapping(json: unknown): Mapping {
  const told: string[] = [];
  if (!isObject(json)) told.push(`it must be an object, not ${shown(json)}`);
  else {
    checkWords(json, MAPPING, "", told);
    if (json.fields === undefined) told.push("fields is missing: what each field gets");
  }
  if (told.length > TOLD_MAX)
    told.splice(TOLD_MAX, told.length, `and ${told.length - TOLD_MAX} more`);
  if (told.length > 0) {
    throw new StartError(`The mapping is not valid: ${told.join("\n  ")}`, {
      fix: "Correct it there, and run the same command again.",
    });
  }
  const defaults = { timeZone: "UTC", delimiter: ",", empty: [], squeeze: false, exact: false };
  // Checked word by word above.
  return { ...defaults, whenPresent: "skip", skip: [], ...(json as object) } as unknown as Mapping;
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "nothing";
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
