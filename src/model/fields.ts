// What each PostgreSQL type means on the wire: how a JSON value or a query string becomes a
// parameter, how a column becomes JSON inside PostgreSQL. The only place that knows types.
import { z } from "zod";

export interface FieldType {
  /** The PostgreSQL type that parameters are cast to. */
  readonly sql: string;
  /** The schema of a value in a request body. Its output goes to `encode`. */
  readonly schema: z.ZodType;
  /** Reads a value from a query string; undefined means malformed. */
  readonly parse: (text: string) => string | undefined;
  /** What a query-string value looks like, for messages. */
  readonly example: string;
  /** A body value as PostgreSQL text. */
  readonly encode: (value: unknown) => string;
  /** SQL that renders the column as its JSON form; identity unless stated. */
  readonly json: (column: string) => string;
  // Under row-level security only leakproof comparisons become index conditions
  // (pg_proc.proleakproof), so fields of other types are not filtered or sorted by here.
  readonly comparable: boolean;
  /** The only values that there are, where the column says so. */
  readonly values?: readonly string[];
}

const asIs = (column: string): string => column;
const asText = (column: string): string => `${column}::text`;
const utc = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const local = (column: string): string => `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.US')`;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}:\d{2})$/;
const LOCAL_TIME = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const NUMERIC = /^-?\d{1,100}(\.\d{1,100})?$/;
const INTEGER = /^-?\d{1,19}$/;

/** Text that PostgreSQL can hold: no NUL, no half of a surrogate pair. */
export function isStorableText(text: string): boolean {
  return !text.includes("\u0000") && text.isWellFormed();
}

/** JSON of finite numbers and storable text, keys included. */
function isStorableJson(value: unknown): boolean {
  if (typeof value === "string") return isStorableText(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return typeof value === "boolean";
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isStorableJson);
  return Object.entries(value).every(([key, one]) => isStorableText(key) && isStorableJson(one));
}

function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const [year, month, day] = text.split("-").map(Number) as [number, number, number];
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function isClock(text: string): boolean {
  const [hours = 99, minutes = 99, seconds = 0] = text.split(":").map(Number);
  return hours < 24 && minutes < 60 && seconds < 60;
}

function isInstant(text: string): boolean {
  const parts = INSTANT.exec(text);
  if (parts === null) return false;
  const [, day = "", clock = "", offset = ""] = parts;
  const isOffset =
    offset === "Z" || (Number(offset.slice(1, 3)) < 15 && Number(offset.slice(4)) < 60);
  // In UTC the year must still be one that a reply can show: not before 1, not of five digits.
  const year = new Date(text).getUTCFullYear();
  return isDay(day) && isClock(clock) && isOffset && year >= 1 && year <= 9_999;
}

function isLocalTime(text: string): boolean {
  const parts = LOCAL_TIME.exec(text);
  return parts !== null && isDay(parts[1] ?? "") && isClock(text.slice(11));
}

function isIntegerWithin(text: string, least: bigint, most: bigint): boolean {
  if (!INTEGER.test(text)) return false;
  const value = BigInt(text);
  return value >= least && value <= most;
}

function stringType(
  sql: string,
  example: string,
  accepts: (text: string) => boolean,
  message: string,
): FieldType {
  return {
    sql,
    example,
    schema: z.string(message).refine(accepts, message),
    parse: (text) => (accepts(text) ? text : undefined),
    encode: String,
    json: asIs,
    comparable: true,
  };
}

function integerType(sql: string, bits: number): FieldType {
  const most = 2n ** BigInt(bits - 1) - 1n;
  const message = `must be a whole number from ${-most - 1n} to ${most}`;
  return {
    sql,
    example: "42",
    schema: z
      .number(message)
      .int(message)
      .refine((value) => isIntegerWithin(String(value), -most - 1n, most), message),
    parse: (text) => (isIntegerWithin(text, -most - 1n, most) ? text : undefined),
    encode: String,
    json: asIs,
    comparable: true,
  };
}

// JSON numbers lose digits past 2^53, so eight-byte integers travel as strings in replies;
// requests may send a string, or a number that is exact.
function bigintType(): FieldType {
  const most = 2n ** 63n - 1n;
  const accepts = (text: string): boolean => isIntegerWithin(text, -most - 1n, most);
  const message = 'must be a whole number as a string, like "9007199254740993"';
  return {
    sql: "bigint",
    example: "9007199254740993",
    schema: z.union(
      [z.string().refine(accepts, message), z.number().refine(Number.isSafeInteger, message)],
      message,
    ),
    parse: (text) => (accepts(text) ? text : undefined),
    encode: String,
    json: asText,
    comparable: true,
  };
}

function numericType(sql: string): FieldType {
  const message = 'must be a decimal number as a string, like "12.50"';
  return {
    ...stringType(sql, "12.50", (text) => NUMERIC.test(text), message),
    json: asText,
    comparable: false,
  };
}

