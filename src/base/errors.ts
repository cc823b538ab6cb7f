// The error catalogue: every failure that a caller can see, with its status and meaning.
// Each error has a public half (code, message, details) and a private half (cause) for the log.
// docs/reference/errors.md is made from this file and checked by a test. Codes are never reused.

// LIMIT: a body of 100,000 unknown fields is answered with the first of them, not with megabytes.
export const DETAILS_MAX = 50;

interface CatalogueEntry {
  readonly status: number;
  /** The sentence that is used when the place that throws has nothing better to say. */
  readonly message: string;
  /** What the caller should do about it: docs/reference/errors.md is made from it. */
  readonly advice: string;
}

export const ERROR_CATALOGUE = {
  BODY_TOO_LARGE: {
    status: 413,
    message: "The request body is larger than this server accepts.",
    advice: "Send less in one request, or in several requests.",
  },
  CONFLICT: {
    status: 409,
    message: "Another record already has this value.",
    advice: "Read the record that holds the value, or send another value.",
  },
  CURSOR_INVALID: {
    status: 400,
    message: "This page cursor was not issued for this request. Start again without it.",
    advice: "Repeat the list without page[after] and page[before], and follow its new links.",
  },
  EXPECTATION_FAILED: {
    status: 417,
    message: "The only expectation that this server knows is 100-continue.",
    advice: "Leave the header Expect out, or send Expect: 100-continue.",
  },
  FORBIDDEN: {
    status: 403,
    message: "Your role does not allow this.",
    advice: "Do not repeat it. Ask for a role that grants this operation.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: "The address and the headers together are larger than this server accepts.",
    advice: "Send fewer or shorter headers; ask for fewer fields, filters or values.",
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    message: "A request with this Idempotency-Key is still being processed. Try again shortly.",
    advice: "Wait as long as Retry-After says, then repeat with the same key and body.",
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    message: "Idempotency-Key must be 1 to 255 printable ASCII characters.",
    advice: "Make a fresh random key per operation, a UUID for example.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: "This Idempotency-Key was already used with another request body. Use a new key.",
    advice: "Make a new key for a new operation; keep a key for repeats of one only.",
  },
  INTERNAL: {
    status: 500,
    message: "The server failed. Quote the request id when you report it.",
    advice: "Repeat reads; repeat writes only with their Idempotency-Key. Report the request id.",
  },
  INVALID_REFERENCE: {
    status: 422,
    message: "A referenced record does not exist or is not visible to you.",
    advice: "Check the id in the named field; it must be a record that you may read.",
  },
  INVALID_TRANSITION: {
    status: 422,
    message: "The record cannot move to this state.",
    advice: "Read the record again and choose a state that follows its present one.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: "This address does not support this method.",
    advice: "Use a method that the description of the API lists for this address.",
  },
  NOT_FOUND: {
    status: 404,
    message: "There is no such record, or it is not visible to you.",
    advice: "Check the id. A record that you may not see answers the same as none.",
  },
  PARAMETER_INVALID: {
    status: 400,
    message: "A query parameter is not valid.",
    advice: "Correct the parameter that details names; its message lists what is allowed.",
  },
  PRECONDITION_INVALID: {
    status: 400,
    message: "If-Match must be the ETag of the record.",
    advice: "Send the ETag of your last read of this record, quotes included.",
  },
  REPLY_TOO_LARGE: {
    status: 400,
    message: "The reply would be larger than the 32 MB that this server sends at once.",
    advice: "Ask for fewer records or fields at once, or send fewer writes in one request.",
  },
  REQUEST_INVALID: {
    status: 400,
    message: "The request could not be read.",
    advice: "Correct the request: its JSON, headers or address could not be parsed.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    message: "The request did not arrive in time.",
    advice: "Send the whole request faster, or in smaller parts, and repeat it.",
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    message: "There is nothing at this address.",
    advice: "Check the path and the version in front of it.",
  },
  UNAUTHENTICATED: {
    status: 401,
    message: "Send a valid API key: Authorization: Bearer <key>.",
    advice: "Get a key, or a new one if yours has expired or was revoked. Do not repeat it as is.",
  },
  UNAVAILABLE: {
    status: 503,
    message: "The service is temporarily unavailable. Try again shortly.",
    advice: "Repeat after Retry-After seconds, writes with the same Idempotency-Key.",
  },
  UNPROCESSABLE: {
    status: 422,
    message: "The values break a rule of the data.",
    advice: "Correct the values that details names.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    message: "Send the body as application/json.",
    advice: "Set Content-Type to application/json.",
  },
  URI_TOO_LONG: {
    status: 414,
    message: "The address is longer than this server accepts.",
    advice: "Ask for fewer fields, filters or values in one request.",
  },
  VALIDATION_ERROR: {
    status: 400,
    message: "The request body is not valid.",
    advice: "Correct the fields that details names and send it again.",
  },
  VERSION_CONFLICT: {
    status: 412,
    message: "The record has changed since you read it. Read it again and repeat your change.",
    advice: "Read the record again, decide again, and send the new ETag in If-Match.",
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** One thing that is wrong: `field` is a name of the model or a parameter, never row data. */
export interface ErrorDetail {
  readonly field: string;
  readonly message: string;
}

export interface ErrorOptions {
  readonly message?: string;
  readonly details?: readonly ErrorDetail[];
  /** Seconds after which a repeat may succeed; sent as Retry-After. */
  readonly retryAfterSeconds?: number;
  /** Goes to the log only. */
  readonly cause?: unknown;
}

/** A failure that a caller may see: everything but `cause` is public. */
export class BackwrightError extends Error {
  override readonly name = "BackwrightError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: readonly ErrorDetail[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    const entry = ERROR_CATALOGUE[code];
    super(options.message ?? entry.message, { cause: options.cause });
    this.code = code;
    this.status = entry.status;
    this.details = (options.details ?? []).slice(0, DETAILS_MAX);
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Of a request with wrong parameters or members: the names of the first ten as its message. */
export function notValid(
  code: "PARAMETER_INVALID" | "VALIDATION_ERROR",
  details: readonly ErrorDetail[],
): BackwrightError {
  const names = [...new Set(details.map(({ field }) => field))].slice(0, NAMES_MAX).join(", ");
  return new BackwrightError(code, { message: `Not valid: ${names}.`, details });
}

const NAMES_MAX = 10;

/** Throws what `notValid` makes where there is any detail. */
export function refuseInvalid(...problems: Parameters<typeof notValid>): void {
  if (problems[1].length > 0) throw notValid(...problems);
}

/** What stops a start or a command: `message` says what and where, `fix` says what to do next. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly fix: string | undefined;

  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.fix = options.fix;
  }
}
