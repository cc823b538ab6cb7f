// One operation of the OpenAPI document: what all of them have in common.
import { REQUEST_LIMITS } from "../base/limits.ts";
import type { JsonSchema } from "../model/json-schema.ts";
import type { FieldModel, ResourceModel } from "../model/model.ts";
import { deprecatedMark } from "./deprecation.ts";
import { ERROR_RESPONSES, type ErrorResponse } from "./openapi-errors.ts";
import type { Parameter } from "./openapi-parameters.ts";

export type Json = Readonly<Record<string, unknown>>;

export const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

export function schemaName(resource: ResourceModel): string {
  return resource.name.charAt(0).toUpperCase() + resource.name.slice(1);
}

export interface Parts {
  readonly verb: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: string;
  readonly success: Readonly<Record<string, Json>>;
  readonly errors: readonly ErrorResponse[];
}

/** What every operation may answer, whatever it does. */
const ALWAYS: readonly ErrorResponse[] = [
  "BadRequest",
  "Unauthenticated",
  "Forbidden",
  "Timeout",
  "TooLong",
  "HeadersTooLarge",
  "Internal",
  "Unavailable",
];

/** The error responses of an operation, by status. */
export function failures(errors: readonly ErrorResponse[]): Json {
  return Object.fromEntries(
    [...ALWAYS, ...errors].map((name) => [ERROR_RESPONSES[name].status, ref("responses", name)]),
  );
}

export function operation(resource: ResourceModel, parts: Parts): Json {
  return {
    operationId: `${resource.name}.${parts.verb}`,
    tags: [resource.path],
    summary: parts.summary,
    description: parts.description,
    ...deprecatedMark(resource.deprecated.operations.get(parts.verb), parts.description),
    ...(parts.parameters === undefined ? {} : { parameters: parts.parameters }),
    ...(parts.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: ref("schemas", parts.body) } },
          },
        }),
    responses: { ...parts.success, ...failures(parts.errors) },
  };
}

export const data = (schema: Json): Json => ({
  "application/json": {
    schema: {
      type: "object",
      properties: { data: schema },
      required: ["data"],
      additionalProperties: false,
    },
  },
});

export const ETAG: Json = {
  description: "Names this version.",
  schema: { type: "string", maxLength: REQUEST_LIMITS.headerBytesMax, pattern: '^(W/)?"[!-~]*"$' },
};

export const IDEMPOTENCY_KEY: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "Repeats of this key have one effect and one reply for 24 hours.",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]([ -~]*[!-~])?$" },
};
export const IF_MATCH: Parameter = {
  name: "If-Match",
  in: "header",
  required: false,
  description: "The ETag of the version to change.",
  schema: {
    type: "string",
    maxLength: REQUEST_LIMITS.headerBytesMax,
    pattern: '^(\\*|"\\d{1,10}-[A-Za-z0-9_,-]*")$',
  },
};
export const IF_NONE_MATCH: Parameter = {
  name: "If-None-Match",
  in: "header",
  required: false,
  description: "With *, the record must not be there yet.",
  schema: { type: "string", enum: ["*"] },
};

/** The fields of a resource by their names. */
export function fieldSchemas(
  { deprecated }: ResourceModel,
  fields: readonly FieldModel[],
  schema: (field: FieldModel) => JsonSchema,
): Record<string, JsonSchema> {
  return Object.fromEntries(
    fields.map((field) => {
      const mark = deprecatedMark(deprecated.fields.get(field.name));
      return [field.name, { ...schema(field), ...mark }];
    }),
  );
}
