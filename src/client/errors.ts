// What a call throws: the public half of the server's error, typed.

export interface ApiErrorDetail {
  readonly field: string;
  readonly message: string;
}

export interface ApiErrorFields {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details: readonly ApiErrorDetail[];
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly cause?: unknown;
}

const RETRYABLE = ["UNAVAILABLE", "IDEMPOTENCY_IN_PROGRESS", "UNREACHABLE"];

/** An error reply, or `UNREACHABLE` (status 0) when none came. Codes: docs/reference/errors.md */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: readonly ApiErrorDetail[];
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(fields: ApiErrorFields) {
    super(fields.message, { cause: fields.cause });
    this.status = fields.status;
    this.code = fields.code;
    this.details = fields.details;
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs;
  }

  /** Whether the same call may succeed later. Writes carry a key, so repeating them is safe. */
  get isRetryable(): boolean {
    return RETRYABLE.includes(this.code) || this.status === 429 || this.status === 502;
  }

  static unreachable(cause: unknown): ApiError {
    return new ApiError({
      status: 0,
      code: "UNREACHABLE",
      message: "The API could not be reached.",
      details: [],
      requestId: undefined,
      retryAfterMs: undefined,
      cause,
    });
  }
}

/** Reads an error reply; one that is not the API's (a proxy's page) keeps its status. */
export function readError(reply: Response, text: string): ApiError {
  const body = parse(text);
  const seconds = Number(reply.headers.get("retry-after") ?? Number.NaN);
  return new ApiError({
    status: reply.status,
    code: body.code ?? (reply.status === 503 ? "UNAVAILABLE" : "UNKNOWN"),
    message: body.message ?? `The API answered ${reply.status}.`,
    details: body.details ?? [],
    requestId: body.requestId ?? reply.headers.get("x-request-id") ?? undefined,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
  });
}

function parse(text: string): Partial<ApiErrorFields> {
  try {
    return (JSON.parse(text) as { error?: Partial<ApiErrorFields> }).error ?? {};
  } catch {
    return {};
  }
}
