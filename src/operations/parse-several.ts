// What the parts of a request that has several say besides their fields: which record in which
// version they mean.
import { type ErrorDetail, refuseInvalid } from "../base/errors.ts";
import { isNumber } from "../base/exact-number.ts";
import { isUuid } from "../base/ids.ts";
import { mismatch } from "../model/input-words.ts";
import { objectOf } from "./input-problems.ts";

const VERSION_MAX = 2_147_483_647;

export interface Target {
  readonly id: string;
  readonly version: string | undefined;
  /** What else there is. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** Reads `{ id, version?, … }`. Throws VALIDATION_ERROR. */
export function parseTarget(given: unknown): Target {
  const { id, version, ...rest } = objectOf(given);
  const details: ErrorDetail[] = [];
  if (!isUuid(id)) {
    details.push({ field: "id", message: mismatch("must be a UUID", id, typeof id === "string") });
  }
  const isVersion =
    version === undefined ||
    (Number.isInteger(version) && Number(version) > 0 && Number(version) <= VERSION_MAX);
  if (!isVersion) {
    const message = `must be a whole number from 1 to ${VERSION_MAX}`;
    details.push({ field: "version", message: mismatch(message, version, isNumber(version)) });
  }
  refuseInvalid("VALIDATION_ERROR", details);
  const wanted = version === undefined ? undefined : String(version);
  return { id: String(id).toLowerCase(), version: wanted, rest };
}
