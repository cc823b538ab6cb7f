// What a failed statement means to the caller. PostgreSQL's own words stay in `cause`.
import { BackwrightError } from "../base/errors.ts";
import { DatabaseFailure } from "../database/failures.ts";
import { REFUSED_AFTER_IMAGE } from "../sql/write-shape.ts";
import { LESS_TO_READ, replyTooLarge } from "./reply-size.ts";

const NOT_MIGRATED =
  "The database lacks a table or column that this needs. A migration is missing: " +
  "npx backwright migrate status, then migrate new or migrate up.";

/** Turns whatever a statement threw into the error that the caller sees. */
export function publicError(
  error: unknown,
  constraints: ReadonlyMap<string, readonly string[]>,
  isRemoval = false,
): BackwrightError {
  if (error instanceof BackwrightError) return error;
  if (!(error instanceof DatabaseFailure)) return new BackwrightError("INTERNAL", { cause: error });
  const fields = constraints.get(error.constraint ?? "") ?? [];
  const details = (message: string) => fields.map((field) => ({ field, message }));
  switch (error.kind) {
    case "unavailable":
    case "busy":
    case "serialization":
    case "stale":
      return new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1, cause: error });
    case "timeout":
      return new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 2, cause: error });
    case "unique":
      return new BackwrightError("CONFLICT", {
        details: details("is already taken"),
        cause: error,
      });
    case "foreign key":
      // PostgreSQL says the same for both sides of a key; a removal can only break the target's.
      if (isRemoval) {
        return new BackwrightError("CONFLICT", {
          message: "Other records still refer to this one.",
          cause: error,
        });
      }
      return new BackwrightError("INVALID_REFERENCE", {
        details: details("does not exist or is not visible to you"),
        cause: error,
      });
    case "check":
    case "value":
      return new BackwrightError("UNPROCESSABLE", {
        details: details("breaks a rule of the data"),
        cause: error,
      });
    case "too large":
      return replyTooLarge(LESS_TO_READ, error);
    case "not null":
      return new BackwrightError("UNPROCESSABLE", { cause: error });
    case "refused":
      return error.message === REFUSED_AFTER_IMAGE
        ? new BackwrightError("FORBIDDEN", {
            message: "The record would then be one that your role may not write.",
            cause: error,
          })
        : new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1, cause: error });
    case "missing":
      return new BackwrightError("INTERNAL", { message: NOT_MIGRATED, cause: error });
    default:
      return new BackwrightError("INTERNAL", { cause: error });
  }
}
