// How large a reply may be: told before its parts are joined, and of a write before it commits.
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { REPLY_BYTES_MAX } from "../base/limits.ts";

export class ReplySize {
  readonly #most: number;
  readonly #details: readonly ErrorDetail[];
  #bytes = 0;

  /** `details` say what to ask for less of. */
  constructor(details: readonly ErrorDetail[], most = REPLY_BYTES_MAX) {
    this.#details = details;
    this.#most = most;
  }

  /** One more part, as JSON text. Throws REPLY_TOO_LARGE. */
  add(part: string): void {
    this.#bytes += Buffer.byteLength(part);
    if (this.#bytes > this.#most) throw replyTooLarge(this.#details);
  }

  /** A part that was added is not sent after all. */
  remove(part: string): void {
    this.#bytes -= Buffer.byteLength(part);
  }
}

/** Of a list, a record with others or an aggregate. */
export const LESS_TO_READ: readonly ErrorDetail[] = [
  { field: "page[size]", message: "ask for fewer records, included ones too, and follow next" },
  { field: "fields", message: "name only the fields that you need" },
];

/** Of several writes, under the name of their list in the body. */
export function lessToWrite(field: string): readonly ErrorDetail[] {
  return [{ field, message: "send fewer of them in one request; nothing was written" }];
}

export function replyTooLarge(details: readonly ErrorDetail[], cause?: unknown): BackwrightError {
  return new BackwrightError("REPLY_TOO_LARGE", { details, cause });
}
