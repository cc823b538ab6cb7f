// Create and update in a single statement: the row, its audit entry, its event and the stored
// reply of the idempotency key, all or nothing, in one round trip.
//
// RACE: every guard of an update stands in the UPDATE's own WHERE. A check in a sibling CTE looks
// at a snapshot from before the wait for the row's lock, and let a cancelled order be assigned.
import {
  type FieldModel,
  fieldOf,
  fieldsRead,
  type Model,
  type Operand,
  type Predicate,
  type ResourceModel,
} from "../model/model.ts";
import {
  columnName,
  fieldMember,
  jsonObject,
  sqlType,
  tableName,
  tenantCondition,
} from "./names.ts";
import { operandSql, predicateSql } from "./predicate.ts";
import { quoteLiteral } from "./quote.ts";
import { ROOT, versionSql } from "./read.ts";
import { Parameters, type Statement } from "./statement.ts";

/** Raised by backwright.refuse(); the whole statement is undone. */
export const REFUSED_SQLSTATE = "BW001";
export const REFUSED_AFTER_IMAGE = "after image";
export const REFUSED_IDEMPOTENCY_RACE = "idempotency race";

/** A field that receives input n. */
export interface Assignment {
  readonly field: FieldModel;
  readonly input: number;
}

/** A reference being written: its target must exist and be readable by the role. */
export interface ReferenceGuard {
  readonly field: FieldModel;
  readonly input: number;
  readonly target: ResourceModel;
  readonly rows: Predicate;
}

/** Where the facts of the request stand among the inputs. */
export interface WriteInputs {
  readonly requestId: number;
  readonly eventId: number;
  /** Undefined without an Idempotency-Key. */
  readonly idempotency:
    | { readonly lock: number; scope: number; key: number; hash: number; mask: number }
    | undefined;
}

interface WriteShape {
  readonly resource: ResourceModel;
  readonly role: string;
  /** Rows and fields that the role may read: they make the reply. */
  readonly readRows: Predicate;
  readonly readFields: readonly FieldModel[] | undefined;
  readonly assignments: readonly Assignment[];
  readonly references: readonly ReferenceGuard[];
  readonly inputs: WriteInputs;
}

export interface CreateShape extends WriteShape {
  /** The id, made before the statement. */
  readonly id: number;
  /** What the new row must satisfy. */
  readonly after: Predicate;
  readonly set: ReadonlyMap<FieldModel, Operand>;
}

export interface UpdateShape extends WriteShape {
  readonly id: number;
  readonly rows: Predicate;
  readonly after: Predicate;
  /** The version that If-Match names. */
  readonly version: number | undefined;
  /** State fields being written, with the states that may move to the new one. */
  readonly states: readonly { readonly field: FieldModel; readonly from: number }[];
}

/** Columns of the one row that a write statement returns. */
export const WRITE_RESULT = {
  id: 0,
  version: 1,
  reply: 2,
  locked: 3,
  priorHash: 4,
  priorMask: 5,
  priorId: 6,
  priorReply: 7,
  priorVersion: 8,
  priorStatus: 9,
} as const;

const NEW = "n";

/** Creates a record. The row's columns are WRITE_RESULT; `id` is null when a guard refused. */
export function createStatement(shape: CreateShape, model: Model): Statement {
  const parameters = new Parameters();
  const { resource } = shape;
  const { table } = resource;
  const columns: string[] = [];
  const values: string[] = [];
  const id = fieldOf(table, "id");
  if (!shape.set.has(id)) {
    columns.push(columnName(id));
    values.push(parameters.input(shape.id, "uuid"));
  }
  if (table.tenantField !== undefined && table.tenantField.name !== "id") {
    columns.push(columnName(table.tenantField));
    values.push(parameters.claim("tenantId", "uuid"));
  }
  for (const { field, input } of shape.assignments) {
    columns.push(columnName(field));
    values.push(parameters.input(input, sqlType(field)));
  }
  for (const [field, operand] of shape.set) {
    columns.push(columnName(field));
    values.push(operandSql(operand, sqlType(field), parameters));
  }
  const gates = [...gateConditions(shape), ...referenceConditions(shape, model, parameters)];
  const from = shape.inputs.idempotency === undefined ? "" : " from gate";
  const where = gates.length === 0 ? "" : ` where ${gates.join(" and ")}`;
  const write =
    `insert into ${tableName(table)} as ${ROOT} (${columns.join(", ")}) ` +
    `select ${values.join(", ")}${from}${where} returning ${ROOT}.*`;
  const after = predicateSql(shape.after, table, ROOT, { model, parameters });
  return writeStatement(shape, model, parameters, { write, after, verb: "created" });
}