function floatType(sql: string): FieldType {
  const message = "must be a finite number";
  return {
    sql,
    example: "1.5",
    schema: z.number(message),
    parse: (text) =>
      text.trim() !== "" && Number.isFinite(Number(text)) ? String(Number(text)) : undefined,
    encode: String,
    json: asIs,
    comparable: true,
  };
}

function jsonType(sql: string): FieldType {
  return {
    sql,
    example: "{}",
    // Not z.json(): it drops a member named __proto__ and takes a second for a megabyte.
    schema: z.custom(isStorableJson, "must be JSON without the character NUL"),
    parse: () => undefined,
    encode: (value) => JSON.stringify(value),
    json: asIs,
    comparable: false,
  };
}

function textType(sql: string, charactersMax: number | undefined): FieldType {
  const message =
    charactersMax === undefined
      ? "must be text without the character NUL"
      : `must be text of at most ${charactersMax} characters without the character NUL`;
  const accepts = (text: string): boolean =>
    isStorableText(text) && (charactersMax === undefined || [...text].length <= charactersMax);
  return stringType(sql, "leak", accepts, message);
}

function enumType(values: readonly string[]): FieldType {
  const message = `must be one of ${values.join(", ")}`;
  const accepts = (text: string): boolean => values.includes(text);
  return { ...stringType("text", values[0] ?? "", accepts, message), values };
}

function arrayType(element: FieldType): FieldType {
  return {
    sql: `${element.sql}[]`,
    example: "",
    schema: z.array(element.schema, "must be a list").max(1_000, "must have at most 1000 entries"),
    parse: () => undefined,
    encode: (value) => encodeArray((value as readonly unknown[]).map(element.encode)),
    // Elements are written as a field of their type is: row_to_json would make numbers of bigints.
    json: (column) =>
      element.json === asIs
        ? column
        : `case when ${column} is not null then array(select ${element.json("e.v")} ` +
          `from unnest(${column}) with ordinality as e(v, n) order by e.n) end`,
    comparable: false,
  };
}

/** A PostgreSQL array literal of already encoded elements. */
export function encodeArray(elements: readonly (string | null)[]): string {
  const quoted = elements.map((e) =>
    e === null ? "NULL" : `"${e.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`,
  );
  return `{${quoted.join(",")}}`;
}

/** The elements of a one-dimensional PostgreSQL array literal. */
export function decodeArray(text: string): readonly string[] {
  const elements = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,{}"]+)/gs);
  return [...elements].map(([, quoted, bare]) => quoted?.replace(/\\(.)/gs, "$1") ?? bare ?? "");
}

const INSTANT_MESSAGE = "must be an instant with an offset, like 2026-12-01T00:00:00Z";

const TYPES: Readonly<Record<string, () => FieldType>> = {
  uuid: () =>
    stringType(
      "uuid",
      "01890a5d-ac96-774b-bcce-b302099a8057",
      (text) => UUID.test(text),
      "must be a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057",
    ),
  smallint: () => integerType("smallint", 16),
  integer: () => integerType("integer", 32),
  bigint: bigintType,
  real: () => floatType("real"),
  "double precision": () => floatType("double precision"),
  boolean: () => ({
    ...stringType("boolean", "true", (t) => t === "true" || t === "false", "must be true or false"),
    schema: z.boolean("must be true or false"),
  }),
  date: () => stringType("date", "2026-12-01", isDay, "must be a date, like 2026-12-01"),
  "timestamp with time zone": () => ({
    ...stringType("timestamptz", "2026-12-01T00:00:00Z", isInstant, INSTANT_MESSAGE),
    json: utc,
  }),
  timestamp: () => ({
    ...stringType(
      "timestamp",
      "2026-12-01T00:00:00",
      isLocalTime,
      "must be a local time without an offset, like 2026-12-01T00:00:00",
    ),
    json: local,
  }),
  json: () => jsonType("json"),
  jsonb: () => jsonType("jsonb"),
};

/**
 * The type of a column from Drizzle's SQL type and enum values.
 * Returns undefined for a type that the API cannot carry without loss; hide such a field.
 */
export function fieldType(
  sqlType: string,
  enumValues: readonly string[] | undefined,
): FieldType | undefined {
  const name = sqlType.toLowerCase();
  if (name.endsWith("[]")) {
    const element = fieldType(name.slice(0, -2), enumValues);
    return element === undefined || element.sql.endsWith("[]") ? undefined : arrayType(element);
  }
  if (enumValues !== undefined && enumValues.length > 0 && name === "text") {
    return enumType(enumValues);
  }
  if (name === "text") return textType("text", undefined);
  const sized = /^(varchar|character varying)(?:\((\d+)\))?$/.exec(name);
  if (sized !== null) {
    return textType("varchar", sized[2] === undefined ? undefined : Number(sized[2]));
  }
  if (/^numeric(\(|$)/.test(name)) return numericType("numeric");
  const withoutPrecision = name.replace(/^timestamp ?\(\d\)/, "timestamp");
  return TYPES[withoutPrecision]?.();
}
