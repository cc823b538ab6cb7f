// The API as an OpenAPI 3.1 document, as far as one role may use it: made of the same model, grants
// and index forms that requests are decided by.
import { INCLUDED_SIZE_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../base/limits.ts";
import { type JsonSchema, replySchema, requestSchema } from "../model/json-schema.ts";
import type {
  ActionModel,
  CreateGrant,
  FieldModel,
  Model,
  ReadGrant,
  ResourceModel,
  RoleAccess,
  UpdateGrant,
} from "../model/model.ts";
import { actionSchemaNames, actionSchemas } from "./openapi-actions.ts";
import { aggregateParts } from "./openapi-aggregate.ts";
import { errorResponses, errorSchema } from "./openapi-errors.ts";
import {
  data,
  ETAG,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  type Json,
  operation,
  ref,
  schemaName,
} from "./openapi-operation.ts";
import {
  includable,
  type Parameter,
  readParameters,
  recordParameters,
} from "./openapi-parameters.ts";
import { batchPaths, bulkPaths, severalSchemas, upsertOperation } from "./openapi-several.ts";

/**
 * The document for a role. Paths and fields that the role may not use are not in it. `prefix`
 * stands before every path; `only` names the resources that are served where that is not all.
 */
export function openApiDocument(
  model: Model,
  role: string,
  prefix = "",
  only?: ReadonlySet<string>,
): Json {
  const paths: Record<string, Json> = {};
  const schemas: Record<string, Json> = { Error: errorSchema(), Pagination: paginationSchema() };
  const tags: Json[] = [];
  for (const resource of model.resources.values()) {
    const access = resource.access.get(role);
    if (only?.has(resource.name) === false) continue;
    if (access === undefined || Object.values(access).every((grant) => grant === undefined))
      continue;
    const name = schemaName(resource);
    tags.push({ name: resource.path, description: `Records of ${resource.path}.` });
    schemas[name] = recordSchema(resource, access.read, model, role);
    if (access.create) schemas[`${name}Create`] = createSchema(access.create);
    if (access.update) schemas[`${name}Update`] = updateSchema(access.update);
    Object.assign(schemas, severalSchemas(resource, access));
    Object.assign(schemas, actionSchemas(name, access.actions?.values() ?? []));
    Object.assign(paths, resourcePaths(resource, access, model, role));
  }
  Object.assign(paths, batchPaths(model, role, only));
  return {
    openapi: "3.1.0",
    info: {
      title: model.name,
      version: "v1",
      description: `What the role ${role} may do. Requests carry an API key of that role.`,
      license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
    },
    servers: [{ url: prefix === "" ? "/" : prefix, description: "This server." }],
    security: [{ apiKey: [] }],
    tags,
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer", description: "An API key, bw_…" },
      },
      schemas,
      responses: errorResponses(),
    },
  };
}

function resourcePaths(
  resource: ResourceModel,
  access: RoleAccess,
  model: Model,
  role: string,
): Record<string, Json> {
  const { read, create, update, delete: remove, actions } = access;
  const path = `/v1/${resource.path}`;
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
    schema: { type: "string", format: "uri-reference" },
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
    errors: ["Conflict", "TooLarge", "UnsupportedMediaType", "Unprocessable"],
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
    errors: ["NotFound", "Conflict", "Stale"],
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
    errors: ["NotFound", "Conflict", "Stale"],
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
    schema: { type: "string", format: "uuid" },
  };
}

function objectSchema(
  fields: readonly FieldModel[],
  schema: (field: FieldModel) => JsonSchema,
): Record<string, JsonSchema> {
  return Object.fromEntries(fields.map((field) => [field.name, schema(field)]));
}

/** No field is required: `fields` chooses, and a writer without read access is shown the id. */
function recordSchema(
  resource: ResourceModel,
  read: ReadGrant | undefined,
  model: Model,
  role: string,
): Json {
  const fields = read?.fields ?? resource.served.filter((field) => field.name === "id");
  const properties: Record<string, Json> = objectSchema(fields, replySchema);
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
      size: { type: "integer", minimum: 1, maximum: INCLUDED_SIZE_MAX },
      next: { type: ["string", "null"], description: "A cursor, or null." },
      hasMore: { type: "boolean" },
    },
    required: ["size", "next", "hasMore"],
    additionalProperties: false,
  };
  return {
    type: "object",
    properties: {
      data: { type: "array", items: record },
      meta: { type: "object", properties: { pagination }, required: ["pagination"] },
    },
    required: ["data", "meta"],
    additionalProperties: false,
  };
}

function createSchema(grant: CreateGrant): Json {
  const required = grant.fields.filter((field) => !field.nullable && !field.hasDefault);
  return {
    type: "object",
    properties: objectSchema(grant.fields, requestSchema),
    ...(required.length === 0 ? {} : { required: required.map((field) => field.name) }),
    additionalProperties: false,
  };
}

function updateSchema(grant: UpdateGrant): Json {
  return {
    type: "object",
    properties: objectSchema(grant.fields, requestSchema),
    minProperties: 1,
    additionalProperties: false,
  };
}

function paginationSchema(): Json {
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
