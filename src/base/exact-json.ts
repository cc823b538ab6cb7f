// JSON from outside: how deep it is, and what JSON.parse loses without a word: digits of a number
// that no double holds, and all but the last of the members of one name.
import { randomUUID } from "node:crypto";
import { isPlainNumber, writtenNumber } from "./exact-number.ts";

// Fifteen digits come through a double unharmed, so most documents are parsed once and no more.
const MAY_BE_ROUNDED = /\d[\d.]{15}|\d[eE]/;
const NUMBER_CHARACTERS = "0123456789.eE+-";

// Nobody can send a string that begins like this: it is another one in every process.
const MARK = `\u0000${randomUUID()} `;

/**
 * JSON.parse, but a finite number that a double might round stays what was written: an object that
 * JSON.stringify writes as the same digits. Throws SyntaxError.
 */
export function parseExactly(text: string): unknown {
  const parsed = JSON.parse(text) as unknown;
  if (!MAY_BE_ROUNDED.test(text)) return parsed;
  const marked = markNumbers(text);
  // A reviver would be told each number's text, but costs thirty times the parsing for them all.
  return marked === text ? parsed : unmark(JSON.parse(marked) as unknown);
}

/** Valid JSON with strings in place of the numbers that a double might round. */
function markNumbers(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const end = endOfNumber(text, at);
      const source = text.slice(at, end);
      if (!isPlainNumber(source)) {
        parts.push(text.slice(from, at), JSON.stringify(MARK + source));
        from = end;
      }
      at = end - 1;
    }
  }
  return from === 0 ? text : parts.join("") + text.slice(from);
}

/** The document with the numbers as they were written in place of the marked strings. */
function unmark(value: unknown): unknown {
  if (typeof value === "string") {
    return value.startsWith(MARK) ? writtenNumber(value.slice(MARK.length)) : value;
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = unmark(value[at]);
    return value;
  }
  for (const key of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    const written = unmark(member);
    if (written === member) continue;
    // Assigning would take a member named __proto__ for the prototype.
    const descriptor = { value: written, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(value, key, descriptor);
  }
  return value;
}

/** The first name that stands twice in one object. `text` must be valid JSON. */
export function repeatedName(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x7b) open.push(new Set());
    else if (code === 0x5b) open.push(undefined);
    else if (code === 0x7d || code === 0x5d) open.pop();
    else if (code === 0x22) {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names !== undefined && isFollowedByColon(text, end)) {
        const raw = text.slice(at + 1, end);
        const name = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
        if (names.has(name)) return name;
        names.add(name);
      }
      at = end;
    }
  }
  return undefined;
}

/** To be asked before parsing: a deep document costs whoever walks it a stack. */
export function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/** The place of the quote that closes the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1;
  return at;
}

function isFollowedByColon(text: string, quote: number): boolean {
  let at = quote + 1;
  while (" \n\r\t".includes(text.charAt(at))) at += 1;
  return text.charCodeAt(at) === 0x3a;
}

/** The place after the last character of the number that begins at `from`. */
function endOfNumber(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && NUMBER_CHARACTERS.includes(text.charAt(at))) at += 1;
  return at;
}
