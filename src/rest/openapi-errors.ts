// Errors in the OpenAPI document: the envelope, and the responses that operations name.
import { DETAILS_MAX, ERROR_CATALOGUE, type ErrorCode } from "../base/errors.ts";

type Json = Readonly<Record<string, unknown>>;

// LIMIT: what a message may name is bounded by the model and by the longest address.
const TEXT_MAX = 65_536;
const text: Json = { type: "string", maxLength: TEXT_MAX };

function closedObject(properties: Json): Json {
  const required = Object.keys(properties);
  return { type: "object", properties, required, additionalProperties: false };
}

/** What both forms of an error hold. */
function errorMembers(): Json {
  return {
    code: { type: "string", enum: Object.keys(ERROR_CATALOGUE) },
    details: {
      type: "array",
      description: "The fields or parameters that are wrong.",
      items: closedObject({ field: text, message: text }),
      maxItems: DETAILS_MAX,
    },
    requestId: {
      type: "string",
      maxLength: 64,
      pattern: "^[A-Za-z0-9_-]+$",
      description: "Quote it when you report this.",
    },
  };
}

/** The error of one record among several: the request has its id in a header. */
export function errorItem(): Json {
  const { code, details } = errorMembers();
  return closedObject({ code, message: text, details });
}

/** The two forms of an error, by the media type that the caller accepts. */
export function errorSchemas(): Readonly<Record<string, Json>> {
  const { code, details, requestId } = errorMembers();
  const problem = {
    type: { type: "string", format: "uri", maxLength: 255 },
    title: text,
    status: { type: "integer", format: "int32", minimum: 400, maximum: 599 },
    detail: text,
  };
  return {
    Error: {
      description: "What went wrong.",
      ...closedObject({ error: closedObject({ code, message: text, details, requestId }) }),
    },
    Problem: {
      description: "The same as a problem document (RFC 9457), for who asks for its type.",
      ...closedObject({ ...problem, code, details, requestId }),
    },
  };
}

export type ErrorResponse = keyof typeof ERROR_RESPONSES;
export const ERROR_RESPONSES = {
  BadRequest: {
    status: "400",
    codes: [
      ...(["VALIDATION_ERROR", "PARAMETER_INVALID", "CURSOR_INVALID"] as const),
      ...(["PRECONDITION_INVALID", "IDEMPOTENCY_KEY_INVALID"] as const),
      ...(["REQUEST_INVALID", "REPLY_TOO_LARGE"] as const),
    ],
  },
  Unauthenticated: { status: "401", codes: ["UNAUTHENTICATED"] },
  Forbidden: { status: "403", codes: ["FORBIDDEN"] },
  NotFound: { status: "404", codes: ["NOT_FOUND"] },
  Timeout: { status: "408", codes: ["REQUEST_TIMEOUT"] },
  Conflict: { status: "409", codes: ["CONFLICT", "IDEMPOTENCY_IN_PROGRESS"] },
  Stale: { status: "412", codes: ["VERSION_CONFLICT"] },
  TooLong: { status: "414", codes: ["URI_TOO_LONG"] },
  TooLarge: { status: "413", codes: ["BODY_TOO_LARGE"] },
  UnsupportedMediaType: { status: "415", codes: ["UNSUPPORTED_MEDIA_TYPE"] },
  Unprocessable: {
    status: "422",
    codes: [
      ...(["INVALID_REFERENCE", "INVALID_TRANSITION", "UNPROCESSABLE"] as const),
      "IDEMPOTENCY_KEY_REUSED",
    ],
  },
  HeadersTooLarge: { status: "431", codes: ["HEADERS_TOO_LARGE"] },
  Internal: { status: "500", codes: ["INTERNAL"] },
  Unavailable: { status: "503", codes: ["UNAVAILABLE"] },
} as const satisfies Record<string, { status: string; codes: readonly ErrorCode[] }>;

export function errorResponses(): Json {
  const content = {
    "application/json": { schema: { $ref: "#/components/schemas/Error" } },
    "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
  };
  return Object.fromEntries(
    Object.entries(ERROR_RESPONSES).map(([name, { codes }]) => [
      name,
      { description: codes.map((code) => ERROR_CATALOGUE[code].message).join(" "), content },
    ]),
  );
}
