// The API as an OpenAPI 3.1 document, as far as one role may use it: made of the same model, grants
// and index forms that requests are decided by.

import { INCLUDED_SIZE_MAX, PAGE_SIZE_MAX, REQUEST_LIMITS } from "../base/limits.ts";
import type { Mode } from "../base/settings.ts";
import { integerSchema, replySchema, requestSchema } from "../model/json-schema.ts";
import type {
  ActionModel,
  CreateGrant,
  Model,
  ReadGrant,
  ResourceModel,
  RoleAccess,
  UpdateGrant,
} from "../model/model.ts";
import { deprecatedMark } from "./deprecation.ts";
import { actionSchemaNames, actionSchemas } from "./openapi-actions.ts";
import { aggregateParts } from "./openapi-aggregate.ts";
import { withBounds } from "./openapi-bounds.ts";
import { usedComponents } from "./openapi-components.ts";
import { errorResponses, errorSchemas } from "./openapi-errors.ts";
import {
  data,
  ETAG,
  fieldSchemas,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  type Json,
  operation,
  ref,
  schemaName,
} from "./openapi-operation.ts";
import {
  CURSOR_SCHEMA,
  includable,
  type Parameter,
  readParameters,
  recordParameters,
} from "./openapi-parameters.ts";
import { batchPaths, bulkPaths, severalSchemas, upsertOperation } from "./openapi-several.ts";
import { versionPaths } from "./openapi-version.ts";

/** What is served, and how. */
export interface DocumentOptions {
  readonly mode?: Mode;
  /** Stands before every path. */
  readonly prefix?: string | undefined;
  /** The resources that are served where that is not all. */
  readonly only?: ReadonlySet<string> | undefined;
}

/** The document for a role. Paths and fields that the role may not use are not in it. */
export function openApiDocument(
  model: Model,
  role: string,
  { mode = "production", prefix = "", only }: DocumentOptions = {},
): Json {
  const paths: Record<string, Json> = {};
  const schemas: Record<string, Json> = { ...errorSchemas(), Pagination: paginationSchema() };
  const tags: { readonly name: string; readonly description: string }[] = [];
  for (const resource of model.resources.values()) {
    const access = resource.access.get(role);
    if (resource.omitted === "all") continue;
    if (access === undefined || Object.values(access).every((grant) => grant === undefined))
      continue;
    const name = schemaName(resource);
    // Also of a resource without routes, for others include its records.
    schemas[name] = recordSchema(resource, access.read, model, role);
    if (only?.has(resource.ownName) === false) continue;
    tags.push({ name: resource.path, description: `Records of ${resource.path}.` });
    if (access.create) schemas[`${name}Create`] = createSchema(resource, access.create);
    if (access.update) schemas[`${name}Update`] = updateSchema(resource, access.update);
    Object.assign(schemas, severalSchemas(resource, access));
    Object.assign(schemas, actionSchemas(name, access.actions?.values() ?? []));
    Object.assign(paths, resourcePaths(resource, access, model, role));
  }
  const batch = batchPaths(model, role, only);
  if (Object.keys(batch).length > 0) {
    tags.push({ name: "batch", description: "Operations of several resources at once." });
  }
  const served = versionPaths(model, { ...paths, ...batch });
  const about = `What the role ${role} may do. Requests carry an API key of that role.`;
  const { description = about } = deprecatedMark(model.deprecation, about);
  const components = { schemas, responses: errorResponses() };
  return withBounds({
    openapi: "3.1.0",
    info: {
      title: model.name,
      version: model.version,
      description,
      license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
    },
    servers: [
      {
        url: prefix === "" ? "/" : prefix,
        description: `This server, in ${mode}.`,
        "x-internal": false,
      },
    ],
    security: [{ apiKey: [] }],
    tags: tags.sort((one, other) => (one.name < other.name ? -1 : 1)),
    paths: served,
    components: {
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer", description: "An API key, bw_…" },
      },
      ...usedComponents(served, components, ["Error", "Problem"]),
    },
  });
}

