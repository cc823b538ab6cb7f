// Ranges and multiranges as requests may write them: PostgreSQL's own text, each bound checked as a
// value of its type. That the lower one is not above the upper is left to PostgreSQL (422).
import { isDay, isInstant, isLocalTime } from "./time-text.ts";

const BOUND = '(?:"([^"\\\\]+)"|([^",()[\\]{}\\\\]+))?';
const RANGE = `empty|[[(]${BOUND},${BOUND}[\\])]`;
const WHOLE = new RegExp(`^(?:${RANGE})$`);
const FIRST = new RegExp(`^(?:${RANGE})(?:,(?=.)|$)`);

const INFINITE = /^-?infinity$/;
const WHOLE_NUMBER = /^-?\d{1,19}$/;
const DECIMAL = /^-?\d{1,100}(\.\d{1,100})?$/;

const isWithin =
  (bits: bigint) =>
  (text: string): boolean => {
    if (!WHOLE_NUMBER.test(text)) return false;
    const value = BigInt(text);
    return value < 2n ** (bits - 1n) && value >= -(2n ** (bits - 1n));
  };
/** A moment as requests write it, or as PostgreSQL does: `2026-12-01 00:00:00+00`. */
const withT = (text: string): string => text.replace(/^(\S{10}) /, "$1T");
const withMinutes = (text: string): string => text.replace(/([+-]\d{2})$/, "$1:00");

const BOUNDS: Readonly<Record<string, (text: string) => boolean>> = {
  int4: isWithin(32n),
  int8: isWithin(64n),
  num: (text) => DECIMAL.test(text),
  date: (text) => isDay(text) || INFINITE.test(text),
  ts: (text) => isLocalTime(withT(text)) || INFINITE.test(text),
  tstz: (text) => isInstant(withMinutes(withT(text))) || INFINITE.test(text),
};
const EXAMPLES: Readonly<Record<string, string>> = {
  int4: "[1,10)",
  int8: "[1,10)",
  num: "[1.50,2.50)",
  date: "[2026-12-01,2027-01-01)",
  ts: "[2026-12-01T00:00:00,)",
  tstz: "[2026-12-01T00:00:00Z,2027-01-01T00:00:00Z)",
};

export interface RangeText {
  readonly example: string;
  readonly accepts: (text: string) => boolean;
}

/** How values of `int4range`, `tstzmultirange` and the like are written; undefined for others. */
export function rangeText(sqlType: string): RangeText | undefined {
  const [, of = "", many] = /^(\w+?)(multi)?range$/.exec(sqlType) ?? [];
  const isBound = BOUNDS[of];
  if (isBound === undefined) return undefined;
  const example = EXAMPLES[of] ?? "";
  const isRange = (text: string, pattern: RegExp): number => {
    const parts = pattern.exec(text);
    if (parts === null) return 0;
    const bounds = parts.slice(1).filter((bound) => bound !== undefined);
    return bounds.every((bound) => isBound(bound)) ? parts[0].length : 0;
  };
  if (many === undefined) return { example, accepts: (text) => isRange(text, WHOLE) > 0 };
  const accepts = (text: string): boolean => {
    if (!text.startsWith("{") || !text.endsWith("}")) return false;
    for (let rest = text.slice(1, -1); rest !== ""; ) {
      const taken = isRange(rest, FIRST);
      if (taken === 0) return false;
      rest = rest.slice(taken);
    }
    return true;
  };
  return { example: `{${example}}`, accepts };
}
