// Errors in the OpenAPI document: the envelope, and the responses that operations name.
import { ERROR_CATALOGUE, type ErrorCode } from "../base/errors.ts";

type Json = Readonly<Record<string, unknown>>;

export function errorSchema(): Json {
  const detail = {
    type: "object",
    properties: { field: { type: "string" }, message: { type: "string" } },
    required: ["field", "message"],
    additionalProperties: false,
  };
  const error = {
    type: "object",
    properties: {
      code: { type: "string", enum: Object.keys(ERROR_CATALOGUE) },
      message: { type: "string" },
      details: { type: "array", items: detail, maxItems: 50 },
      requestId: { type: "string" },
    },
    required: ["code", "message", "details", "requestId"],
    additionalProperties: false,
  };
  return {
    type: "object",
    properties: { error },
    required: ["error"],
    additionalProperties: false,
  };
}

export type ErrorResponse = keyof typeof ERROR_RESPONSES;
export const ERROR_RESPONSES = {
  BadRequest: { status: "400", codes: ["VALIDATION_ERROR", "PARAMETER_INVALID"] },
  Unauthenticated: { status: "401", codes: ["UNAUTHENTICATED"] },
  Forbidden: { status: "403", codes: ["FORBIDDEN"] },
  NotFound: { status: "404", codes: ["NOT_FOUND"] },
  Conflict: { status: "409", codes: ["CONFLICT", "IDEMPOTENCY_IN_PROGRESS"] },
  Stale: { status: "412", codes: ["VERSION_CONFLICT"] },
  TooLarge: { status: "413", codes: ["BODY_TOO_LARGE"] },
  UnsupportedMediaType: { status: "415", codes: ["UNSUPPORTED_MEDIA_TYPE"] },
  Unprocessable: { status: "422", codes: ["INVALID_REFERENCE", "INVALID_TRANSITION"] },
  Unavailable: { status: "503", codes: ["UNAVAILABLE"] },
} as const satisfies Record<string, { status: string; codes: readonly ErrorCode[] }>;

export function errorResponses(): Json {
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  return Object.fromEntries(
    Object.entries(ERROR_RESPONSES).map(([name, { codes }]) => [
      name,
      { description: codes.map((code) => ERROR_CATALOGUE[code].message).join(" "), content },
    ]),
  );
}