function resourcePaths(
  resource: ResourceModel,
  access: RoleAccess,
  model: Model,
  role: string,
): Record<string, Json> {
  const { read, create, update, delete: remove, actions } = access;
  const path = `/${resource.path}`;
  const collection: Record<string, Json> = {};
  const record: Record<string, Json> = {};
  if (read) {
    const parameters = readParameters(resource, read, model, role);
    collection.get = listOperation(resource, parameters);
    record.get = getOperation(resource, recordParameters(resource, read, model, role));
  }
  const aggregates = read && resource.aggregates;
  if (create) collection.post = createOperation(resource);
  const upsert = upsertOperation(resource, access);
  if (upsert) collection.put = upsert;
  if (update) record.patch = updateOperation(resource);
  if (remove) record.delete = deleteOperation(resource);
  const id = pathParameter();
  const paths: Record<string, Json> = {};
  if (Object.keys(collection).length > 0) paths[path] = collection;
  if (Object.keys(record).length > 0) paths[`${path}/{id}`] = { parameters: [id], ...record };
  if (aggregates) {
    const parts = aggregateParts(resource, read, aggregates);
    paths[`${path}/aggregate`] = { get: operation(resource, parts) };
  }
  Object.assign(paths, bulkPaths(resource, access));
  if (remove && resource.table.deletedField !== undefined) {
    paths[`${path}/{id}/restore`] = { parameters: [id], post: restoreOperation(resource) };
  }
  for (const action of actions?.values() ?? []) {
    const post = actionOperation(resource, action);
    paths[`${path}/{id}/${action.path}`] = { parameters: [id], post };
  }
  return paths;
}

const MARKED: Json = { type: "object", additionalProperties: { type: "string" } };
const HIGHLIGHTS: Json = {
  type: "object",
  description: "By id and field, where highlight=true: HTML with <mark> around what q has found.",
  additionalProperties: MARKED,
};

function listOperation(resource: ResourceModel, parameters: readonly Parameter[]): Json {
  const isSearched = parameters.some(({ name }) => name === "q");
  const schema = {
    type: "object",
    properties: {
      data: { type: "array", items: ref("schemas", schemaName(resource)), maxItems: PAGE_SIZE_MAX },
      meta: {
        type: "object",
        properties: {
          pagination: ref("schemas", "Pagination"),
          ...(isSearched ? { highlights: HIGHLIGHTS } : {}),
        },
        required: ["pagination"],
        additionalProperties: false,
      },
    },
    required: ["data", "meta"],
    additionalProperties: false,
  };
  const reply = {
    description: "One page.",
    headers: { ETag: ETAG },
    content: { "application/json": { schema } },
  };
  return operation(resource, {
    verb: "list",
    summary: `List ${resource.path}`,
    description: "One page of what the caller may see. Filters are joined by and.",
    parameters,
    success: { 200: reply, 304: { description: "Nothing has changed." } },
    errors: [],
  });
}

function getOperation(resource: ResourceModel, parameters: readonly Parameter[]): Json {
  const content = data(ref("schemas", schemaName(resource)));
  return operation(resource, {
    verb: "get",
    summary: `Get one of ${resource.path}`,
    description: "A record that is absent and one that is invisible look alike.",
    parameters,
    success: {
      200: { description: "The record.", headers: { ETag: ETAG }, content },
      304: { description: "Nothing has changed." },
    },
    errors: ["NotFound"],
  });
}

function createOperation(resource: ResourceModel): Json {
  const content = data(ref("schemas", schemaName(resource)));
  const location = {
    description: "Its address.",
    schema: { type: "string", format: "uri-reference", maxLength: REQUEST_LIMITS.urlBytesMax },
  };
  return operation(resource, {
    verb: "create",
    summary: `Create one of ${resource.path}`,
    description: "The reply is the record as the caller may read it.",
    parameters: [IDEMPOTENCY_KEY],
    body: `${schemaName(resource)}Create`,
    success: {
      201: { description: "Created.", headers: { Location: location, ETag: ETAG }, content },
    },
    errors: ["NotFound", "Conflict", "TooLarge", "UnsupportedMediaType", "Unprocessable"],
  });
}

function updateOperation(resource: ResourceModel): Json {
  const content = data(ref("schemas", schemaName(resource)));
  return operation(resource, {
    verb: "update",
    summary: `Change one of ${resource.path}`,
    description: "Merges the given fields.",
    parameters: [IDEMPOTENCY_KEY, IF_MATCH],
    body: `${schemaName(resource)}Update`,
    success: { 200: { description: "Changed.", headers: { ETag: ETAG }, content } },
    errors: ["NotFound", "Conflict", "Stale", "TooLarge", "UnsupportedMediaType", "Unprocessable"],
  });
}

