// What JSON.parse loses without a word: digits of a number that no double holds, and all but the
// last of the members of one name.
import { exactNumber } from "../base/exact-number.ts";

/** With the text of each value, which TypeScript's library does not know yet. */
const parse = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

// Fifteen digits come through a double unharmed, so most documents are read without a reviver.
const MAY_BE_INEXACT = /\d[\d.]{15}|\d[eE]/;

/**
 * JSON.parse, but a finite number that a double would round stays what was written: an object that
 * JSON.stringify writes as the same digits. Throws SyntaxError.
 */
export function parseExactly(text: string): unknown {
  if (!MAY_BE_INEXACT.test(text)) return JSON.parse(text) as unknown;
  return parse(text, (_key, value, { source }) => {
    if (typeof value !== "number" || source === undefined || !Number.isFinite(value)) return value;
    return exactNumber(source, value);
  });
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
