// The error catalogue: every failure that a caller can see, with its status and meaning.
// Each error has a public half (code, message, details) and a private half (cause) for the log.
// docs/reference/errors.md is checked against this file both ways by a test. Codes are never reused.

interface CatalogueEntry {
  readonly status: number;
  /** The sentence that is used when the place that throws has nothing better to say. */
  readonly message: string;
}

export const ERROR_CATALOGUE = {
  BODY_TOO_LARGE: { status: 413, message: "The request body is larger than this server accepts." },
  CONFLICT: { status: 409, message: "Another record already has this value." },
  CURSOR_INVALID: {
    status: 400,
    message: "This page cursor was not issued for this request. Start again without it.",
  },
  FORBIDDEN: { status: 403, message: "Your role does not allow this." },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    message: "A request with this Idempotency-Key is still being processed. Try again shortly.",
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    message: "Idempotency-Key must be 1 to 255 printable ASCII characters.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: "This Idempotency-Key was already used with another request body. Use a new key.",
  },
  INTERNAL: { status: 500, message: "The server failed. Quote the request id when you report it." },
  INVALID_REFERENCE: {
    status: 422,
    message: "A referenced record does not exist or is not visible to you.",
  },
  INVALID_TRANSITION: { status: 422, message: "The record cannot move to this state." },
  METHOD_NOT_ALLOWED: { status: 405, message: "This address does not support this method." },
  NOT_FOUND: { status: 404, message: "There is no such record, or it is not visible to you." },
  PARAMETER_INVALID: { status: 400, message: "A query parameter is not valid." },
  PRECONDITION_INVALID: { status: 400, message: "If-Match must be the ETag of the record." },
  REQUEST_INVALID: { status: 400, message: "The request could not be read." },
  REQUEST_TIMEOUT: { status: 408, message: "The request did not arrive in time." },
  ROUTE_NOT_FOUND: { status: 404, message: "There is nothing at this address." },
  UNAUTHENTICATED: {
    status: 401,
    message: "Send a valid API key: Authorization: Bearer <key>.",
  },
  UNAVAILABLE: {
    status: 503,
    message: "The service is temporarily unavailable. Try again shortly.",
  },
  UNPROCESSABLE: { status: 422, message: "The values break a rule of the data." },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: "Send the body as application/json." },
  URI_TOO_LONG: { status: 414, message: "The address is longer than this server accepts." },
  VALIDATION_ERROR: { status: 400, message: "The request body is not valid." },
  VERSION_CONFLICT: {
    status: 412,
    message: "The record has changed since you read it. Read it again and repeat your change.",
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
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
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
