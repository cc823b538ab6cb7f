// Errors on the wire: the public half in the envelope, the private half in the log.
import { BackwrightError, ERROR_CATALOGUE, type ErrorCode } from "../base/errors.ts";

/** What the HTTP machinery's own failures mean. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "REQUEST_INVALID",
  FST_ERR_CTP_EMPTY_JSON_BODY: "REQUEST_INVALID",
  FST_ERR_BAD_URL: "REQUEST_INVALID",
  FST_ERR_MAX_PARAM_LENGTH: "URI_TOO_LONG",
};

/** Whatever was thrown, as an error that has a public half. */
export function asPublicError(error: unknown): BackwrightError {
  if (error instanceof BackwrightError) return error;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const known = typeof code === "string" ? FASTIFY_CODES[code] : undefined;
  if (known !== undefined) return new BackwrightError(known, { cause: error });
  const isClientError = typeof statusCode === "number" && statusCode >= 400 && statusCode < 500;
  return new BackwrightError(isClientError ? "REQUEST_INVALID" : "INTERNAL", { cause: error });
}

/** `{ "error": { "code", "message", "details", "requestId" } }` */
export function errorBody(error: BackwrightError, requestId: string): string {
  const { code, message, details } = error;
  return JSON.stringify({ error: { code, message, details, requestId } });
}

export const PROBLEM_TYPE = "application/problem+json";

/** Whether an Accept header names the type of problem documents. */
export function asksForProblem(accept: string | undefined): boolean {
  return (accept?.toLowerCase().split(",") ?? []).some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim());
    return type === PROBLEM_TYPE && !parameters.some((one) => /^q=0(?:\.0*)?$/.test(one));
  });
}

/** RFC 9457, for those who ask for application/problem+json. */
export function problemBody(error: BackwrightError, requestId: string): string {
  const { code, status, message, details } = error;
  const type = `urn:backwright:error:${code.toLowerCase().replaceAll("_", "-")}`;
  const title = ERROR_CATALOGUE[code].message;
  return JSON.stringify({ type, title, status, detail: message, code, details, requestId });
}

export function errorHeaders(error: BackwrightError): Record<string, string> {
  const headers: Record<string, string> = { "cache-control": "no-store" };
  if (error.retryAfterSeconds !== undefined) {
    headers["retry-after"] = String(error.retryAfterSeconds);
  }
  if (error.code === "UNAUTHENTICATED") headers["www-authenticate"] = 'Bearer realm="backwright"';
  return headers;
}
