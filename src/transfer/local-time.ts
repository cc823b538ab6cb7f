// Times of a file, which have no offset, as instants. Luxon reads them and knows the zones.
import { DateTime, IANAZone } from "luxon";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
// Luxon takes 13:00 PM for one o'clock in the afternoon.
const NO_HALF_DAY_HOUR = /(?:^|[^\d:])(?:00?|1[3-9]|[2-9]\d):/;
const LOCALE = { locale: "en-US" };

export const isTimeZone = (name: string): boolean => IANAZone.isValidZone(name);

/** Why times cannot be read by it; undefined: they can. */
export function formatProblem(format: string): string | undefined {
  const plain = format.replace(/'[^']*'/g, "");
  if (/[YD]/.test(plain)) {
    const meant = format.replaceAll("Y", "y").replaceAll("D", "d");
    return `years are yyyy and days are dd, so perhaps "${meant}"`;
  }
  if (!/[yMd]/.test(plain)) return 'it has no year, month or day, as "M/d/yyyy" has';
  return undefined;
}

/** Reads days that are written as `format` says, as yyyy-mm-dd; undefined for what is none. */
export function dayReader(format: string): (text: string) => string | undefined {
  const parser = DateTime.buildFormatParser(format, LOCALE);
  return (text) => {
    const day = DateTime.fromFormatParser(text, parser, { zone: "utc", ...LOCALE });
    return day.isValid && day.year >= 1_000 ? day.toISODate() : undefined;
  };
}

/**
 * Reads times that are written as `format` says, in the tokens of Luxon, by the clocks of a zone.
 * The result is undefined for what is no such time. Of an hour that the clocks pass twice it is the
 * first pass; a time that they skip is as long after midnight as it says: 02:30 becomes 03:30. (RFC
 * 5545, and Temporal's "compatible".)
 */
export function localTimeReader(
  format: string,
  zoneName: string,
): (text: string) => string | undefined {
  const parser = DateTime.buildFormatParser(format, LOCALE);
  const zone = IANAZone.create(zoneName);
  const isHalfDay = format.includes("h") && format.includes("a");
  const offsets = new Map<number, Offsets>();
  return (text) => {
    // The digits as if they were UTC, which has no changes of clocks.
    const local = DateTime.fromFormatParser(text, parser, { zone: "utc", ...LOCALE });
    if (!local.isValid || local.year < 1_000) return undefined;
    if (isHalfDay && NO_HALF_DAY_HOUR.test(text)) return undefined;
    const ms = local.toMillis();
    const day = Math.floor(ms / DAY_MS);
    const known = offsets.get(day) ?? offsetsAround(zone, day);
    offsets.set(day, known);
    return new Date(toInstant(ms, known, zone)).toISOString();
  };
}

/** Milliseconds that the zone's clocks are ahead of UTC, a day before a day and a day after it. */
interface Offsets {
  readonly before: number;
  readonly after: number;
}

function offsetsAround(zone: IANAZone, day: number): Offsets {
  const offset = (ms: number): number => zone.offset(ms) * MINUTE_MS;
  return { before: offset((day - 1) * DAY_MS), after: offset((day + 2) * DAY_MS) };
}

function toInstant(local: number, { before, after }: Offsets, zone: IANAZone): number {
  const byOld = local - before;
  if (before === after) return byOld;
  const offset = (ms: number): number => zone.offset(ms) * MINUTE_MS;
  const byNew = local - after;
  const isPastChange = offset(byOld) !== before && offset(byNew) === after;
  return isPastChange ? byNew : byOld;
}
