// Turns the local times of a 311 file into instants. The file has no offsets, so that twice a year
// an hour is ambiguous or does not exist: the rule for both stands at `toInstant`.

const DAY_MS = 86_400_000;
const WRITTEN = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2}):(\d{2}) ([AP])M$/i;

const newYork = new Intl.DateTimeFormat("en-US", {
  timeZone: "America/New_York",
  calendar: "iso8601",
  numberingSystem: "latn",
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
});

/**
 * The instant of a local time like "12/25/2013 11:59:08 PM", in UTC; undefined when it is not one.
 * An hour that the clocks repeat is taken as its first pass. A time that they skip is as long
 * after midnight as it says: 02:30 becomes 03:30. (RFC 5545 and Temporal's "compatible".)
 */
export function toInstant(written: string): string | undefined {
  const local = readLocal(written);
  if (local === undefined) return undefined;
  const before = offsetAt(local - DAY_MS);
  const after = offsetAt(local + DAY_MS);
  const byOld = local - before;
  const byNew = local - after;
  const isPastChange = offsetAt(byOld) !== before && offsetAt(byNew) === after;
  return new Date(isPastChange ? byNew : byOld).toISOString();
}

/** The milliseconds that the same digits would be in UTC. */
function readLocal(written: string): number | undefined {
  const [, ...parts] = WRITTEN.exec(written) ?? [];
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  if (parts.length === 0 || hour < 1 || hour > 12 || minute > 59 || second > 59) return undefined;
  const isAfternoon = parts[6]?.toUpperCase() === "P";
  const local = Date.UTC(
    year,
    month - 1,
    day,
    (hour % 12) + (isAfternoon ? 12 : 0),
    minute,
    second,
  );
  const read = new Date(local);
  const isDay =
    read.getUTCFullYear() === year && read.getUTCMonth() === month - 1 && read.getUTCDate() === day;
  return isDay ? local : undefined;
}

/** Milliseconds that New York's clocks are ahead of UTC at an instant: negative. */
function offsetAt(instant: number): number {
  const parts = newYork.formatToParts(instant);
  const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const shown = Date.UTC(
    of("year"),
    of("month") - 1,
    of("day"),
    of("hour"),
    of("minute"),
    of("second"),
  );
  return shown - Math.floor(instant / 1_000) * 1_000;
}
