// What requests for a record and their replies have in common: its id, its version, its ETag.
import { BackwrightError } from "../base/errors.ts";
import { isUuid } from "../base/ids.ts";
import type { ResourceModel } from "../model/model.ts";
import type { OperationsContext, RecordReply, RequestContext } from "../operations/context.ts";
import type { WriteReply } from "../operations/execute-write.ts";
import { objectOf, refuseUnknown } from "../operations/input-problems.ts";
import type { RecordInput } from "../operations/write.ts";
import { type HttpReply, type HttpRequest, headerOf } from "../server/http.ts";

const ETAG = /^"(\d{1,10}|~[A-Za-z0-9_-]{22})-[A-Za-z0-9_,-]*"$/;

/** Whom a reply goes to, and what it is about. */
export interface Recipient {
  readonly context: OperationsContext;
  readonly resource: ResourceModel;
  readonly request: HttpRequest;
  readonly facts: RequestContext;
}

/** Which record a write means, in which version. */
export function recordInput(to: Recipient): RecordInput {
  const { request } = to;
  refuseQuery(request);
  refuseConditions(request, ["if-match"]);
  const id = recordId(request);
  return {
    id,
    version: ifMatch(to, id),
    idempotencyKey: headerOf(request, "idempotency-key"),
  };
}

export function written(
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
export function etagHeader(
  { context, resource, facts }: Recipient,
  record: RecordReply,
): Readonly<Record<string, string>> {
  const version = context.versions.show(record, resource, facts.actor);
  return version === undefined ? {} : { etag: `"${version}-${record.mask}"` };
}

/** The version that If-Match names; `*` asks for existence, which an update needs anyway. */
export function ifMatch(
  { context, resource, request, facts }: Recipient,
  id: string | undefined,
): string | undefined {
  const header = headerOf(request, "if-match");
  if (header === undefined || header === "*") return undefined;
  const token = ETAG.exec(header)?.[1];
  if (token === undefined) {
    const message = 'must be one strong ETag, like "3-x", as a read without include brings, or *';
    const details = [{ field: "If-Match", message }];
    throw new BackwrightError("PRECONDITION_INVALID", { details });
  }
  if (Number(token) > 2_147_483_647) throw new BackwrightError("VERSION_CONFLICT");
  return context.versions.open(token, id, resource, facts.actor);
}

export function recordId(request: HttpRequest): string {
  const { id = "" } = request.parameters;
  if (isUuid(id)) return id.toLowerCase();
  throw new BackwrightError("PARAMETER_INVALID", {
    message: "The id in the address is not a UUID.",
    details: [{ field: "id", message: "must be a UUID" }],
  });
}

const CONDITIONS = ["if-match", "if-none-match", "if-unmodified-since"];

/** A condition that is not checked would be taken for met, so it is refused. */
export function refuseConditions(request: HttpRequest, checked: readonly string[]): void {
  const strange = CONDITIONS.filter(
    (name) => !checked.includes(name) && headerOf(request, name) !== undefined,
  );
  if (strange.length === 0) return;
  const allowed = checked.length === 0 ? "nothing" : checked.join(", ");
  const message = `is not checked by this operation; allowed: ${allowed}`;
  throw new BackwrightError("PRECONDITION_INVALID", {
    message: `This operation does not check ${strange.join(", ")}.`,
    details: strange.map((field) => ({ field, message })),
  });
}

/** If-None-Match of an upsert: whether the record must not be there yet. */
export function mustBeNew(request: HttpRequest): boolean {
  const header = headerOf(request, "if-none-match");
  if (header === undefined || header === "*") return header === "*";
  const details = [{ field: "If-None-Match", message: "takes * alone: the record must be new" }];
  throw new BackwrightError("PRECONDITION_INVALID", { message: NOT_STAR, details });
}

const NOT_STAR = "If-None-Match must be *.";

/** Of an operation that reads none: what is given would be ignored, so it is refused. */
export function refuseBody({ body = {} }: HttpRequest): void {
  refuseUnknown(objectOf(body), []);
}

/** Writes take no query parameters; one that is given would be ignored, so it is refused. */
export function refuseQuery(request: HttpRequest): void {
  if (request.query === "") return;
  throw new BackwrightError("PARAMETER_INVALID", {
    message: "This operation takes no query parameters.",
    details: [{ field: "query", message: "must be empty" }],
  });
}
