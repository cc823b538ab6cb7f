// Reads a query string of the REST grammar into names and texts. What they mean is decided by the
// operations; here an unknown or repeated parameter is refused.
import { type ErrorDetail, refuseInvalid } from "../base/errors.ts";
import { FILTER_DEPTH_MAX } from "../base/limits.ts";
import { nearest } from "../base/spelling.ts";
import type { ListQuery, RawFilter, RecordQuery } from "../operations/parse-list.ts";
import type { IncludedPageQuery } from "../operations/parse-selection.ts";

interface Parameter {
  readonly name: string;
  readonly path: readonly string[];
  readonly value: string;
}

const PARAMETER = /^([A-Za-z]+)((?:\[[A-Za-z0-9_.]+\]){0,20})$/;
const RECORD = "fields, fields[relation], include, page[relation][size], page[relation][after]";
const PAGE_KEYS = ["size", "after", "before", "offset", "count"];
const PAGE = PAGE_KEYS.map((key) => `page[${key}]`).join(", ");
const GROUPS = "filter[or][0][…], filter[and][0][…], filter[not][…]";
const FILTER = `filter[field], filter[relation.field], filter[field][operator], ${GROUPS}`;
const LIST = {
  words: `${FILTER}, q, highlight, sort, ${PAGE}, ${RECORD}`,
  names: undefined as RegExp | undefined, // All of them.
};

/** Each parameter that is not known is a problem of the query, told with those of its values. */
export function parseRecordQuery(text: string): RecordQuery {
  const selection = new Selection();
  const { problems } = selection;
  for (const parameter of parameters(text, RECORD, problems)) {
    if (!selection.take(parameter)) problems.push(unknown(parameter, RECORD));
  }
  return selection;
}

/**
 * As above; a parameter is also not known where it is not among the `names` of a face that takes
 * some of them. `words` is told with it.
 */
export function parseListQuery(text: string, { words, names } = LIST): ListQuery {
  const selection = new Selection();
  const { problems } = selection;
  const filters: RawFilter[] = [];
  const single: Record<string, string> = {};
  const page: Record<string, string> = {};
  for (const parameter of parameters(text, words, problems)) {
    const { name, path, value } = parameter;
    const [first, second] = path;
    if (names?.test(nameOf(parameter)) === false) problems.push(unknown(parameter, words));
    else if (name === "filter" && first !== undefined) {
      const filter = readFilter(parameter, problems);
      if (filter !== undefined) filters.push(filter);
    } else if (["sort", "q", "highlight"].includes(name) && first === undefined) {
      single[name] = value;
    } else if (name === "page" && second === undefined && isPageKey(first)) {
      page[first] = value;
    } else if (!selection.take(parameter)) problems.push(unknown(parameter, words));
  }
  const { size, after, before, offset, count } = page;
  const { include, fields, pages } = selection;
  const { sort, q, highlight } = single;
  const placed = { size, after, before, offset, count };
  return { problems, include, fields, pages, filters, sort, q, highlight, ...placed };
}

/** The fields that an upsert goes by. Throws PARAMETER_INVALID. */
export function parseUpsertQuery(text: string): readonly string[] {
  const problems: ErrorDetail[] = [];
  let by: readonly string[] = [];
  for (const parameter of parameters(text, "by", problems)) {
    if (parameter.name !== "by" || parameter.path.length > 0) {
      problems.push(unknown(parameter, "by"));
    } else by = parameter.value.split(",");
  }
  refuseInvalid("PARAMETER_INVALID", problems);
  return by;
}

class Selection {
  readonly problems: ErrorDetail[] = [];
  include: string | undefined;
  readonly fields = new Map<string, string>();
  readonly pages = new Map<string, IncludedPageQuery>();

  take({ name, path, value }: Parameter): boolean {
    if (name === "include" && path.length === 0) this.include = value;
    else if (name === "fields" && path.length < 2) this.fields.set(path[0] ?? "", value);
    else if (name === "page" && path.length === 2 && isIncludedPageKey(path[1])) {
      const [relation = "", key = ""] = path;
      this.pages.set(relation, { ...this.pages.get(relation), [key]: value });
    } else return false;
    return true;
  }
}

const isIncludedPageKey = (key: string | undefined): boolean => key === "size" || key === "after";

const INDEX = /^\d{1,2}$/;

/** `filter[or][0][status][ne]`: groups first, then the field and the operator. */
function readFilter(parameter: Parameter, problems: ErrorDetail[]): RawFilter | undefined {
  const { path, value } = parameter;
  const refuse = (message: string): undefined => {
    problems.push({ field: nameOf(parameter), message });
  };
  let at = 0;
  let depth = 0;
  for (let word = path[at]; isGroupWord(word); word = path[at]) {
    if (word !== "not" && !INDEX.test(path[at + 1] ?? "")) {
      return refuse(`${word} takes a number next, as in filter[${word}][0][field]`);
    }
    at += word === "not" ? 1 : 2;
    depth += 1;
  }
  if (depth > FILTER_DEPTH_MAX) return refuse(`groups nest at most ${FILTER_DEPTH_MAX} deep`);
  const [field, operator = "eq", ...more] = path.slice(at);
  if (field === undefined) return refuse("names no field after its groups");
  if (more.length > 0) return refuse(`is not a parameter; allowed: ${FILTER}`);
  return { groups: path.slice(0, at), field, operator, value };
}

