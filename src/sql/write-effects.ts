// What every write carries with it: audit entry, event, the stored reply of an Idempotency-Key, and
// the row that tells how it ended. All of them consume the row that was written, so none is there
// without it.
import { fieldOf, type Model } from "../model/model.ts";
import { columnName, fieldMember, jsonObject, ownMember } from "./names.ts";
import { predicateSql } from "./predicate.ts";
import { quoteLiteral } from "./quote.ts";
import { ROOT } from "./read.ts";
import type { Parameters, Statement } from "./statement.ts";
import {
  REFUSED_AFTER_IMAGE,
  REFUSED_IDEMPOTENCY_RACE,
  type WriteInputs,
  type WriteShape,
} from "./write-shape.ts";

/** The CTE that holds the written row as its reply, its record and its images. */
const NEW = "n";

export interface Written {
  /** Inserts, updates or deletes one row and returns its columns. */
  readonly write: string;
  /** What the row must satisfy after the write, over the alias of the root. */
  readonly after: string | undefined;
  readonly verb: "created" | "updated" | "deleted" | "restored";
  /** Any number of rows, told in the order of their ids; the result has a row for each. */
  readonly isMany?: true;
}

/** The whole statement; its row has the columns of WRITE_RESULT. */
export function writeStatement(
  shape: WriteShape,
  model: Model,
  parameters: Parameters,
  { write, after, verb, isMany }: Written,
): Statement {
  const { resource, inputs } = shape;
  const { table } = resource;
  const record = jsonObject(resource.recorded.map((field) => ownMember(field, ROOT)));
  const whole = "whole.record";
  const images = imagesSql(shape, verb, whole);
  const isDelete = verb === "deleted";
  // A row that is gone counts one version more, so that its last event comes after all others.
  const isRemoval = isDelete && table.deletedField === undefined;
  const { versionField } = table;
  const version = versionField === undefined ? "null::integer" : columnName(versionField, ROOT);
  const columns = [
    `${columnName(fieldOf(table, "id"), ROOT)} as id`,
    `${version}${isRemoval ? " + 1" : ""} as version`,
    `${whole} as record`,
    `${isDelete ? "null::json" : replySql(shape, model, parameters, whole)} as reply`,
    `${images.before} as before`,
    `${images.after} as after`,
    ...(after === undefined ? [] : [`(${after}) is not true as violates`]),
  ];
  const parts = [
    ...idempotencyReads(inputs, parameters),
    `written as (${write})`,
    // The record is made once, for the reply, the event and the audit entry: OFFSET 0 keeps the
    // planner from writing the expression out in each place.
    `${NEW} as (select ${columns.join(", ")} from written ${ROOT} ` +
      `cross join lateral (select ${record} as record offset 0) whole)`,
    auditInsert(shape, verb, parameters, isMany),
    eventInsert(shape, verb, parameters, isMany),
    ...idempotencyInsert(inputs, verb, parameters),
  ];
  return parameters.statement(`with ${parts.join(", ")} ${resultSelect(inputs, after, isMany)}`);
}

/** For the audit log: the whole row after a create and before a delete, else what was changed. */
function imagesSql(
  shape: WriteShape,
  verb: Written["verb"],
  whole: string,
): { readonly before: string; readonly after: string } {
  if (verb === "created") return { before: "null::json", after: whole };
  if (verb === "deleted") return { before: whole, after: "null::json" };
  const changed = shape.assignments.map(({ field }) => ownMember(field, ROOT));
  const after = changed.length === 0 ? "null::json" : jsonObject(changed);
  return { before: changed.length === 0 ? "null::json" : `${ROOT}.backwright_before`, after };
}

/** The record under the role's read grant; where the role may not read it, its id alone. */
function replySql(shape: WriteShape, model: Model, parameters: Parameters, whole: string): string {
  const { resource, readFields, readRows } = shape;
  const id = jsonObject([fieldMember(fieldOf(resource.table, "id"), ROOT)]);
  if (readFields === undefined) return id;
  const everything =
    readFields.length === resource.recorded.length &&
    readFields.every((field) => field.name === field.ownName);
  const masked = everything
    ? whole
    : jsonObject(readFields.map((field) => fieldMember(field, ROOT)));
  const visible = predicateSql(readRows, resource.table, ROOT, { model, parameters });
  return visible === undefined ? masked : `case when ${visible} then ${masked} else ${id} end`;
}

// Positions are given in the order in which rows come (PostgreSQL manual, "INSERT": ORDER BY).
const inOrder = (isMany: true | undefined): string => (isMany ? ` order by ${NEW}.id` : "");

