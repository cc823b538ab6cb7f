// What each PostgreSQL type means on the wire: how a JSON value or a query string becomes a
// parameter, how a column becomes JSON inside PostgreSQL. The only place that knows types.
import { z } from "zod";
import { isNumber, roundedNumber } from "../base/exact-number.ts";
import { isUuid } from "../base/ids.ts";
import {
  asIs,
  asText,
  convertedType,
  type FieldType,
  isStorableText,
  STORABLE,
  stringType,
} from "./field-type.ts";
import { expected } from "./input-words.ts";
import { jsonType } from "./json-type.ts";
import { isCidr, isDeviceAddress, isInet } from "./network-text.ts";
import { rangeText } from "./range-text.ts";
import { intervalOf, isDay, isInstant, isLocalTime, isTime, isZonedTime } from "./time-text.ts";

// A moment that ISO 8601 has no four-digit year for (infinity, BC, 10000 AD) stays in PostgreSQL's
// own text: only SQL can have written it.
const moment =
  (zone: string, at: string, form: string) =>
  (column: string): string =>
    `case when ${column} >= '0001-01-01${zone}' and ${column} < '10000-01-01${zone}' ` +
    `then to_char(${column}${at}, '${form}') else ${column}::text end`;
const utc = moment("+00", " at time zone 'UTC'", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
const local = moment("", "", 'YYYY-MM-DD"T"HH24:MI:SS.US');

const NUMERIC = /^-?\d{1,100}(\.\d{1,100})?$/;
const INTEGER = /^-?\d{1,19}$/;

function isIntegerWithin(text: string, least: bigint, most: bigint): boolean {
  if (!INTEGER.test(text)) return false;
  const value = BigInt(text);
  return value >= least && value <= most;
}

function integerType(sql: string, bits: number): FieldType {
  const most = 2n ** BigInt(bits - 1) - 1n;
  const message = `must be a whole number from ${-most - 1n} to ${most}`;
  return {
    sql,
    example: "42",
    schema: z
      .number(expected(message, isNumber))
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
      expected(message, (value) => typeof value === "string" || isNumber(value)),
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
    schema: z.preprocess(roundedNumber, z.number(expected(message, isNumber))),
    parse: (text) =>
      text.trim() !== "" && Number.isFinite(Number(text)) ? String(Number(text)) : undefined,
    encode: String,
    json: asIs,
    comparable: true,
  };
}

function textType(sql: string, charactersMax: number | undefined): FieldType {
  const message =
    charactersMax === undefined
      ? `must be text ${STORABLE}`
      : `must be text of at most ${charactersMax} characters ${STORABLE}`;
  const accepts = (text: string): boolean =>
    isStorableText(text) && (charactersMax === undefined || [...text].length <= charactersMax);
  return stringType(sql, "leak", accepts, message);
}

/**
 * The type of a text in a unique key. Two spellings of one text (é, or e with an accent behind it)
 * would be two values that look the same, so only one form is taken; it is stored as it came.
 */
export function inOneSpelling(type: FieldType): FieldType {
  if (type.sql !== "text" && type.sql !== "varchar") return type;
  const isComposed = (value: unknown): boolean => value === String(value).normalize("NFC");
  return { ...type, schema: type.schema.refine(isComposed, "must be in Unicode's normal form C") };
}

function enumType(values: readonly string[]): FieldType {
  const message = `must be one of ${values.join(", ")}`;
  const accepts = (text: string): boolean => values.includes(text);
  return { ...stringType("text", values[0] ?? "", accepts, message), values };
}

/** `type` is the enum's own type, quoted. Its comparisons are not leakproof. */
export function pgEnumType(type: string, values: readonly string[]): FieldType {
  return { ...enumType(values), sql: type, comparable: false };
}

// Parameters are cast to the type without its length, because such a cast cuts in silence.
function paddedTextType(charactersMax: number): FieldType {
  return { ...textType("bpchar", charactersMax), example: "leak".slice(0, charactersMax) };
}

function bitsType(sql: string, length: number | undefined, isFixed: boolean): FieldType {
  const example = isFixed ? "1".padEnd(length ?? 1, "0") : "101";
  const accepts = (text: string): boolean =>
    /^[01]*$/.test(text) &&
    (length === undefined || (isFixed ? text.length === length : text.length <= length));
  const count = length === undefined ? "" : `${isFixed ? "" : "at most "}${length} of `;
  return stringType(sql, example, accepts, `must be ${count}the digits 0 and 1, like ${example}`);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bytesOf(text: string): string | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  // Bits that belong to no byte would be lost.
  return bytes.toString("base64") === text ? `\\x${bytes.toString("hex")}` : undefined;
}

/** A list of finite numbers, which `write` puts into PostgreSQL's text. */
function coordinatesType(
  sql: string,
  example: string,
  write: (numbers: readonly number[]) => string | undefined,
  json: (column: string) => string,
): FieldType {
  const message = `must be a list of numbers, like ${example}`;
  const given = (value: unknown): string | undefined =>
    Array.isArray(value) && value.every((one) => Number.isFinite(roundedNumber(one)))
      ? write(value.map(roundedNumber) as number[])
      : undefined;
  return {
    sql,
    example,
    schema: z.custom((value) => given(value) !== undefined, expected(message, Array.isArray)),
    parse: () => undefined,
    encode: (value) => given(value) ?? "",
    json: (column) => `case when ${column} is not null then to_json(${json(column)}) end`,
    comparable: false,
  };
}

const pointType = (): FieldType =>
  coordinatesType(
    "point",
    "[4.5,51.2]",
    (numbers) => (numbers.length === 2 ? `(${numbers.join()})` : undefined),
    (column) => `array[(${column})[0], (${column})[1]]`,
  );

// PostgreSQL takes what is no larger than this for zero, and such a line has no direction.
const FLAT = 1e-6;

const lineType = (): FieldType =>
  coordinatesType(
    "line",
    "[1,-1,0]",
    (numbers) => {
      const [a = 0, b = 0] = numbers;
      const isLine = numbers.length === 3 && Math.max(Math.abs(a), Math.abs(b)) > FLAT;
      return isLine ? `{${numbers.join()}}` : undefined;
    },
    (column) => `string_to_array(translate(${column}::text, '{}', ''), ',')::float8[]`,
  );

export function arrayType(element: FieldType): FieldType {
  return {
    sql: `${element.sql}[]`,
    element,
    example: "",
    schema: z
      .array(element.schema, expected("must be a list"))
      .max(1_000, "must have at most 1000 entries"),
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
      isUuid,
      "must be a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057",
    ),
  smallint: () => integerType("smallint", 16),
  integer: () => integerType("integer", 32),
  bigint: bigintType,
  real: () => floatType("real"),
  "double precision": () => floatType("double precision"),
  boolean: () => ({
    ...stringType("boolean", "true", (t) => t === "true" || t === "false", "must be true or false"),
    schema: z.boolean(expected("must be true or false")),
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
  time: () => stringType("time", "10:30:00", isTime, "must be a time of day, like 10:30:00"),
  timetz: () =>
    stringType(
      "timetz",
      "10:30:00+01:00",
      isZonedTime,
      "must be a time of day with an offset, like 10:30:00+01:00",
    ),
  interval: () =>
    convertedType(
      "interval",
      "P1DT2H30M",
      intervalOf,
      "must be an ISO 8601 duration in whole units, like P1DT2H30M",
    ),
  inet: () => stringType("inet", "192.0.2.1", isInet, "must be an IP address, like 192.0.2.1"),
  cidr: () => stringType("cidr", "192.0.2.0/24", isCidr, "must be a network, like 192.0.2.0/24"),
  macaddr: () => deviceType("macaddr", 6, "08:00:2b:01:02:03"),
  macaddr8: () => deviceType("macaddr8", 8, "08:00:2b:01:02:03:04:05"),
  bytea: () => ({
    ...convertedType("bytea", "aGVsbG8=", bytesOf, "must be base64, like aGVsbG8="),
    json: (column) => `translate(encode(${column}, 'base64'), E'\\n', '')`,
  }),
  point: pointType,
  line: lineType,
};

function deviceType(sql: string, bytes: 6 | 8, example: string): FieldType {
  const message = `must be a hardware address of ${bytes} bytes, like ${example}`;
  return stringType(sql, example, (text) => isDeviceAddress(text, bytes), message);
}

/** Other names that Drizzle or a custom type gives to types. */
const ALIASES: Readonly<Record<string, string>> = {
  smallserial: "smallint",
  serial: "integer",
  bigserial: "bigint",
  int2: "smallint",
  int4: "integer",
  int: "integer",
  int8: "bigint",
  float4: "real",
  float8: "double precision",
  bool: "boolean",
  timestamptz: "timestamp with time zone",
  "timestamp without time zone": "timestamp",
  "time with time zone": "timetz",
  "time without time zone": "time",
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
  if (/^(numeric|decimal)(\(|$)/.test(name)) return numericType("numeric");
  const range = rangeText(name);
  if (range !== undefined) {
    const message = `must be a range, like ${range.example}`;
    // Comparisons of ranges are not leakproof.
    return { ...stringType(name, range.example, range.accepts, message), comparable: false };
  }
  // Precision and fields round what is stored; they change nothing of how it is written.
  const base = name.replace(/^(interval)\b.*/, "$1").replace(/^(time\w*) ?\(\d\)/, "$1");
  return sizedType(name) ?? TYPES[ALIASES[base] ?? base]?.();
}

const SIZED = /^(varchar|character varying|char|character|bit varying|varbit|bit)(?:\((\d+)\))?$/;

/** Text and bits of at most, or of exactly, so many characters. */
function sizedType(name: string): FieldType | undefined {
  const [, type, length] = SIZED.exec(name) ?? [];
  const size = length === undefined ? undefined : Number(length);
  switch (type) {
    case "varchar":
    case "character varying":
      return textType("varchar", size);
    case "char":
    case "character":
      return paddedTextType(size ?? 1);
    case "bit":
      return bitsType(`bit(${size ?? 1})`, size ?? 1, true);
    case "bit varying":
    case "varbit":
      return bitsType("varbit", size, false);
    default:
      return undefined;
  }
}