function isGroupWord(word: string | undefined): word is "and" | "or" | "not" {
  return word === "and" || word === "or" || word === "not";
}

/** What may stand before a field: a group, or the number of one. */
function isGroupStep(step: string | undefined): boolean {
  return step === undefined || isGroupWord(step) || INDEX.test(step);
}

function isPageKey(key: string | undefined): key is string {
  return key !== undefined && PAGE_KEYS.includes(key);
}

interface ParameterName extends Omit<Parameter, "value"> {
  /** The one spelling of it. */
  readonly canonical: string;
}

// LIMIT: programs ask by few names; somebody who tries all is read anew.
const NAMES_KNOWN_MAX = 1_000;
const KNOWN_LENGTH_MAX = 100;
const namesKnown = new Map<string, ParameterName>();

/** Undefined where it is not UTF-8 in percent encoding, null where it is no parameter. */
function readName(text: string): ParameterName | null | undefined {
  const known = namesKnown.get(text);
  if (known !== undefined) return known;
  const key = decode(text);
  if (key === undefined) return undefined;
  const match = PARAMETER.exec(key);
  if (match === null) return null;
  const [, name = "", brackets = ""] = match;
  const steps = brackets === "" ? [] : brackets.slice(1, -1).split("][");
  // `eq` may be left out after a field, and an index may begin with a nought.
  const path = steps.map((step) => (INDEX.test(step) ? String(Number(step)) : step));
  const isShort = name === "filter" && path.at(-1) === "eq" && !isGroupStep(path.at(-2));
  const canonical = nameOf({ name, path: isShort ? path.slice(0, -1) : path });
  const made = { name, path, canonical };
  const isKept = namesKnown.size < NAMES_KNOWN_MAX && text.length <= KNOWN_LENGTH_MAX;
  if (isKept) namesKnown.set(text, made);
  return made;
}

function* parameters(text: string, allowed: string, problems: ErrorDetail[]): Generator<Parameter> {
  if (text === "") return;
  const seen = new Set<string>();
  for (const part of text.split("&")) {
    const at = part.indexOf("=");
    const key = at === -1 ? part : part.slice(0, at);
    const read = readName(key);
    const value = decode(at === -1 ? "" : part.slice(at + 1));
    if (read === undefined || value === undefined) {
      problems.push({ field: decode(key)?.slice(0, 100) ?? "query", message: NO_TEXT });
      continue;
    }
    if (read === null) {
      problems.push(notOne(decode(key) ?? "", allowed));
      continue;
    }
    const { name, path, canonical } = read;
    if (seen.has(canonical)) problems.push({ field: canonical, message: "is given twice" });
    seen.add(canonical);
    yield { name, path, value };
  }
}

export const NO_TEXT = "is not UTF-8 in percent encoding";
const ENCODED = /[%+]/;

/** A name or a value of a query; undefined where it is NO_TEXT. */
export function decode(text: string): string | undefined {
  if (!ENCODED.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function nameOf({ name, path }: Omit<Parameter, "value">): string {
  return `${name}${path.map((key) => `[${key}]`).join("")}`;
}

function unknown(parameter: Parameter, allowed: string): ErrorDetail {
  return notOne(nameOf(parameter), allowed);
}

/** What other APIs call it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  limit: "page[size]",
  pageSize: "page[size]",
  per_page: "page[size]",
  offset: "page[offset]",
  after: "page[after]",
  cursor: "page[after]",
  order: "sort",
  orderBy: "sort",
  order_by: "sort",
  select: "fields",
  expand: "include",
  search: "q",
};

/** `allowed` as in LIST: names are told from what stands in their brackets. */
function notOne(key: string, allowed: string): ErrorDetail {
  const field = key.toWellFormed().slice(0, 100) || "query";
  const meant = meantBy(field, allowed);
  const hint = meant === undefined || key.startsWith(meant) ? "" : `; did you mean ${meant}?`;
  return { field, message: `is not a parameter; allowed: ${allowed}${hint}` };
}

/** A parameter that is spelled nearly so or called so elsewhere, else a filter on a field. */
function meantBy(key: string, allowed: string): string | undefined {
  const names = allowed.split(", ").map((one) => one.split("[")[0] ?? "");
  const near = nearest(key.split("[")[0] ?? "", names);
  if (near !== undefined) return near;
  const other = Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : undefined;
  if (other !== undefined) return names.includes(other.split("[")[0] ?? "") ? other : undefined;
  const isField = /^[A-Za-z][\w.]{0,99}$/.test(key) && key !== "query";
  return isField && names.includes("filter") ? `filter[${key}]` : undefined;
}
