// Create, update, delete and restore: parse → authorise → plan → execute → shape. The plan is one
// statement; when it wrote nothing, a second, reading one finds out why.
import { decide, grantOf } from "../access/decide.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Row } from "../database/database.ts";
import { jsonForm } from "../model/drizzle-value.ts";
import { encodeArray } from "../model/fields.ts";
import { EVERYTHING, type FieldModel, type ResourceModel } from "../model/model.ts";
import type { Value } from "../sql/statement.ts";
import {
  createDiagnosis,
  createStatement,
  deleteStatement,
  updateDiagnosis,
  updateStatement,
} from "../sql/write.ts";
import type {
  Assignment,
  CreateShape,
  DeleteShape,
  ReferenceGuard,
  UpdateShape,
  WriteInputs,
} from "../sql/write-shape.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { executeWrite, type WriteReply } from "./execute-write.ts";
import { claimKey, type KeyClaim } from "./idempotency.ts";
import { type FieldValue, parseBody } from "./parse-body.ts";

export interface CreateInput {
  readonly body: unknown;
  readonly idempotencyKey?: string | undefined;
}

/** One record, as it was when its version was read. */
export interface RecordInput {
  readonly id: string;
  /** The version that If-Match names. */
  readonly version?: string | undefined;
  readonly idempotencyKey?: string | undefined;
}

export interface UpdateInput extends CreateInput, RecordInput {}

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
  return executeWrite(context, request, {
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
  requireVersions(resource, input.version);
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
  return executeWrite(context, request, {
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

/** Deletes a record, or marks it where the table keeps marks. The reply's `json` is empty. */
export function deleteRecord(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  input: RecordInput,
): Promise<WriteReply> {
  return removeOrRestore(context, request, resource, input, false);
}

/** Takes a deletion back. Throws CONFLICT where a unique key has been taken since. */
export function restoreRecord(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  input: RecordInput,
): Promise<WriteReply> {
  return removeOrRestore(context, request, resource, input, true);
}

async function removeOrRestore(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  input: RecordInput,
  restore: boolean,
): Promise<WriteReply> {
  const grant = decide(request.actor, resource, "delete");
  requireVersions(resource, input.version);
  const read = grantOf(request.actor, resource, "read");
  const verb = restore ? "restore" : "delete";
  const operation = `${verb} ${input.id}`;
  const claim = claimKey(input.idempotencyKey, request, resource, operation, null, read);
  const inputs = new Inputs();
  const shape: DeleteShape = {
    ...sharedShape(context, request, resource, [], claim, inputs),
    readRows: read?.rows ?? grant.rows,
    id: inputs.add(input.id),
    rows: grant.rows,
    version: input.version === undefined ? undefined : inputs.add(input.version),
    assignments: [],
    restore,
  };
  const key = shapeKey(verb, shape);
  return executeWrite(context, request, {
    resource,
    claim,
    isRemoval: true,
    statement: context.shapes.get(key, () => deleteStatement(shape, context.model)),
    inputs: inputs.values,
    diagnose: async () => {
      const statement = context.shapes.get(`${key} why`, () =>
        updateDiagnosis(shape, context.model),
      );
      const [row] = await context.database.read(statement, request.actor, inputs.values);
      refuseTarget(input, row);
    },
  });
}

/** If-Match needs a version to compare with. Throws PRECONDITION_INVALID. */
export function requireVersions(resource: ResourceModel, version: string | undefined): void {
  if (version === undefined || resource.table.versioned) return;
  throw new BackwrightError("PRECONDITION_INVALID", {
    message: `${resource.path} keeps no versions, so If-Match cannot be checked.`,
  });
}

/** The values of one statement, by their places. */
export class Inputs {
  readonly values: Value[] = [];

  add(value: Value): number {
    return this.values.push(value) - 1;
  }
}

export function assign(values: readonly FieldValue[], inputs: Inputs): Assignment[] {
  return values.map(({ field, value }) => ({ field, input: inputs.add(value) }));
}

/** Defaults that Drizzle makes in Node ($defaultFn), for fields that nobody gave. */
function nodeDefaults(resource: ResourceModel, given: readonly FieldModel[]): FieldValue[] {
  const missing = [...resource.table.fields.values()].filter(
    (field) => field.makeDefault !== undefined && !field.managed && !given.includes(field),
  );
  return missing.map((field) => {
    const made = field.makeDefault?.();
    const plain = jsonForm(field.type, made);
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
    // Where every row of the tenant may be read, the foreign key says the same.
    if (read.rows === EVERYTHING && target.table.deletedField === undefined) continue;
    guards.push({ field, input: inputs.add(value), target, rows: read.rows });
  }
  return guards;
}

/** Everything that changes the text of the statement. */
function shapeKey(verb: string, shape: CreateShape | UpdateShape | DeleteShape): string {
  const { resource, role, assignments, references, inputs } = shape;
  const fields = assignments.map(({ field }) => field.name).join();
  const guards = references.map(({ field }) => field.name).join();
  const version = "version" in shape && shape.version !== undefined ? "version" : "";
  const key = inputs.idempotency === undefined ? "" : "key";
  return [verb, resource.name, role, fields, guards, version, key].join("|");
}

/** The states from which a record may move to `to`; staying is no move. */
export function statesBefore(resource: ResourceModel, field: FieldModel, to: Value): string {
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

// updateDiagnosis: visible, writable, version; then states and references.
const TARGET_COLUMNS = 3;

function refuseTarget(input: RecordInput, row: Row | undefined): void {
  const [visible, writable, version] = row ?? [];
  if (visible !== "true") throw new BackwrightError("NOT_FOUND");
  if (writable !== "true") {
    throw new BackwrightError("FORBIDDEN", {
      message: "You may read this record, but your role may not change it.",
    });
  }
  if (input.version !== undefined && version !== input.version) {
    throw new BackwrightError("VERSION_CONFLICT");
  }
}

/** Throws what stood in the way of an update, by the row of its diagnosis. */
export function refuseUpdate(
  resource: ResourceModel,
  shape: UpdateShape,
  values: readonly FieldValue[],
  input: RecordInput,
  row: Row | undefined,
): void {
  refuseTarget(input, row);
  const rest = row?.slice(TARGET_COLUMNS) ?? [];
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