function deleteOperation(resource: ResourceModel): Json {
  return operation(resource, {
    verb: "delete",
    summary: `Delete one of ${resource.path}`,
    description:
      resource.table.deletedField === undefined
        ? "Removes the record for good."
        : "Marks the record as deleted; it can be restored.",
    parameters: [IDEMPOTENCY_KEY, IF_MATCH],
    success: { 204: { description: "Deleted." } },
    errors: ["NotFound", "Conflict", "Stale", "TooLarge", "UnsupportedMediaType"],
  });
}

function restoreOperation(resource: ResourceModel): Json {
  const content = data(ref("schemas", schemaName(resource)));
  return operation(resource, {
    verb: "restore",
    summary: `Restore one of ${resource.path}`,
    description: "Takes a deletion back.",
    parameters: [IDEMPOTENCY_KEY, IF_MATCH],
    success: { 200: { description: "Restored.", headers: { ETag: ETAG }, content } },
    errors: ["NotFound", "Conflict", "Stale", "TooLarge", "UnsupportedMediaType"],
  });
}

function actionOperation(resource: ResourceModel, action: ActionModel): Json {
  const record = schemaName(resource);
  const { input, output } = actionSchemaNames(record, action);
  const content = data(ref("schemas", output ?? record));
  const headers = output === undefined ? { headers: { ETag: ETAG } } : {};
  return operation(resource, {
    verb: action.name,
    summary: `Run ${action.name} on one of ${resource.path}`,
    description: "All of it happens, or nothing.",
    parameters: [IDEMPOTENCY_KEY, IF_MATCH],
    ...(input === undefined ? {} : { body: input }),
    success: { 200: { description: "Done.", ...headers, content } },
    errors: ["NotFound", "Conflict", "Stale", "TooLarge", "UnsupportedMediaType", "Unprocessable"],
  });
}

function pathParameter(): Parameter {
  return {
    name: "id",
    in: "path",
    required: true,
    description: "The id of the record.",
    schema: { type: "string", format: "uuid", maxLength: 36 },
  };
}

/** No field is required: `fields` chooses, and a writer without read access is shown the id. */
function recordSchema(
  resource: ResourceModel,
  read: ReadGrant | undefined,
  model: Model,
  role: string,
): Json {
  const fields = read?.fields ?? resource.served.filter((field) => field.name === "id");
  const properties: Record<string, Json> = fieldSchemas(resource, fields, replySchema);
  const targets = read === undefined ? [] : includable(resource, read, model, role);
  for (const { relation, target } of targets) {
    const record = ref("schemas", schemaName(target));
    properties[relation.name] =
      relation.kind === "one" ? { anyOf: [record, { type: "null" }] } : includedPage(record);
  }
  return { type: "object", properties, additionalProperties: false };
}

/** Records of a relation to many. */
function includedPage(record: Json): Json {
  const pagination = {
    type: "object",
    properties: {
      size: integerSchema(1, INCLUDED_SIZE_MAX),
      next: { ...CURSOR_SCHEMA, type: ["string", "null"], description: "A cursor, or null." },
      hasMore: { type: "boolean" },
    },
    required: ["size", "next", "hasMore"],
    additionalProperties: false,
  };
  return {
    type: "object",
    properties: {
      data: { type: "array", items: record, maxItems: INCLUDED_SIZE_MAX },
      meta: {
        type: "object",
        properties: { pagination },
        required: ["pagination"],
        additionalProperties: false,
      },
    },
    required: ["data", "meta"],
    additionalProperties: false,
  };
}

function createSchema(resource: ResourceModel, grant: CreateGrant): Json {
  const required = grant.fields.filter((field) => !field.nullable && !field.hasDefault);
  return {
    type: "object",
    properties: fieldSchemas(resource, grant.fields, requestSchema),
    ...(required.length === 0 ? {} : { required: required.map((field) => field.name) }),
    additionalProperties: false,
  };
}

function updateSchema(resource: ResourceModel, grant: UpdateGrant): Json {
  return {
    type: "object",
    properties: fieldSchemas(resource, grant.fields, requestSchema),
    minProperties: 1,
    additionalProperties: false,
  };
}

function paginationSchema(): Json {
  const cursor = { ...CURSOR_SCHEMA, type: ["string", "null"], description: "A cursor, or null." };
  return {
    type: "object",
    properties: {
      size: integerSchema(1, PAGE_SIZE_MAX),
      next: cursor,
      prev: cursor,
      hasMore: { type: "boolean" },
      total: {
        ...integerSchema(0, Number.MAX_SAFE_INTEGER),
        description: "Where page[count] asked for it.",
      },
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
