// REST: every verb and action of every resource, from HTTP to operations and back. Thin: what may
// be done and how is decided there.
import { hash } from "node:crypto";
import type { Actor } from "../access/actor.ts";
import { BackwrightError } from "../base/errors.ts";
import type { Authenticator } from "../identity/authenticate.ts";
import { offers, type ResourceModel } from "../model/model.ts";
import { runAction } from "../operations/action.ts";
import { aggregateRecords } from "../operations/aggregate.ts";
import type { OperationsContext, RecordReply, RequestContext } from "../operations/context.ts";
import type { WriteReply } from "../operations/execute-write.ts";
import { publicError } from "../operations/failures.ts";
import { getRecord, listRecords } from "../operations/read.ts";
import { upsertRecord } from "../operations/upsert.ts";
import {
  createRecord,
  deleteRecord,
  type RecordInput,
  restoreRecord,
  updateRecord,
} from "../operations/write.ts";
import { type HttpReply, type HttpRequest, headerOf, type Route } from "../server/http.ts";
import { aggregateBody, parseAggregateQuery } from "./aggregate.ts";
import { deprecationHeaders, headersOf } from "./deprecation.ts";
import type { Documents } from "./documents.ts";
import { parseListQuery, parseRecordQuery, parseUpsertQuery } from "./query.ts";
import { BULK_VERBS, batch, bulk } from "./several.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ETAG = /^"(\d{1,10}|~[A-Za-z0-9_-]{22})-[A-Za-z0-9_,-]*"$/;

const READ_HEADERS = {
  "cache-control": "private, no-cache",
  vary: "Authorization, Accept, Accept-Encoding, Origin",
};

export interface RestOptions {
  /** One for each version of the API, the newest first. */
  readonly contexts: readonly [OperationsContext, ...OperationsContext[]];
  readonly authenticator: Authenticator;
  readonly documents: Documents;
  /** Stands before every path: "/api". */
  readonly prefix?: string | undefined;
  /** The resources that have routes. Undefined: all. */
  readonly only?: ReadonlySet<string> | undefined;
}

type Handler = (request: HttpRequest, facts: RequestContext) => Promise<HttpReply>;

/** The routes of every resource of every version. */
export function restRoutes(options: RestOptions): readonly Route[] {
  const { contexts } = options;
  return [
    openApiRoute(options, contexts[0], ""),
    ...contexts.flatMap((context) => versionRoutes(options, context)),
  ];
}

