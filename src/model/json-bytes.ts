// From PostgreSQL's bytes to JSON's, value by value. Four types that are frequent and dear to write
// as text come as binary; of all others the text comes, whose form json-text.ts knows.
import type { JsonBuffer } from "./json-buffer.ts";
import { escaped, jsonTextOf, quoted, unchanged } from "./json-text.ts";
import type { FieldModel } from "./model.ts";

/** Writes one value that is not null, which stands in `from`. */
export type JsonBytes = (from: Buffer, at: number, length: number, to: JsonBuffer) => void;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = Buffer.from(
  Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0")).join(""),
);
const byteAt = (bytes: Uint8Array, place: number): number => bytes[place] as number;

const copied: JsonBytes = (from, at, length, to) => to.copy(from, at, length);

const inQuotes: JsonBytes = (from, at, length, to) => {
  to.reserve(length + 2);
  to.bytes[to.end++] = QUOTE;
  to.copy(from, at, length);
  to.bytes[to.end++] = QUOTE;
};

/** Most texts hold nothing to escape; one that does is left to JavaScript. */
const string: JsonBytes = (from, at, length, to) => {
  to.reserve(length + 2);
  const { bytes } = to;
  let end = to.end;
  bytes[end++] = QUOTE;
  for (let place = at; place < at + length; place += 1) {
    const byte = byteAt(from, place);
    if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) {
      to.write(JSON.stringify(from.toString("utf8", at, at + length)));
      return;
    }
    bytes[end++] = byte;
  }
  bytes[end++] = QUOTE;
  to.end = end;
};

const uuid: JsonBytes = (from, at, _, to) => {
  to.reserve(38);
  const { bytes } = to;
  let end = to.end;
  bytes[end++] = QUOTE;
  for (let nth = 0; nth < 16; nth += 1) {
    if (nth === 4 || nth === 6 || nth === 8 || nth === 10) bytes[end++] = 0x2d;
    const digits = byteAt(from, at + nth) * 2;
    bytes[end++] = byteAt(HEX, digits);
    bytes[end++] = byteAt(HEX, digits + 1);
  }
  bytes[end++] = QUOTE;
  to.end = end;
};

const integer: JsonBytes = (from, at, length, to) => to.write(String(from.readIntBE(at, length)));

const SECONDS_OF_DAY = 86_400;
/** From 0000-03-01 to 2000-01-01, where PostgreSQL's count of microseconds begins. */
const DAYS_BEFORE = 730_425;
const DAYS_OF_ERA = 146_097; // 400 years.

const instant: JsonBytes = (from, at, _, to) => {
  const high = from.readInt32BE(at);
  const low = from.readUInt32BE(at + 4);
  // 2^32 µs are 4,294 s and 967,296 µs: a double holds neither all at once nor divides it exactly.
  const rest = high * 967_296 + low;
  const more = Math.floor(rest / 1_000_000);
  const seconds = high * 4_294 + more;
  const micros = rest - more * 1_000_000;
  const day = Math.floor(seconds / SECONDS_OF_DAY);
  // Days to a date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"): a year begins
  // in March, so that the leap day is its last.
  const days = day + DAYS_BEFORE;
  const era = Math.floor(days / DAYS_OF_ERA);
  const ofEra = days - era * DAYS_OF_ERA;
  const leaps = ((ofEra / 1_460) | 0) - ((ofEra / 36_524) | 0) + ((ofEra / 146_096) | 0);
  const yearOfEra = ((ofEra - leaps) / 365) | 0;
  const ofYear = ofEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0));
  const march = ((5 * ofYear + 2) / 153) | 0;
  const date = ofYear - (((153 * march + 2) / 5) | 0) + 1;
  const month = march < 10 ? march + 3 : march - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const ofDay = seconds - day * SECONDS_OF_DAY;
  if (year < 1 || year > 9_999)
    return farInstant(high, low, { year, month, date, ofDay, micros }, to);
  to.reserve(29);
  const { bytes, end } = to;
  bytes[end] = QUOTE;
  twoDigits(bytes, end + 1, (year / 100) | 0);
  twoDigits(bytes, end + 3, year % 100);
  bytes[end + 5] = 0x2d;
  twoDigits(bytes, end + 6, month);
  bytes[end + 8] = 0x2d;
  twoDigits(bytes, end + 9, date);
  bytes[end + 11] = 0x54;
  const minutes = (ofDay / 60) | 0;
  twoDigits(bytes, end + 12, (minutes / 60) | 0);
  bytes[end + 14] = 0x3a;
  twoDigits(bytes, end + 15, minutes % 60);
  bytes[end + 17] = 0x3a;
  twoDigits(bytes, end + 18, ofDay - minutes * 60);
  bytes[end + 20] = 0x2e;
  twoDigits(bytes, end + 21, (micros / 10_000) | 0);
  twoDigits(bytes, end + 23, ((micros / 100) | 0) % 100);
  twoDigits(bytes, end + 25, micros % 100);
  bytes[end + 27] = 0x5a;
  bytes[end + 28] = QUOTE;
  to.end = end + 29;
};

function twoDigits(bytes: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0;
  bytes[at] = 0x30 + tens;
  bytes[at + 1] = 0x30 + value - tens * 10;
}

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly date: number;
  readonly ofDay: number;
  readonly micros: number;
}

/** Infinity, before the year 1 or of five digits: in the form of PostgreSQL's own text. */
function farInstant(high: number, low: number, moment: Moment, to: JsonBuffer): void {
  const isInfinity = high === 0x7fffffff && low === 0xffffffff;
  if (isInfinity || (high === -0x80000000 && low === 0)) {
    to.write(isInfinity ? '"infinity"' : '"-infinity"');
    return;
  }
  const { year, month, date, ofDay, micros } = moment;
  const two = (value: number): string => String(value).padStart(2, "0");
  const isBefore = year < 1;
  const day = `${String(isBefore ? 1 - year : year).padStart(4, "0")}-${two(month)}-${two(date)}`;
  const minutes = Math.floor(ofDay / 60);
  const clock = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(ofDay % 60)}`;
  const digits = String(micros)
    .padStart(6, "0")
    .replace(/0{1,5}$/, "");
  const part = micros === 0 ? "" : `.${digits}`;
  to.write(`"${day} ${clock}${part}+00${isBefore ? " BC" : ""}"`);
}

const BINARY: Readonly<Record<string, JsonBytes>> = {
  uuid,
  smallint: integer,
  integer,
  timestamptz: instant,
};

/** Whether the writer of the field reads PostgreSQL's binary form, or else its text. */
export function isBinary(field: FieldModel): boolean {
  return Object.hasOwn(BINARY, field.type?.sql ?? "");
}

/** The writer of a field's value. */
export function jsonBytesOf(field: FieldModel): JsonBytes {
  const binary = BINARY[field.type?.sql ?? ""];
  if (binary !== undefined) return binary;
  const text = jsonTextOf(field);
  if (text === unchanged) return copied;
  if (text === quoted) return inQuotes;
  if (text === escaped) return string;
  return (from, at, length, to) => to.write(text(from.toString("utf8", at, at + length)));
}
