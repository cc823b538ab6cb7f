// REST: every verb and action of every resource, from HTTP to operations and back. Thin: what may
// be done and how is decided there.
import { hash } from "node:crypto";
import type { Actor } from "../access/actor.ts";
import type { Authenticator } from "../identity/authenticate.ts";
import { offers } from "../model/model.ts";
import { runAction } from "../operations/action.ts";
import { aggregateRecords } from "../operations/aggregate.ts";
import type { OperationsContext, RequestContext } from "../operations/context.ts";
import { publicError } from "../operations/failures.ts";
import { getRecord, listRecords } from "../operations/read.ts";
import { upsertRecord } from "../operations/upsert.ts";
import { createRecord, deleteRecord, restoreRecord, updateRecord } from "../operations/write.ts";
import { type HttpReply, type HttpRequest, headerOf, type Route } from "../server/http.ts";
import { aggregateBody, parseAggregateQuery } from "./aggregate.ts";
import { batchDeprecationHeaders, deprecationHeaders } from "./deprecation.ts";
import type { Documents } from "./documents.ts";
import { type Explain, explained } from "./explained.ts";
import { parseListQuery, parseRecordQuery, parseUpsertQuery } from "./query.ts";
import {
  etagHeader,
  ifMatch,
  mustBeNew,
  type Recipient,
  recordId,
  recordInput,
  refuseBody,
  refuseConditions,
  refuseQuery,
  written,
} from "./record-exchange.ts";
import { BULK_VERBS, batch, bulk } from "./several.ts";

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
  /** Answers why, in development. Undefined: nobody is told. */
  readonly explain?: Explain | undefined;
}

type Handler = (request: HttpRequest, facts: RequestContext) => Promise<HttpReply>;
/** Answers a request for something of a resource. */
type Answer = (to: Recipient) => Promise<HttpReply>;

/** The routes of every resource of every version. */
export function restRoutes(options: RestOptions): readonly Route[] {
  const { contexts } = options;
  return [
    openApiRoute(options, contexts[0], ""),
    ...contexts.flatMap((context) => versionRoutes(options, context)),
  ];
}

function versionRoutes(options: RestOptions, context: OperationsContext): readonly Route[] {
  const { authenticator, prefix = "", only, explain } = options;
  const { model } = context;
  const routes: Route[] = [
    openApiRoute(options, context, `/${model.version}`),
    batchRoute(options, context),
  ];
  for (const resource of model.resources.values()) {
    if (only?.has(resource.ownName) === false) continue;
    const path = `${prefix}/${model.version}/${resource.path}`;
    const add = (method: Route["method"], at: string, operation: string, answer: Answer): void => {
      if (!offers(resource, operation)) return;
      const name = `${resource.name}.${operation}`;
      const run: Handler = (request, facts) => {
        const reply = () => answer({ context, resource, request, facts });
        if (explain === undefined) return reply();
        const { id } = request.parameters;
        const question = { actor: facts.actor, resource, operation, id };
        return explained(request, reply, () => explain(question));
      };
      const handle = async (request: HttpRequest): Promise<HttpReply> => {
        const reply = await guarded(context, authenticator, name, request, run);
        const told = deprecationHeaders(model, resource, operation, request);
        return { ...reply, headers: { ...reply.headers, ...told } };
      };
      routes.push({ method, path: at, handle });
    };
    add("GET", path, "list", list);
    add("GET", `${path}/:id`, "get", get);
    if (resource.aggregates !== undefined) add("GET", `${path}/aggregate`, "aggregate", aggregate);
    if (resource.scope === "global") continue; // Read-only, whatever the role.
    add("POST", path, "create", (to) => create(to, path));
    add("PUT", path, "upsert", (to) => upsert(to, path));
    add("PATCH", `${path}/:id`, "update", update);
    add("DELETE", `${path}/:id`, "delete", remove);
    for (const verb of BULK_VERBS) {
      const name = `bulk${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
      add("POST", `${path}/bulk-${verb}`, name, (to) => bulk(to, verb));
    }
    for (const { name, path: action } of resource.actions.values()) {
      add("POST", `${path}/:id/${action}`, name, (to) => act(to, name));
    }
    if (resource.table.deletedField === undefined) continue;
    add("POST", `${path}/:id/restore`, "restore", restore);
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
  const run: Handler = (request, facts) => batch(context, request, facts, only);
  const { model } = context;
  const handle = async (request: HttpRequest): Promise<HttpReply> => {
    const reply = await guarded(context, authenticator, "batch", request, run);
    const told = batchDeprecationHeaders(model, request);
    return { ...reply, headers: { ...reply.headers, ...told } };
  };
  return { method: "POST", path: `${prefix}/${model.version}/batch`, handle };
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

async function list(to: Recipient): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  const query = parseListQuery(request.query);
  const page = await listRecords(context, facts, resource, query);
  const { records, size, next, prev, hasMore, total, highlights } = page;
  request.facts.rows = records.length;
  const pagination = JSON.stringify({ size, next, prev, hasMore, ...total });
  const marked = highlights === undefined ? "" : `,"highlights":${highlights}`;
  const body = `{"data":[${records.join(",")}],"meta":{"pagination":${pagination}${marked}}}`;
  return read(request, body, weakEtag(request, facts, page.stamp, body));
}

async function aggregate(to: Recipient): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  const query = parseAggregateQuery(request.query);
  const reply = await aggregateRecords(context, facts, resource, query);
  request.facts.rows = reply.groups.length;
  const body = aggregateBody(reply);
  return read(request, body, weakEtag(request, facts, undefined, body));
}

async function get(to: Recipient): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  const id = recordId(request);
  const query = parseRecordQuery(request.query);
  const record = await getRecord(context, facts, resource, id, query);
  request.facts.rows = 1;
  const body = `{"data":${record.json}}`;
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

async function create(to: Recipient, path: string): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  refuseQuery(request);
  refuseConditions(request, []);
  const idempotencyKey = headerOf(request, "idempotency-key");
  const input = { body: request.body, idempotencyKey };
  const record = await createRecord(context, facts, resource, input);
  return written(to, record, 201, { location: `${path}/${record.id}` });
}

async function upsert(to: Recipient, path: string): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  refuseConditions(request, ["if-match", "if-none-match"]);
  const record = await upsertRecord(context, facts, resource, {
    by: parseUpsertQuery(request.query),
    body: request.body,
    version: ifMatch(to, undefined),
    mustExist: headerOf(request, "if-match") === "*",
    mustBeNew: mustBeNew(request),
    idempotencyKey: headerOf(request, "idempotency-key"),
  });
  if (!record.isNew) return written(to, record, 200, {});
  return written(to, record, 201, { location: `${path}/${record.id}` });
}

async function update(to: Recipient): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  const input = { ...recordInput(to), body: request.body };
  const record = await updateRecord(context, facts, resource, input);
  return written(to, record, 200, {});
}

async function remove(to: Recipient): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  refuseBody(request);
  const record = await deleteRecord(context, facts, resource, recordInput(to));
  const { headers } = written(to, record, 204, {});
  return { status: 204, body: "", headers: headers ?? {} };
}

async function restore(to: Recipient): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  refuseBody(request);
  const record = await restoreRecord(context, facts, resource, recordInput(to));
  return written(to, record, 200, {});
}

async function act(to: Recipient, name: string): Promise<HttpReply> {
  const { context, resource, request, facts } = to;
  const input = { ...recordInput(to), body: request.body };
  const record = await runAction(context, facts, resource, name, input);
  return written(to, record, 200, {});
}
