// Reads a query string of the REST grammar into names and texts. What they mean is decided by the
// operations; here an unknown or repeated parameter is refused.
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import type { ListQuery, RawFilter, RecordQuery } from "../operations/parse-list.ts";

interface Parameter {
  readonly name: string;
  readonly path: readonly string[];
  readonly value: string;
}

const PARAMETER = /^([A-Za-z]+)((?:\[[A-Za-z0-9_.]+\]){0,2})$/;
const RECORD = "fields, fields[relation], include";
const PAGE_KEYS = ["size", "after", "before", "offset", "count"];
const PAGE = PAGE_KEYS.map((key) => `page[${key}]`).join(", ");
const FILTER = "filter[field], filter[relation.field], filter[field][operator]";
const LIST = `${FILTER}, sort, ${PAGE}, ${RECORD}`;

/** Throws PARAMETER_INVALID naming each parameter that is not known. */
export function parseRecordQuery(text: string): RecordQuery {
  const problems: ErrorDetail[] = [];
  const selection = new Selection();
  for (const parameter of parameters(text, RECORD, problems)) {
    if (!selection.take(parameter)) problems.push(unknown(parameter, RECORD));
  }
  refuse(problems);
  return selection;
}

/**
 * Throws PARAMETER_INVALID naming each parameter that is not known; `allowed` is told with it.
 */
export function parseListQuery(text: string, allowed = LIST): ListQuery {
  const problems: ErrorDetail[] = [];
  const selection = new Selection();
  const filters: RawFilter[] = [];
  let sort: string | undefined;
  const page: Record<string, string> = {};
  for (const parameter of parameters(text, allowed, problems)) {
    const { name, path, value } = parameter;
    const [first, second] = path;
    if (name === "filter" && first !== undefined) {
      filters.push({ field: first, operator: second ?? "eq", value });
    } else if (name === "sort" && first === undefined) {
      sort = value;
    } else if (name === "page" && second === undefined && isPageKey(first)) {
      page[first] = value;
    } else if (!selection.take(parameter)) problems.push(unknown(parameter, allowed));
  }
  refuse(problems);
  const { size, after, before, offset, count } = page;
  const { include, fields } = selection;
  return { include, fields, filters, sort, size, after, before, offset, count };
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
  refuse(problems);
  return by;
}

class Selection {
  include: string | undefined;
  readonly fields = new Map<string, string>();

  take({ name, path, value }: Parameter): boolean {
    if (name === "include" && path.length === 0) this.include = value;
    else if (name === "fields" && path.length < 2) this.fields.set(path[0] ?? "", value);
    else return false;
    return true;
  }
}

function isPageKey(key: string | undefined): key is string {
  return key !== undefined && PAGE_KEYS.includes(key);
}

function* parameters(text: string, allowed: string, problems: ErrorDetail[]): Generator<Parameter> {
  if (text === "") return;
  const seen = new Set<string>();
  for (const part of text.split("&")) {
    const at = part.indexOf("=");
    const key = decode(at === -1 ? part : part.slice(0, at));
    const value = decode(at === -1 ? "" : part.slice(at + 1));
    if (key === undefined || value === undefined) {
      problems.push({ field: "query", message: "is not UTF-8 in percent encoding" });
      continue;
    }
    const match = PARAMETER.exec(key);
    if (match === null) {
      problems.push({
        field: key.slice(0, 100),
        message: `is not a parameter; allowed: ${allowed}`,
      });
      continue;
    }
    const [, name = "", brackets = ""] = match;
    const path = brackets === "" ? [] : brackets.slice(1, -1).split("][");
    const canonical = name === "filter" && path[1] === "eq" ? `filter[${path[0]}]` : key;
    if (seen.has(canonical)) problems.push({ field: canonical, message: "is given twice" });
    seen.add(canonical);
    yield { name, path, value };
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function unknown({ name, path }: Parameter, allowed: string): ErrorDetail {
  const field = `${name}${path.map((key) => `[${key}]`).join("")}`;
  return { field, message: `is not a parameter; allowed: ${allowed}` };
}

function refuse(problems: readonly ErrorDetail[]): void {
  if (problems.length === 0) return;
  const names = [...new Set(problems.map((problem) => problem.field))].slice(0, 10).join(", ");
  throw new BackwrightError("PARAMETER_INVALID", {
    message: `Not valid: ${names}.`,
    details: problems,
  });
}