function versionRoutes(options: RestOptions, context: OperationsContext): readonly Route[] {
  const { authenticator, prefix = "", only } = options;
  const { model } = context;
  const routes: Route[] = [
    openApiRoute(options, context, `/${model.version}`),
    batchRoute(options, context),
  ];
  for (const resource of model.resources.values()) {
    if (only?.has(resource.ownName) === false) continue;
    const path = `${prefix}/${model.version}/${resource.path}`;
    const add = (method: Route["method"], at: string, operation: string, run: Handler): void => {
      if (!offers(resource, operation)) return;
      const name = `${resource.name}.${operation}`;
      const handle = async (request: HttpRequest): Promise<HttpReply> => {
        const reply = await guarded(context, authenticator, name, request, run);
        const told = deprecationHeaders(model, resource, operation, request);
        return { ...reply, headers: { ...reply.headers, ...told } };
      };
      routes.push({ method, path: at, handle });
    };
    add("GET", path, "list", (request, facts) => list(context, resource, request, facts));
    add("GET", `${path}/:id`, "get", (request, facts) => get(context, resource, request, facts));
    if (resource.aggregates !== undefined) {
      add("GET", `${path}/aggregate`, "aggregate", (request, facts) =>
        aggregate(context, resource, request, facts),
      );
    }
    if (resource.scope === "global") continue; // Read-only, whatever the role.
    add("POST", path, "create", (request, facts) =>
      create(context, resource, request, facts, path),
    );
    add("PUT", path, "upsert", (request, facts) => upsert(context, resource, request, facts, path));
    add("PATCH", `${path}/:id`, "update", (request, facts) =>
      update(context, resource, request, facts),
    );
    add("DELETE", `${path}/:id`, "delete", (request, facts) =>
      remove(context, resource, request, facts),
    );
    for (const verb of BULK_VERBS) {
      const name = `bulk${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
      add("POST", `${path}/bulk-${verb}`, name, (request, facts) => {
        refuseQuery(request);
        return bulk(context, resource, verb, request, facts);
      });
    }
    for (const { name, path: action } of resource.actions.values()) {
      add("POST", `${path}/:id/${action}`, name, (request, facts) =>
        act(context, resource, name, request, facts),
      );
    }
    if (resource.table.deletedField === undefined) continue;
    add("POST", `${path}/:id/restore`, "restore", (request, facts) =>
      restore(context, resource, request, facts),
    );
  }
  return routes;
}

/** The contract of a version, as far as the caller's role goes. */
function openApiRoute(
  { authenticator, documents, prefix = "" }: RestOptions,
  context: OperationsContext,
  at: string,
): Route {
  const { version } = context.model;
  const run: Handler = async (request, { actor: { role, tenantId } }) => {
    refuseQuery(request);
    const text = documents.text(version, role, tenantId);
    return read(request, text, `W/"${hash("sha1", text, "base64url")}"`);
  };
  const handle = (request: HttpRequest) => guarded(context, authenticator, "openapi", request, run);
  return { method: "GET", path: `${prefix}${at}/openapi.json`, handle };
}

/** Of every resource, so it stands beside them. */
function batchRoute(
  { authenticator, prefix = "", only }: RestOptions,
  context: OperationsContext,
): Route {
  const run: Handler = (request, facts) => {
    refuseQuery(request);
    return batch(context, request, facts, only);
  };
  const { version, deprecation } = context.model;
  const told = deprecation === undefined ? {} : headersOf([deprecation]);
  const handle = async (request: HttpRequest): Promise<HttpReply> => {
    const reply = await guarded(context, authenticator, "batch", request, run);
    return { ...reply, headers: { ...reply.headers, ...told } };
  };
  return { method: "POST", path: `${prefix}/${version}/batch`, handle };
}

async function guarded(
  context: OperationsContext,
  authenticator: Authenticator,
  operation: string,
  request: HttpRequest,
  run: Handler,
): Promise<HttpReply> {
  const { facts } = request;
  facts.operation = operation;
  let actor: Actor;
  try {
    actor = await authenticator.authenticate(headerOf(request, "authorization"));
  } catch (error) {
    throw publicError(error, context.constraints);
  }
  facts.tenant = actor.tenantId;
  facts.actor = actor.id;
  facts.role = actor.role;
  return run(request, { actor, requestId: request.id, face: `rest/${context.model.version}` });
}

async function list(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
): Promise<HttpReply> {
  const query = parseListQuery(request.query);
  const page = await listRecords(context, facts, resource, query);
  const { records, size, next, prev, hasMore, total, highlights } = page;
  request.facts.rows = records.length;
  const pagination = JSON.stringify({ size, next, prev, hasMore, ...total });
  const marked = highlights === undefined ? "" : `,"highlights":${highlights}`;
  const body = `{"data":[${records.join(",")}],"meta":{"pagination":${pagination}${marked}}}`;
  return read(request, body, weakEtag(request, facts, page.stamp, body));
}

async function aggregate(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
): Promise<HttpReply> {
  const query = parseAggregateQuery(request.query);
  const reply = await aggregateRecords(context, facts, resource, query);
  request.facts.rows = reply.groups.length;
  const body = aggregateBody(reply);
  return read(request, body, weakEtag(request, facts, undefined, body));
}

async function get(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
): Promise<HttpReply> {
  const id = recordId(request);
  const query = parseRecordQuery(request.query);
  const record = await getRecord(context, facts, resource, id, query);
  request.facts.rows = 1;
  const body = `{"data":${record.json}}`;
  const to: Recipient = { context, resource, request, facts };
  const strong = record.hasIncludes ? undefined : etagHeader(to, record).etag;
  return read(request, body, strong ?? weakEtag(request, facts, record.stamp, body));
}

/** 200, or 304 to a reader who already has this: asked for and decided anew all the same. */
function read(request: HttpRequest, body: string, etag: string): HttpReply {
  const headers = { ...READ_HEADERS, etag };
  const known = headerOf(request, "if-none-match");
  if (known === undefined) return { status: 200, body, headers };
  const weak = (tag: string): string => tag.trim().replace(/^W\//, "");
  const isKnown = known === "*" || known.split(",").some((tag) => weak(tag) === weak(etag));
  return isKnown ? { status: 304, body: "", headers } : { status: 200, body, headers };
}

/**
 * Of what was asked, by which role, and the versions of what was found: cheaper than the bytes,
 * which serve where a table keeps no versions. Never good for If-Match.
 */
function weakEtag(
  { query }: HttpRequest,
  { actor }: RequestContext,
  stamp: string | undefined,
  body: string,
): string {
  const about = stamp === undefined ? body : `${actor.role}?${query} ${stamp}`;
  return `W/"${hash("sha1", about, "base64url")}"`;
}

async function create(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
  path: string,
): Promise<HttpReply> {
  refuseQuery(request);
  const idempotencyKey = headerOf(request, "idempotency-key");
  const input = { body: request.body, idempotencyKey };
  const record = await createRecord(context, facts, resource, input);
  const to: Recipient = { context, resource, request, facts };
  return written(to, record, 201, { location: `${path}/${record.id}` });
}

async function upsert(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
  path: string,
): Promise<HttpReply> {
  const to: Recipient = { context, resource, request, facts };
  const record = await upsertRecord(context, facts, resource, {
    by: parseUpsertQuery(request.query),
    body: request.body,
    version: ifMatch(to, undefined),
    mustExist: headerOf(request, "if-match") === "*",
    idempotencyKey: headerOf(request, "idempotency-key"),
  });
  if (!record.isNew) return written(to, record, 200, {});
  return written(to, record, 201, { location: `${path}/${record.id}` });
}

async function update(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
): Promise<HttpReply> {
  const to: Recipient = { context, resource, request, facts };
  const input = { ...recordInput(to), body: request.body };
  const record = await updateRecord(context, facts, resource, input);
  return written(to, record, 200, {});
}

async function remove(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
): Promise<HttpReply> {
  const to: Recipient = { context, resource, request, facts };
  const record = await deleteRecord(context, facts, resource, recordInput(to));
  const { headers } = written(to, record, 204, {});
  return { status: 204, body: "", headers: headers ?? {} };
}

async function restore(
  context: OperationsContext,
  resource: ResourceModel,
  request: HttpRequest,
  facts: RequestContext,
): Promise<HttpReply> {
  const to: Recipient = { context, resource, request, facts };
  const record = await restoreRecord(context, facts, resource, recordInput(to));
  return written(to, record, 200, {});
}

async function act(
  context: OperationsContext,
  resource: ResourceModel,
  name: string,
  request: HttpRequest,
  facts: RequestContext,
): Promise<HttpReply> {
  const to: Recipient = { context, resource, request, facts };
  const input = { ...recordInput(to), body: request.body };
  const record = await runAction(context, facts, resource, name, input);
  return written(to, record, 200, {});
}

/** Whom a reply goes to, and what it is about. */
interface Recipient {
  readonly context: OperationsContext;
  readonly resource: ResourceModel;
  readonly request: HttpRequest;
  readonly facts: RequestContext;
}

/** Which record a write means, in which version. */
function recordInput(to: Recipient): RecordInput {
  const { request } = to;
  refuseQuery(request);
  const id = recordId(request);
  return {
    id,
    version: ifMatch(to, id),
    idempotencyKey: headerOf(request, "idempotency-key"),
  };
}

function written(
  to: Recipient,
  record: WriteReply,
  status: number,
  headers: Readonly<Record<string, string>>,
): HttpReply {
  const { request } = to;
  request.facts.record = record.id;
  request.facts.rows = record.replayed ? 0 : 1;
  const replayed = record.replayed ? { "idempotency-replayed": "true" } : {};
  return {
    status,
    body: `{"data":${record.json}}`,
    headers: { "cache-control": "no-store", ...etagHeader(to, record), ...headers, ...replayed },
  };
}

/** Strong: the version of the record and the fields that the reader sees of it. */
function etagHeader(
  { context, resource, facts }: Recipient,
  record: RecordReply,
): Readonly<Record<string, string>> {
  const version = context.versions.show(record, resource, facts.actor);
  return version === undefined ? {} : { etag: `"${version}-${record.mask}"` };
}

/** The version that If-Match names; `*` asks for existence, which an update needs anyway. */
function ifMatch(
  { context, resource, request, facts }: Recipient,
  id: string | undefined,
): string | undefined {
  const header = headerOf(request, "if-match");
  if (header === undefined || header === "*") return undefined;
  const token = ETAG.exec(header)?.[1];
  if (token === undefined) throw new BackwrightError("PRECONDITION_INVALID");
  if (Number(token) > 2_147_483_647) throw new BackwrightError("VERSION_CONFLICT");
  return context.versions.open(token, id, resource, facts.actor);
}

function recordId(request: HttpRequest): string {
  const { id = "" } = request.parameters;
  if (UUID.test(id)) return id.toLowerCase();
  throw new BackwrightError("PARAMETER_INVALID", {
    message: "The id in the address is not a UUID.",
    details: [{ field: "id", message: "must be a UUID" }],
  });
}

/** Writes take no query parameters; one that is given would be ignored, so it is refused. */
function refuseQuery(request: HttpRequest): void {
  if (request.query === "") return;
  throw new BackwrightError("PARAMETER_INVALID", {
    message: "This operation takes no query parameters.",
    details: [{ field: "query", message: "must be empty" }],
  });
}
