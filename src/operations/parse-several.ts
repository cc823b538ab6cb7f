// What the parts of a request that has several say besides their fields: which record in which
// version they mean.
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const VERSION_MAX = 2_147_483_647;

export interface Target {
  readonly id: string;
  readonly version: string | undefined;
  /** What else there is. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export function isId(given: unknown): given is string {
  return typeof given === "string" && UUID.test(given);
}

/** Reads `{ id, version?, … }`. Throws VALIDATION_ERROR. */
export function parseTarget(given: unknown): Target {
  const { id, version, ...rest } = objectOf(given);
  const details: ErrorDetail[] = [];
  if (!isId(id)) details.push({ field: "id", message: "must be a UUID" });
  const isVersion =
    version === undefined ||
    (Number.isInteger(version) && Number(version) > 0 && Number(version) <= VERSION_MAX);
  if (!isVersion) details.push({ field: "version", message: "must be a positive integer" });
  refuse(details);
  const wanted = version === undefined ? undefined : String(version);
  return { id: String(id).toLowerCase(), version: wanted, rest };
}

/** Throws VALIDATION_ERROR where it is no object. */
export function objectOf(given: unknown): Readonly<Record<string, unknown>> {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    return given as Readonly<Record<string, unknown>>;
  }
  throw new BackwrightError("VALIDATION_ERROR", { message: "This must be a JSON object." });
}

/** Throws VALIDATION_ERROR naming members that are not among the allowed ones. */
export function refuseUnknown(rest: Readonly<Record<string, unknown>>, allowed: string): void {
  const message = `is not known here; allowed: ${allowed}`;
  refuse(Object.keys(rest).map((name) => ({ field: name.slice(0, 100), message })));
}

/** Throws VALIDATION_ERROR when there is any detail. */
export function refuse(details: readonly ErrorDetail[]): void {
  if (details.length === 0) return;
  const names = [...new Set(details.map(({ field }) => field))].slice(0, 10).join(", ");
  throw new BackwrightError("VALIDATION_ERROR", { message: `Not valid: ${names}.`, details });
}
