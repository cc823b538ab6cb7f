// Dates, times and durations as requests may write them, checked before PostgreSQL sees them.

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const CLOCK = /^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$/;
const LOCAL_TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}:\d{2})$/;
const ZONED_CLOCK = /^([^Z+-]+)(?:Z|[+-](\d{2})(?::(\d{2}))?(?::(\d{2}))?)$/;
const MIDNIGHT_AFTER = /^24:00(:00(\.0{1,6})?)?$/;

export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const [year, month, day] = text.split("-").map(Number) as [number, number, number];
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function isClock(text: string): boolean {
  const [hours = 99, minutes = 99, seconds = 0] = text.split(":").map(Number);
  return CLOCK.test(text) && hours < 24 && minutes < 60 && seconds < 60;
}

export function isInstant(text: string): boolean {
  const parts = INSTANT.exec(text);
  if (parts === null) return false;
  const [, day = "", clock = "", offset = ""] = parts;
  const isOffset =
    offset === "Z" || (Number(offset.slice(1, 3)) < 15 && Number(offset.slice(4)) < 60);
  // In UTC the year must still be one that a reply can show: not before 1, not of five digits.
  const year = new Date(text).getUTCFullYear();
  return isDay(day) && isClock(clock) && isOffset && year >= 1 && year <= 9_999;
}

export function isLocalTime(text: string): boolean {
  const parts = LOCAL_TIME.exec(text);
  return parts !== null && isDay(parts[1] ?? "") && isClock(parts[2] ?? "");
}

/** A time of day; `24:00:00` is one that PostgreSQL holds and so shows. */
export function isTime(text: string): boolean {
  return isClock(text) || MIDNIGHT_AFTER.test(text);
}

/** With an offset of less than 16 hours, which is PostgreSQL's own limit. */
export function isZonedTime(text: string): boolean {
  const parts = ZONED_CLOCK.exec(text);
  if (parts === null) return false;
  const [, clock = "", hours = "0", minutes = "0", seconds = "0"] = parts;
  const isOffset = Number(hours) < 16 && Number(minutes) < 60 && Number(seconds) < 60;
  return isTime(clock) && isOffset;
}

const NUMBER = "([+-]?\\d{1,19})";
const DURATION = new RegExp(
  `^P(?=.)(?:${NUMBER}Y)?(?:${NUMBER}M)?(?:${NUMBER}W)?(?:${NUMBER}D)?` +
    `(?:T(?=.)(?:${NUMBER}H)?(?:${NUMBER}M)?(?:([+-]?)(\\d{1,19})(?:\\.(\\d{1,6}))?S)?)?$`,
);
const MOST = { int32: 2n ** 31n - 1n, int64: 2n ** 63n - 1n };

/**
 * PostgreSQL's text of an ISO 8601 duration in whole units, seconds with up to six decimals.
 * Rewritten, because PostgreSQL reads the seconds of the ISO form as a binary fraction and loses
 * microseconds of large ones.
 */
export function intervalOf(text: string): string | undefined {
  const parts = DURATION.exec(text);
  if (parts === null) return undefined;
  const whole = (at: number): bigint => BigInt(parts[at]?.replace("+", "") ?? "0");
  const months = whole(1) * 12n + whole(2);
  const days = whole(3) * 7n + whole(4);
  const fraction = BigInt((parts[9] ?? "").padEnd(6, "0"));
  const seconds = BigInt(parts[8] ?? "0") * 1_000_000n + fraction;
  const micros =
    whole(5) * 3_600_000_000n + whole(6) * 60_000_000n + (parts[7] === "-" ? -seconds : seconds);
  const isWithin = (value: bigint, most: bigint): boolean => value <= most && value >= -most - 1n;
  if (!isWithin(months, MOST.int32) || !isWithin(days, MOST.int32)) return undefined;
  if (!isWithin(micros, MOST.int64)) return undefined;
  const size = micros < 0n ? -micros : micros;
  const sign = micros < 0n ? "-" : "";
  const hours = `${sign}${size / 3_600_000_000n} hours ${sign}${(size / 60_000_000n) % 60n} mins`;
  const micro = String(size % 1_000_000n).padStart(6, "0");
  const rest = `${sign}${(size / 1_000_000n) % 60n}.${micro} secs`;
  return `${months} mons ${days} days ${hours} ${rest}`;
}
