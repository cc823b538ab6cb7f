// Upsert, bulk and batch in the OpenAPI document.
import { BATCH_OPERATIONS_MAX, BULK_RECORDS_MAX } from "../base/limits.ts";
import { integerSchema, type JsonSchema, requestSchema } from "../model/json-schema.ts";
import {
  type FieldModel,
  type Model,
  offers,
  type ResourceModel,
  type RoleAccess,
} from "../model/model.ts";
import type { BulkVerb } from "../operations/bulk.ts";
import { upsertKeys } from "../operations/upsert.ts";
import { errorItem } from "./openapi-errors.ts";
import {
  data,
  ETAG,
  failures,
  fieldSchemas,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  IF_NONE_MATCH,
  type Json,
  operation,
  ref,
  schemaName,
} from "./openapi-operation.ts";

const BULK_ERRORS = [
  ...(["NotFound", "Conflict", "Stale", "TooLarge", "UnsupportedMediaType"] as const),
  "Unprocessable",
] as const;
const ID: JsonSchema = { type: "string", format: "uuid", maxLength: 36 };
const VERSION: JsonSchema = { ...integerSchema(1, 2 ** 31 - 1), description: "As If-Match." };

const properties = (resource: ResourceModel, fields: readonly FieldModel[]): Json =>
  fieldSchemas(resource, fields, requestSchema);
const object = (members: Json, required: readonly string[]): Json => ({
  type: "object",
  properties: members,
  ...(required.length === 0 ? {} : { required }),
  additionalProperties: false,
});

/** `PUT` of the collection; undefined where the role has no key to go by. */
export function upsertOperation(resource: ResourceModel, access: RoleAccess): Json | undefined {
  const { read, create, update } = access;
  const keys = create && update ? upsertKeys(resource, create, read) : [];
  if (keys.length === 0) return undefined;
  const names = keys.map((fields) => fields.map(({ name }) => name).join(","));
  const content = data(ref("schemas", schemaName(resource)));
  const by = { type: "string", enum: names };
  const description = "The fields of a unique key; the body holds them.";
  return operation(resource, {
    verb: "upsert",
    summary: `Create or change one of ${resource.path} by a unique key`,
    description: "Creates the record that has this key, or merges the given fields into it.",
    parameters: [
      { name: "by", in: "query", required: true, description, schema: by },
      IDEMPOTENCY_KEY,
      IF_MATCH,
      IF_NONE_MATCH,
    ],
    body: `${schemaName(resource)}Upsert`,
    success: {
      200: { description: "Changed.", headers: { ETag: ETAG }, content },
      201: { description: "Created.", headers: { ETag: ETAG }, content },
    },
    errors: BULK_ERRORS,
  });
}

/** `bulk-create`, `bulk-update`, `bulk-delete`, as far as the role may. */
export function bulkPaths(resource: ResourceModel, access: RoleAccess): Record<string, Json> {
  const verbs = (["create", "update", "delete"] as const).filter((verb) => access[verb]);
  return Object.fromEntries(
    verbs.map((verb) => [
      `/${resource.path}/bulk-${verb}`,
      { post: bulkOperation(resource, verb) },
    ]),
  );
}

function bulkOperation(resource: ResourceModel, verb: BulkVerb): Json {
  const name = schemaName(resource);
  const capital = verb.charAt(0).toUpperCase() + verb.slice(1);
  const schema = ref("schemas", `${name}BulkReply`);
  return operation(resource, {
    verb: `bulk${capital}`,
    summary: `${capital} many of ${resource.path}`,
    description:
      "One transaction. Each record is told by itself and refused by itself; with atomic all are " +
      "written, or none and the reply is the error of one.",
    parameters: [IDEMPOTENCY_KEY],
    body: `${name}Bulk${capital}`,
    success: {
      200: { description: "What became of each.", content: { "application/json": { schema } } },
    },
    errors: BULK_ERRORS,
  });
}

