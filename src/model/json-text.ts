// From PostgreSQL's text to JSON's text, value by value, without making JavaScript values between:
// digits, microseconds and the spelling of numbers stay as they are. Gives the same bytes as
// row_to_json over FieldType.json, which writes use; a test compares the two for every type.
import type { FieldModel } from "./model.ts";

/** Turns the text of a value that is not null into JSON text. */
export type JsonText = (text: string) => string;

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly what JSON has to escape.
const ESCAPED = /["\\\u0000-\u001f]/;
const NUMBER = /^-?[0-9]/;

export const unchanged: JsonText = (text) => text;
export const quoted: JsonText = (text) => `"${text}"`;
export const escaped: JsonText = (text) =>
  ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
const boolean: JsonText = (text) => (text === "t" ? "true" : "false");
const float: JsonText = (text) => (NUMBER.test(text) ? text : `"${text}"`);

const base64: JsonText = (text) => `"${Buffer.from(text.slice(2), "hex").toString("base64")}"`;
/** `(1,2)` and `{1,2,3}` as lists. */
const coordinates: JsonText = (text) => `[${text.slice(1, -1).split(",").map(float).join()}]`;

// "2026-11-20 10:47:02.17+00" → "2026-11-20T10:47:02.170000Z"; sessions are in UTC.
const instant: JsonText = (text) => {
  if (!isFourDigitYear(text)) return `"${text}"`;
  if (text.length === 29) return `"${text.slice(0, 10)}T${text.slice(11, 26)}Z"`;
  return `"${text.slice(0, 10)}T${microseconds(text.slice(11, -3))}Z"`;
};
const localTime: JsonText = (text) =>
  isFourDigitYear(text) ? `"${text.slice(0, 10)}T${microseconds(text.slice(11))}"` : `"${text}"`;

/** Not infinity, BC, or a year of five digits, which stay as PostgreSQL writes them. */
function isFourDigitYear(text: string): boolean {
  return text.charCodeAt(4) === 0x2d && !text.endsWith("C");
}

function microseconds(clock: string): string {
  return clock.length === 8 ? `${clock}.000000` : clock.padEnd(15, "0");
}

const TEXTS: Readonly<Record<string, JsonText>> = {
  smallint: unchanged,
  integer: unchanged,
  json: unchanged,
  jsonb: unchanged,
  boolean,
  real: float,
  "double precision": float,
  uuid: quoted,
  date: quoted,
  bigint: quoted,
  numeric: quoted,
  timestamptz: instant,
  timestamp: localTime,
  time: quoted,
  timetz: quoted,
  interval: quoted,
  inet: quoted,
  cidr: quoted,
  macaddr: quoted,
  macaddr8: quoted,
  bytea: base64,
  point: coordinates,
  line: coordinates,
};

/** SQL whose text `jsonTextOf` reads. */
export function jsonSource(field: FieldModel, column: string): string {
  const { type } = field;
  return type?.sql.endsWith("[]") === true ? `to_json(${type.json(column)})::text` : column;
}

// Types whose cast to text is another text than the one that they are sent as: "true" for "t",
// "192.0.2.1/32" for "192.0.2.1", padding left out.
const CAST_DIFFERS = ["boolean", "bpchar", "inet", "cidr"];

/** The same as a value of type text, which is what `jsonTextOf` would be sent. */
export function jsonSourceAsText(field: FieldModel, column: string): string {
  const source = jsonSource(field, column);
  if (CAST_DIFFERS.includes(field.type?.sql ?? "")) return `nullif(concat(${source}), '')`;
  return source.endsWith("::text") ? source : `${source}::text`;
}

/** The reader of a field's text. */
export function jsonTextOf(field: FieldModel): JsonText {
  const sql = field.type?.sql ?? "";
  return sql.endsWith("[]") ? unchanged : (TEXTS[sql] ?? escaped);
}
