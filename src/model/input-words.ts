// What is wrong with a value of a request, in our words: what was expected and, where that is of
// another type, what came. Never the value itself, which may be a secret.
import type { z } from "zod";
import { isNumber } from "../base/exact-number.ts";

type RawIssue = z.core.$ZodRawIssue;

/** Of a value as JSON: `a list`. */
export function typeName(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (isNumber(value)) return "a number";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return "text";
  return typeof value === "boolean" ? "a boolean" : "an object";
}

/** Options of a schema of ours: its refusal says `message`, and what came unless it `fits`. */
export function expected(message: string, fits: (value: unknown) => boolean = () => false) {
  return { error: ({ input }: RawIssue) => mismatch(message, input, fits(input)) };
}

/** `message`, and what came where it is not even of the type. */
export function mismatch(message: string, input: unknown, fits = false): string {
  if (input === undefined) return `is required and ${message}`;
  return fits ? message : `${message}; got ${typeName(input)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  date: "a date",
  int: "a whole number",
  map: "an object",
  number: "a finite number",
  object: "an object",
  record: "an object",
  set: "a list",
  string: "text",
  tuple: "a list",
};

const FORMATS: Readonly<Record<string, string>> = {
  base64: "base64, like aGVsbG8=",
  cidrv4: "a network, like 192.0.2.0/24",
  date: "a date, like 2026-12-01",
  datetime: "an instant, like 2026-12-01T00:00:00Z",
  duration: "an ISO 8601 duration, like P1DT2H30M",
  email: "an address of e-mail, like ada@example.org",
  guid: "a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057",
  int32: "a whole number",
  ipv4: "an IPv4 address, like 192.0.2.1",
  ipv6: "an IPv6 address, like 2001:db8::1",
  json_string: "text that holds JSON",
  lowercase: "in lower case",
  safeint: "a whole number",
  time: "a time of day, like 10:30:00",
  uint32: "a whole number",
  uppercase: "in upper case",
  url: "a URL, like https://example.org",
  uuid: "a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057",
};

/** What is counted of a value that has too few or too many: one, and several. */
const COUNTED: Readonly<Record<string, readonly [one: string, several: string]>> = {
  array: ["entry", "entries"],
  map: ["member", "members"],
  set: ["entry", "entries"],
  string: ["character", "characters"],
};

/** What Zod calls a mismatch of several forms, before the nearest of them is looked for. */
export const NO_FORM = "has none of the forms that are allowed";

/**
 * For schemas of others (`parse(value, { error: inputWords })`): what is wrong where the schema has
 * no message of its own.
 */
export function inputWords(issue: RawIssue): string {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type": {
      const { expected: type } = issue;
      if (type === "never") return "is not allowed";
      if (type === "nonoptional") return "is required";
      const fits = isNumber(input) && ["int", "number"].includes(type);
      return mismatch(
        `must be ${typeWords(issue as RawIssue & { expected: string })}`,
        input,
        fits,
      );
    }
    case "invalid_value":
      return mismatch(`must be ${oneOf(issue.values ?? [])}`, input, typeof input === "string");
    case "too_small":
      return issue.origin === "string" && issue.minimum === 1 && issue.exact !== true
        ? "must not be empty"
        : bound(issue, issue.minimum, "at least", "more than");
    case "too_big":
      return bound(issue, issue.maximum, "at most", "less than");
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return formatWords(issue as RawIssue & Format);
    case "invalid_union":
      return issue.options === undefined
        ? NO_FORM
        : `must be ${oneOf(issue.options as readonly unknown[])}`;
    case "invalid_key":
      return `is a name that ${(issue.issues ?? []).map(({ message }) => message).join(", ")}`;
    default:
      return "is not valid";
  }
}

/** Zod says "number" of text in place of a whole number, and "string" in place of a UUID. */
function typeWords({ inst, expected: type }: RawIssue & { readonly expected: string }): string {
  const { format } = (inst?._zod.def ?? {}) as { readonly format?: string };
  return (format && FORMATS[format]) || TYPES[type] || type;
}

interface Format {
  readonly format: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly includes?: string;
  readonly pattern?: string;
}

function formatWords({ format, prefix, suffix, includes, pattern }: Format): string {
  if (prefix !== undefined) return `must begin with ${JSON.stringify(prefix)}`;
  if (suffix !== undefined) return `must end with ${JSON.stringify(suffix)}`;
  if (includes !== undefined) return `must hold ${JSON.stringify(includes)}`;
  const words = FORMATS[format];
  if (words !== undefined) return `must be ${words}`;
  return pattern === undefined ? `must be of the form ${format}` : `must match ${pattern}`;
}

const oneOf = (values: readonly unknown[]): string =>
  (values.length > 1 ? "one of " : "") + values.map(String).join(", ");

function bound(
  issue: { readonly origin?: string; readonly inclusive?: boolean; readonly exact?: boolean },
  limit: number | bigint | undefined,
  inclusive: string,
  exclusive: string,
): string {
  const { origin = "", exact = false } = issue;
  const counted = COUNTED[origin];
  const words = issue.inclusive === false ? exclusive : inclusive;
  if (counted === undefined) return `must be ${exact ? "" : `${words} `}${limit}`;
  return `must have ${exact ? "exactly" : words} ${limit} ${counted[Number(limit) === 1 ? 0 : 1]}`;
}