/** The bodies and replies of the above. */
export function severalSchemas(
  resource: ResourceModel,
  access: RoleAccess,
): Readonly<Record<string, JsonSchema>> {
  const { read, create, update, delete: remove } = access;
  const name = schemaName(resource);
  const schemas: Record<string, JsonSchema> = {};
  const add = (verb: string, items: JsonSchema): void => {
    const records = { type: "array", items, minItems: 1, maxItems: BULK_RECORDS_MAX };
    const atomic = { type: "boolean", default: false, description: "All or nothing." };
    schemas[`${name}Bulk${verb}`] = object({ records, atomic }, ["records"]);
  };
  if (create && update && upsertKeys(resource, create, read).length > 0) {
    const fields = new Set([...create.fields, ...update.fields]);
    schemas[`${name}Upsert`] = {
      ...object(properties(resource, [...fields]), []),
      minProperties: 1,
    };
  }
  if (create) add("Create", ref("schemas", `${name}Create`));
  const target = { id: ID, ...(resource.table.versionField && { version: VERSION }) };
  if (update) add("Update", object({ ...properties(resource, update.fields), ...target }, ["id"]));
  if (remove) add("Delete", object(target, ["id"]));
  if (create || update || remove) schemas[`${name}BulkReply`] = bulkReply(name);
  return schemas;
}

function bulkReply(record: string): JsonSchema {
  const count = integerSchema(0, BULK_RECORDS_MAX);
  const status = integerSchema(200, 599);
  const members = { index: count, status, data: ref("schemas", record), error: errorItem() };
  const items = object(members, ["index", "status"]);
  const bulk = object({ succeeded: count, failed: count }, ["succeeded", "failed"]);
  const list = { type: "array", items, maxItems: BULK_RECORDS_MAX };
  return object({ data: list, meta: object({ bulk }, ["bulk"]) }, ["data", "meta"]);
}

/** `/batch`, for roles that may do anything with one record. */
export function batchPaths(
  model: Model,
  role: string,
  only: ReadonlySet<string> | undefined,
): Record<string, Json> {
  const names = [...model.resources.values()]
    .filter(({ ownName }) => only?.has(ownName) !== false)
    .flatMap((resource) => batchNames(resource, resource.access.get(role)));
  if (names.length === 0) return {};
  const one = object(
    {
      operation: { type: "string", enum: names },
      id: {
        anyOf: [ID, object({ $result: integerSchema(0, BATCH_OPERATIONS_MAX) }, ["$result"])],
        description: "Or the record of an earlier operation.",
      },
      version: VERSION,
      body: { type: "object" },
    },
    ["operation"],
  );
  const operations = { type: "array", items: one, minItems: 1, maxItems: BATCH_OPERATIONS_MAX };
  const reply = object({ status: integerSchema(200, 599), data: {}, error: errorItem() }, [
    "status",
  ]);
  const post: Json = {
    operationId: "batch",
    tags: ["batch"],
    summary: "Run several operations as one transaction",
    description:
      'In their order, all or none. In place of an id, `{ "$result": 0 }` is the record of the ' +
      "first operation.",
    parameters: [IDEMPOTENCY_KEY],
    requestBody: {
      required: true,
      content: { "application/json": { schema: object({ operations }, ["operations"]) } },
    },
    responses: {
      200: {
        description: "What became of each.",
        content: data({ type: "array", items: reply, maxItems: BATCH_OPERATIONS_MAX }),
      },
      ...failures(BULK_ERRORS),
    },
  };
  return { "/batch": { post } };
}

function batchNames(resource: ResourceModel, access: RoleAccess | undefined): string[] {
  if (access === undefined) return [];
  const { read, create, update, delete: remove, actions } = access;
  const restores = remove !== undefined && resource.table.deletedField !== undefined;
  const verbs = [
    ...(read ? ["get"] : []),
    ...(create ? ["create"] : []),
    ...(update ? ["update"] : []),
    ...(remove ? ["delete"] : []),
    ...(restores ? ["restore"] : []),
    ...(actions?.keys() ?? []),
  ];
  const offered = verbs.filter((verb) => offers(resource, verb));
  return offered.map((verb) => `${resource.name}.${verb}`);
}
