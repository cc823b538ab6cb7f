// Create and update: parse → authorise → plan → execute → shape. The plan is one statement; when
// it wrote nothing, a second, reading one finds out why.
import { decide, grantOf, maskFingerprint } from "../access/decide.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Row } from "../database/database.ts";
import { DatabaseFailure } from "../database/failures.ts";
import { encodeArray } from "../model/fields.ts";
import { EVERYTHING, type FieldModel, type ResourceModel } from "../model/model.ts";
import { getStatement } from "../sql/read.ts";
import type { Statement, Value } from "../sql/statement.ts";
import {
  type Assignment,
  type CreateShape,
  createDiagnosis,
  createStatement,
  REFUSED_IDEMPOTENCY_RACE,
  type ReferenceGuard,
  type UpdateShape,
  updateDiagnosis,
  updateStatement,
  WRITE_RESULT,
  type WriteInputs,
} from "../sql/write.ts";
import type { OperationsContext, RecordReply, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import { checkSameRequest, claimKey, type KeyClaim, type StoredReply } from "./idempotency.ts";
import { type FieldValue, parseBody } from "./parse-body.ts";

export interface WriteReply extends RecordReply {
  /** The stored reply of an earlier request with the same Idempotency-Key. */
  readonly replayed: boolean;
}

export interface CreateInput {
  readonly body: unknown;
  readonly idempotencyKey?: string | undefined;
}

export interface UpdateInput extends CreateInput {
  readonly id: string;
  /** The version that If-Match names. */
  readonly version?: string | undefined;
}

// RACE: a guard that held when it was diagnosed but not in the write means that the row changed in
// between; the same again decides anew.
const ATTEMPTS_MAX = 4;

/** One write, ready to run: its statements and the values that they share. */
interface PlannedWrite {
  readonly resource: ResourceModel;
  readonly claim: KeyClaim | undefined;
  readonly statement: Statement;
  readonly inputs: readonly Value[];
  /** Throws what was wrong, or returns when nothing is wrong any more. */
  readonly diagnose: () => Promise<void>;
}

/** Creates a record. Throws BackwrightError; nothing is written then. */
export async function createRecord(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  input: CreateInput,
): Promise<WriteReply> {
  const grant = decide(request.actor, resource, "create");
  const values = parseBody(input.body, grant, "create");
  const read = grantOf(request.actor, resource, "read");
  const claim = claimKey(input.idempotencyKey, request, resource, "create", input.body, read);
  const inputs = new Inputs();
  const shape: CreateShape = {
    ...sharedShape(context, request, resource, values, claim, inputs),
    id: inputs.add(newId()),
    after: grant.rows,
    set: grant.set,
    assignments: [
      ...assign(values, inputs),
      ...assign(
        nodeDefaults(resource, [...values.map((v) => v.field), ...grant.set.keys()]),
        inputs,
      ),
    ],
  };
  const key = shapeKey("create", shape);
  return execute(context, request, {
    resource,
    claim,
    statement: context.shapes.get(key, () => createStatement(shape, context.model)),
    inputs: inputs.values,
    diagnose: async () => {
      if (shape.references.length === 0) return;
      const statement = context.shapes.get(`${key} why`, () =>
        createDiagnosis(shape, context.model),
      );
      const [row = []] = await context.database.read(statement, request.actor, inputs.values);
      refuseReferences(shape.references, row);
    },
  });
}

/** Updates a record: merges the given fields. Throws BackwrightError; nothing is written then. */
export async function updateRecord(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  input: UpdateInput,
): Promise<WriteReply> {
  const grant = decide(request.actor, resource, "update");
  const values = parseBody(input.body, grant, "update");
  const read = grantOf(request.actor, resource, "read");
  const operation = `update ${input.id}`;
  const claim = claimKey(input.idempotencyKey, request, resource, operation, input.body, read);
  if (input.version !== undefined && !resource.table.versioned) {
    throw new BackwrightError("PRECONDITION_INVALID", {
      message: `${resource.path} keeps no versions, so If-Match cannot be checked.`,
    });
  }
  const inputs = new Inputs();
  const shape: UpdateShape = {
    ...sharedShape(context, request, resource, values, claim, inputs),
    // Who may not read learns of no row but those that the update grant names.
    readRows: read?.rows ?? grant.rows,
    id: inputs.add(input.id),
    rows: grant.rows,
    after: grant.after,
    version: input.version === undefined ? undefined : inputs.add(input.version),
    assignments: assign(values, inputs),
    states: values
      .filter(({ field }) => resource.states.has(field.name))
      .map(({ field, value }) => ({
        field,
        from: inputs.add(statesBefore(resource, field, value)),
      })),
  };
  const key = shapeKey("update", shape);
  return execute(context, request, {
    resource,
    claim,
    statement: context.shapes.get(key, () => updateStatement(shape, context.model)),
    inputs: inputs.values,
    diagnose: async () => {
      const statement = context.shapes.get(`${key} why`, () =>
        updateDiagnosis(shape, context.model),
      );
      const [row] = await context.database.read(statement, request.actor, inputs.values);
      refuseUpdate(resource, shape, values, input, row);
    },
  });
}

class Inputs {
  readonly values: Value[] = [];

  add(value: Value): number {
    return this.values.push(value) - 1;
  }
}

function assign(values: readonly FieldValue[], inputs: Inputs): Assignment[] {
  return values.map(({ field, value }) => ({ field, input: inputs.add(value) }));
}

/** Defaults that Drizzle makes in Node ($defaultFn), for fields that nobody gave. */
function nodeDefaults(resource: ResourceModel, given: readonly FieldModel[]): FieldValue[] {
  const missing = [...resource.table.fields.values()].filter(
    (field) => field.makeDefault !== undefined && !field.managed && !given.includes(field),
  );
  return missing.map((field) => {
    const made = field.makeDefault?.();
    const plain = made instanceof Date ? made.toISOString() : made;
    return { field, value: plain == null ? null : (field.type?.encode(plain) ?? null) };
  });
}

function sharedShape(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  values: readonly FieldValue[],
  claim: KeyClaim | undefined,
  inputs: Inputs,
) {
  const { actor } = request;
  const read = grantOf(actor, resource, "read");
  const writeInputs: WriteInputs = {
    requestId: inputs.add(request.requestId),
    eventId: inputs.add(newId()),
    idempotency: claim && {
      lock: inputs.add(claim.lock),
      scope: inputs.add(claim.scope),
      key: inputs.add(claim.key),
      hash: inputs.add(claim.hash),
      mask: inputs.add(claim.mask),
    },
  };
  return {
    resource,
    role: actor.role,
    readRows: read?.rows ?? EVERYTHING,
    readFields: read?.fields,
    references: referenceGuards(context, request, resource, values, inputs),
    inputs: writeInputs,
  };
}

function referenceGuards(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  values: readonly FieldValue[],
  inputs: Inputs,
): ReferenceGuard[] {
  const guards: ReferenceGuard[] = [];
  for (const { field, value } of values) {
    const key = resource.table.references.get(field.name);
    const target = key === undefined ? undefined : context.model.resources.get(key);
    if (target === undefined || value === null) continue;
    const read = decide(request.actor, target, "read");
    guards.push({ field, input: inputs.add(value), target, rows: read.rows });
  }
  return guards;
}

/** Everything that changes the text of the statement. */
function shapeKey(verb: string, shape: CreateShape | UpdateShape): string {
  const { resource, role, assignments, references, inputs } = shape;
  const fields = assignments.map(({ field }) => field.name).join();
  const guards = references.map(({ field }) => field.name).join();
  const version = "version" in shape && shape.version !== undefined ? "version" : "";
  const key = inputs.idempotency === undefined ? "" : "key";
  return [verb, resource.name, role, fields, guards, version, key].join("|");
}

async function execute(
  context: OperationsContext,
  request: RequestContext,
  write: PlannedWrite,
): Promise<WriteReply> {
  const { actor } = request;
  const { resource, claim } = write;
  const mask = maskFingerprint(grantOf(actor, resource, "read"));
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const row = await attemptWrite(context, request, write, attempt);
    if (row === undefined) continue;
    const id = row[WRITE_RESULT.id];
    if (id != null) {
      const json = row[WRITE_RESULT.reply] ?? "";
      return { id, json, version: row[WRITE_RESULT.version] ?? null, mask, replayed: false };
    }
    const stored = storedReply(row);
    if (stored !== undefined && claim !== undefined) {
      return replay(context, request, resource, claim, stored);
    }
    if (row[WRITE_RESULT.locked] === "false") {
      throw new BackwrightError("IDEMPOTENCY_IN_PROGRESS", { retryAfterSeconds: 1 });
    }
    // RACE: a twin may have committed between this statement's snapshot and its lock, so its reply
    // was not seen while its change already failed a guard. The next attempt sees it.
    if (claim !== undefined && attempt === 1) continue;
    await write.diagnose().catch((error: unknown) => {
      throw publicError(error, context.constraints);
    });
  }
  throw new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1 });
}