/** Updates a record where every guard holds; otherwise `id` is null and nothing has changed. */
export function updateStatement(shape: UpdateShape, model: Model): Statement {
  const parameters = new Parameters();
  const { resource } = shape;
  const { table } = resource;
  const assignments = shape.assignments.map(
    ({ field, input }) => `${columnName(field)} = ${parameters.input(input, sqlType(field))}`,
  );
  if (table.versioned) {
    const version = columnName(fieldOf(table, "version"));
    assignments.push(`${version} = ${ROOT}.${version} + 1`);
  }
  const updatedAt = table.fields.get("updatedAt");
  if (updatedAt !== undefined) assignments.push(`${columnName(updatedAt)} = now()`);
  const conditions = [
    tenantCondition(table, ROOT, parameters),
    `${columnName(fieldOf(table, "id"), ROOT)} = ${parameters.input(shape.id, "uuid")}`,
    predicateSql(shape.readRows, table, ROOT, { model, parameters }),
    predicateSql(shape.rows, table, ROOT, { model, parameters }),
    ...versionConditions(shape, parameters),
    ...stateConditions(shape, parameters),
    ...gateConditions(shape),
    ...referenceConditions(shape, model, parameters),
  ].filter((condition) => condition !== undefined);
  const changed = shape.assignments.map(({ field }) => fieldMember(field, "old"));
  const from = shape.inputs.idempotency === undefined ? "" : " from gate";
  const write =
    `update ${tableName(table)} ${ROOT} set ${assignments.join(", ")}${from} ` +
    `where ${conditions.join(" and ")} ` +
    `returning ${ROOT}.*, ${jsonObject(changed)} as backwright_before`;
  const written = new Set(shape.assignments.map(({ field }) => field));
  const touched = [...fieldsRead(shape.after, table)].some((field) => written.has(field));
  const mustCheck = touched || shape.after !== shape.rows;
  const after = mustCheck
    ? predicateSql(shape.after, table, ROOT, { model, parameters })
    : undefined;
  return writeStatement(shape, model, parameters, { write, after, verb: "updated" });
}

/** The conditions under which an update happens, each as a column, to learn which one failed. */
export function updateDiagnosis(shape: UpdateShape, model: Model): Statement {
  const parameters = new Parameters();
  const { resource } = shape;
  const { table } = resource;
  const context = { model, parameters };
  const columns = [
    predicateSql(shape.readRows, table, ROOT, context) ?? "true",
    predicateSql(shape.rows, table, ROOT, context) ?? "true",
    versionSql(resource, ROOT),
    ...shape.states.map(({ field }) => columnName(field, ROOT)),
    ...referenceConditions(shape, model, parameters),
  ];
  const where = [
    tenantCondition(table, ROOT, parameters),
    `${columnName(fieldOf(table, "id"), ROOT)} = ${parameters.input(shape.id, "uuid")}`,
  ].filter((condition) => condition !== undefined);
  return parameters.statement(
    `select ${columns.map((column) => `(${column})::text`).join(", ")} ` +
      `from ${tableName(table)} ${ROOT} where ${where.join(" and ")}`,
  );
}

/** Whether each reference of a create is readable, as columns. */
export function createDiagnosis(shape: CreateShape, model: Model): Statement {
  const parameters = new Parameters();
  const columns = referenceConditions(shape, model, parameters);
  return parameters.statement(`select ${columns.map((column) => `(${column})::text`).join(", ")}`);
}

interface Written {
  readonly write: string;
  readonly after: string | undefined;
  readonly verb: "created" | "updated";
}

function writeStatement(
  shape: WriteShape,
  model: Model,
  parameters: Parameters,
  { write, after, verb }: Written,
): Statement {
  const { resource, inputs } = shape;
  const { table } = resource;
  const name = (field: string): string => columnName(fieldOf(table, field), ROOT);
  const whole = jsonObject(resource.served.map((field) => fieldMember(field, ROOT)));
  const changed = shape.assignments.map(({ field }) => fieldMember(field, ROOT));
  const columns = [
    `${name("id")} as id`,
    `${table.versioned ? name("version") : "null::integer"} as version`,
    `${whole} as record`,
    `${replySql(shape, model, parameters, whole)} as reply`,
    // A create records the whole row, an update what it was asked to change: before and after.
    `${verb === "created" ? "null::json" : `${ROOT}.backwright_before`} as before`,
    `${verb === "created" ? whole : jsonObject(changed)} as after`,
    ...(after === undefined ? [] : [`(${after}) is not true as violates`]),
  ];
  const parts = [
    ...idempotencyReads(inputs, parameters),
    `written as (${write})`,
    `${NEW} as (select ${columns.join(", ")} from written ${ROOT})`,
    auditInsert(shape, verb, parameters),
    eventInsert(shape, verb, parameters),
    ...idempotencyInsert(inputs, verb, parameters),
  ];
  return parameters.statement(`with ${parts.join(", ")} ${resultSelect(inputs, after)}`);
}