function auditInsert(
  shape: WriteShape,
  verb: string,
  parameters: Parameters,
  isMany: true | undefined,
): string {
  const { resource, inputs } = shape;
  const columns = "tenant_id, request_id, actor, credential, role, operation, resource, record_id";
  const values = [
    parameters.claim("tenantId", "uuid"),
    parameters.input(inputs.requestId, "text"),
    parameters.claim("id", "uuid"),
    parameters.claim("credential", "uuid"),
    quoteLiteral(shape.role),
    quoteLiteral(shape.operation ?? verb),
    quoteLiteral(resource.ownName),
    `${NEW}.id`,
    `${NEW}.before`,
    `${NEW}.after`,
  ];
  return (
    `audited as (insert into backwright.audit (${columns}, before, after) ` +
    `select ${values.join(", ")} from ${NEW}${inOrder(isMany)})`
  );
}

function eventInsert(
  shape: WriteShape,
  verb: string,
  parameters: Parameters,
  isMany: true | undefined,
): string {
  const { resource, inputs, assignments } = shape;
  const fields = assignments.map(({ field }) => field.ownName);
  const names = verb === "updated" ? fields : resource.recorded.map((field) => field.ownName);
  const values = [
    // Ids of many rows would have to be joined to them again.
    isMany ? "uuidv7()" : parameters.input(inputs.eventId, "uuid"),
    parameters.claim("tenantId", "uuid"),
    quoteLiteral(`${resource.ownName}.${verb}`),
    `${NEW}.id`,
    `coalesce(${NEW}.version, 0)`,
    `array[${names.map(quoteLiteral).join(", ")}]::text[]`,
    `${NEW}.record`,
    parameters.claim("id", "uuid"),
    parameters.input(inputs.requestId, "text"),
  ];
  return (
    "emitted as (insert into backwright.events " +
    "(id, tenant_id, type, key, sequence, fields, record, actor, request_id) " +
    `select ${values.join(", ")} from ${NEW}${inOrder(isMany)})`
  );
}

// The claim on an Idempotency-Key is an advisory lock: waiting on the unique index would park the
// connection and still could not see the other request's reply.
function idempotencyReads(inputs: WriteInputs, parameters: Parameters): string[] {
  const { idempotency } = inputs;
  if (idempotency === undefined) return [];
  const lock = parameters.input(idempotency.lock, "bigint");
  const columns = "request_hash, mask, record_id, reply, version, status";
  return [
    `gate as materialized (select pg_try_advisory_xact_lock(${lock}) as open)`,
    `prior as materialized (select ${columns} from backwright.idempotency ` +
      `where tenant_id = ${parameters.claim("tenantId", "uuid")} ` +
      `and scope = ${parameters.input(idempotency.scope, "text")} ` +
      `and key = ${parameters.input(idempotency.key, "text")} and expires_at > now())`,
  ];
}

const STATUS = { created: "201", updated: "200", deleted: "204", restored: "200" } as const;

function idempotencyInsert(
  inputs: WriteInputs,
  verb: Written["verb"],
  parameters: Parameters,
): string[] {
  const { idempotency } = inputs;
  if (idempotency === undefined) return [];
  const values = [
    parameters.claim("tenantId", "uuid"),
    parameters.input(idempotency.scope, "text"),
    parameters.input(idempotency.key, "text"),
    parameters.input(idempotency.hash, "text"),
    parameters.input(idempotency.mask, "text"),
    STATUS[verb],
    `${NEW}.id`,
    `${NEW}.version`,
    `coalesce(${NEW}.reply::text, '')`,
  ];
  const columns = ["request_hash", "mask", "status", "record_id", "version", "reply"];
  const renewed = columns.map((column) => `${column} = excluded.${column}`).join(", ");
  return [
    `claimed as (insert into backwright.idempotency as i ` +
      `(tenant_id, scope, key, ${columns.join(", ")}) select ${values.join(", ")} from ${NEW} ` +
      `on conflict (tenant_id, scope, key) do update set ${renewed}, created_at = now(), ` +
      `expires_at = default where i.expires_at <= now() returning 1)`,
  ];
}

function resultSelect(
  inputs: WriteInputs,
  after: string | undefined,
  isMany: true | undefined,
): string {
  const refusals: string[] = [];
  if (after !== undefined) {
    refusals.push(`when ${NEW}.violates then backwright.refuse('${REFUSED_AFTER_IMAGE}')`);
  }
  const columns = [`${NEW}.id::text`, `${NEW}.version::text`, `${NEW}.reply::text`];
  let from = isMany ? NEW : `(select) as one left join ${NEW} on true`;
  if (inputs.idempotency !== undefined) {
    refusals.push(
      `when ${NEW}.id is not null and not exists (select from claimed) ` +
        `then backwright.refuse('${REFUSED_IDEMPOTENCY_RACE}')`,
    );
    columns.push("gate.open::text", "prior.request_hash", "prior.mask", "prior.record_id::text");
    columns.push("prior.reply", "prior.version::text", "prior.status::text");
    from += " left join gate on true left join prior on true";
  }
  if (refusals.length > 0) columns.push(`case ${refusals.join(" ")} end`);
  return `select ${columns.join(", ")} from ${from}`;
}