/** The result row, or undefined when the same again may end differently. */
async function attemptWrite(
  context: OperationsContext,
  request: RequestContext,
  write: PlannedWrite,
  attempt: number,
): Promise<Row | undefined> {
  try {
    const [row] = await context.database.write(write.statement, request.actor, write.inputs);
    return row;
  } catch (error) {
    const isLast = attempt === ATTEMPTS_MAX;
    if (!isLast && error instanceof DatabaseFailure) {
      if (error.kind === "serialization") return undefined;
      if (error.message === REFUSED_IDEMPOTENCY_RACE) return undefined;
      // RACE: a twin with the same key may have committed after this statement's snapshot; the
      // next attempt sees its reply. Without a twin it fails again and is a conflict.
      const mayBeTwin = error.kind === "unique" && write.claim !== undefined && attempt === 1;
      if (mayBeTwin) return undefined;
    }
    throw publicError(error, context.constraints);
  }
}

function storedReply(row: Row): StoredReply | undefined {
  const id = row[WRITE_RESULT.priorId];
  if (id == null) return undefined;
  return {
    hash: row[WRITE_RESULT.priorHash] ?? null,
    mask: row[WRITE_RESULT.priorMask] ?? null,
    id,
    json: row[WRITE_RESULT.priorReply] ?? "",
    version: row[WRITE_RESULT.priorVersion] ?? null,
  };
}