/** The record under the role's read grant; where the role may not read it, its id alone. */
function replySql(shape: WriteShape, model: Model, parameters: Parameters, whole: string): string {
  const { resource, readFields, readRows } = shape;
  const id = jsonObject([fieldMember(fieldOf(resource.table, "id"), ROOT)]);
  if (readFields === undefined) return id;
  const everything = readFields.length === resource.served.length;
  const masked = everything
    ? whole
    : jsonObject(readFields.map((field) => fieldMember(field, ROOT)));
  const visible = predicateSql(readRows, resource.table, ROOT, { model, parameters });
  return visible === undefined ? masked : `case when ${visible} then ${masked} else ${id} end`;
}

function auditInsert(shape: WriteShape, verb: string, parameters: Parameters): string {
  const { resource, inputs } = shape;
  const columns = "tenant_id, request_id, actor, credential, role, operation, resource, record_id";
  const values = [
    parameters.claim("tenantId", "uuid"),
    parameters.input(inputs.requestId, "text"),
    parameters.claim("id", "uuid"),
    parameters.claim("credential", "uuid"),
    quoteLiteral(shape.role),
    quoteLiteral(verb),
    quoteLiteral(resource.name),
    `${NEW}.id`,
    `${NEW}.before`,
    `${NEW}.after`,
  ];
  return (
    `audited as (insert into backwright.audit (${columns}, before, after) ` +
    `select ${values.join(", ")} from ${NEW})`
  );
}

function eventInsert(shape: WriteShape, verb: string, parameters: Parameters): string {
  const { resource, inputs, assignments } = shape;
  const fields = assignments.map(({ field }) => field.name);
  const names = verb === "created" ? resource.served.map((field) => field.name) : fields;
  const values = [
    parameters.input(inputs.eventId, "uuid"),
    parameters.claim("tenantId", "uuid"),
    quoteLiteral(`${resource.name}.${verb}`),
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
    `select ${values.join(", ")} from ${NEW})`
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

function gateConditions(shape: WriteShape): string[] {
  if (shape.inputs.idempotency === undefined) return [];
  return ["gate.open", "not exists (select from prior)"];
}

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
    verb === "created" ? "201" : "200",
    `${NEW}.id`,
    `${NEW}.version`,
    `${NEW}.reply::text`,
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

function resultSelect(inputs: WriteInputs, after: string | undefined): string {
  const refusals: string[] = [];
  if (after !== undefined) {
    refusals.push(`when ${NEW}.violates then backwright.refuse('${REFUSED_AFTER_IMAGE}')`);
  }
  const columns = [`${NEW}.id::text`, `${NEW}.version::text`, `${NEW}.reply::text`];
  let from = `(select) as one left join ${NEW} on true`;
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

function versionConditions(shape: UpdateShape, parameters: Parameters): string[] {
  if (shape.version === undefined) return [];
  const version = columnName(fieldOf(shape.resource.table, "version"), ROOT);
  return [`${version} = ${parameters.input(shape.version, "integer")}`];
}

function stateConditions(shape: UpdateShape, parameters: Parameters): string[] {
  return shape.states.map(
    ({ field, from }) =>
      `${columnName(field, ROOT)} = any(${parameters.input(from, `${sqlType(field)}[]`)})`,
  );
}

function referenceConditions(
  shape: Pick<WriteShape, "references">,
  model: Model,
  parameters: Parameters,
): string[] {
  return shape.references.map(({ field, input, target, rows }, at) => {
    const alias = `ref${at}`;
    const conditions = [
      tenantCondition(target.table, alias, parameters),
      `${columnName(fieldOf(target.table, "id"), alias)} = ` +
        parameters.input(input, sqlType(field)),
      predicateSql(rows, target.table, alias, { model, parameters }),
    ].filter((condition) => condition !== undefined);
    return `exists (select from ${tableName(target.table)} ${alias} where ${conditions.join(" and ")})`;
  });
}
