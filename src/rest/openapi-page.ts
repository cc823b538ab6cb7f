// The reply of a list in the OpenAPI document: records, pagination, and what a search has marked.
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../base/limits.ts";
import type { JsonSchema } from "../model/json-schema.ts";

const MARKED: JsonSchema = { type: "object", additionalProperties: { type: "string" } };
const HIGHLIGHTS: JsonSchema = {
  type: "object",
  description: "By id and field, where highlight=true: HTML with <mark> around what q has found.",
  additionalProperties: MARKED,
};

/** `record` refers to the schema of a record. */
export function pageSchema(record: JsonSchema, isSearched: boolean): JsonSchema {
  return {
    type: "object",
    properties: {
      data: { type: "array", items: record, maxItems: PAGE_SIZE_MAX },
      meta: {
        type: "object",
        properties: {
          pagination: { $ref: "#/components/schemas/Pagination" },
          ...(isSearched ? { highlights: HIGHLIGHTS } : {}),
        },
        required: ["pagination"],
        additionalProperties: false,
      },
    },
    required: ["data", "meta"],
    additionalProperties: false,
  };
}

/** Of the schema `Pagination`. */
export function paginationSchema(): JsonSchema {
  const cursor = { type: ["string", "null"], description: "A cursor, or null." };
  return {
    type: "object",
    properties: {
      size: { type: "integer", minimum: 1, maximum: PAGE_SIZE_MAX, default: PAGE_SIZE_DEFAULT },
      next: cursor,
      prev: cursor,
      hasMore: { type: "boolean" },
      total: { type: "integer", minimum: 0, description: "Where page[count] asked for it." },
      totalIs: {
        type: "string",
        enum: ["exact", "atLeast"],
        description: "atLeast: counting stopped there.",
      },
    },
    required: ["size", "next", "prev", "hasMore"],
    additionalProperties: false,
  };
}