/** The stored bytes, but only to somebody who may see the record today, under today's mask. */
async function replay(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  claim: KeyClaim,
  stored: StoredReply,
): Promise<WriteReply> {
  checkSameRequest(stored, claim);
  const { id, json, version } = stored;
  const read = grantOf(request.actor, resource, "read");
  if (read === undefined) {
    if (stored.mask === claim.mask) return { id, json, version, mask: claim.mask, replayed: true };
    throw new BackwrightError("NOT_FOUND");
  }
  const shape = { resource, rows: read.rows, fields: read.fields, includes: [] };
  const key = `replay|${resource.name}|${request.actor.role}`;
  const statement = context.shapes.get(key, () => getStatement(shape, context.model));
  const [row] = await context.database
    .read(statement, request.actor, [id])
    .catch((error: unknown) => {
      throw publicError(error, context.constraints);
    });
  // A reply of the id alone was given for a row that its writer could not see in the first place.
  const idAlone = json === `{"id":"${id}"}`;
  if (row === undefined && !idAlone) throw new BackwrightError("NOT_FOUND");
  if (row === undefined || stored.mask === claim.mask)
    return { id, json, version, mask: claim.mask, replayed: true };
  const [fresh, freshVersion] = row;
  return { id, json: fresh ?? "", version: freshVersion ?? null, mask: claim.mask, replayed: true };
}

/** The states from which a record may move to `to`; staying is no move. */
function statesBefore(resource: ResourceModel, field: FieldModel, to: Value): string {
  const moves = resource.states.get(field.name) ?? new Map<string, readonly string[]>();
  const from = [...moves].filter(([, next]) => to !== null && next.includes(to));
  return encodeArray([...from.map(([state]) => state), ...(to === null ? [] : [to])]);
}

function refuseReferences(references: readonly ReferenceGuard[], held: Row): void {
  const details: ErrorDetail[] = [];
  references.forEach(({ field }, at) => {
    if (held[at] === "true") return;
    details.push({ field: field.name, message: "does not exist or is not visible to you" });
  });
  if (details.length > 0) throw new BackwrightError("INVALID_REFERENCE", { details });
}

function refuseUpdate(
  resource: ResourceModel,
  shape: UpdateShape,
  values: readonly FieldValue[],
  input: UpdateInput,
  row: Row | undefined,
): void {
  const [visible, writable, version, ...rest] = row ?? [];
  if (visible !== "true") throw new BackwrightError("NOT_FOUND");
  if (writable !== "true") {
    throw new BackwrightError("FORBIDDEN", {
      message: "You may read this record, but your role may not change it.",
    });
  }
  if (input.version !== undefined && version !== input.version) {
    throw new BackwrightError("VERSION_CONFLICT");
  }
  shape.states.forEach(({ field }, at) => {
    const from = rest[at] ?? "";
    const to = values.find((one) => one.field === field)?.value ?? "";
    const allowed = resource.states.get(field.name)?.get(from) ?? [];
    if (from === to || allowed.includes(to)) return;
    const may = allowed.length === 0 ? "nothing: it is final" : allowed.join(", ");
    // Who may not read the state is not told it by a refusal either.
    const message = shape.readFields?.includes(field)
      ? `is "${from}", which may move to ${may}`
      : `cannot move to "${to}" from its present state`;
    throw new BackwrightError("INVALID_TRANSITION", { details: [{ field: field.name, message }] });
  });
  refuseReferences(shape.references, rest.slice(shape.states.length));
}
