// What a write is made of before it runs: the shape of its statement, the values in their places,
// and what is read when it wrote nothing. Takes checked values; runs no write itself.
import { decide, grantOf } from "../access/decide.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Row } from "../database/database.ts";
import { jsonForm } from "../model/drizzle-value.ts";
import { encodeArray } from "../model/fields.ts";
import {
  type CreateGrant,
  EVERYTHING,
  type FieldModel,
  type ResourceModel,
  type UpdateGrant,
} from "../model/model.ts";
import type { Value } from "../sql/statement.ts";
import {
  createDiagnosis,
  createStatement,
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
import type { PlannedWrite } from "./execute-write.ts";
import type { KeyClaim } from "./idempotency.ts";
import type { FieldValue } from "./parse-body.ts";

/** One record, as it was when its version was read. */
export interface RecordInput {
  readonly id: string;
  /** The version that If-Match names. */
  readonly version?: string | undefined;
  readonly idempotencyKey?: string | undefined;
}

export interface CreateParts {
  readonly grant: CreateGrant;
  readonly values: readonly FieldValue[];
  readonly claim: KeyClaim | undefined;
}

/** The one statement of a create, and what finds out why it wrote nothing. */
export function planCreate(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  { grant, values, claim }: CreateParts,
): PlannedWrite {
  const inputs = new Inputs();
  const shape: CreateShape = {
    ...sharedShape(context, request, resource, values, claim, inputs),
    id: inputs.add(newId()),
    after: grant.rows,
    set: grant.set,
    assignments: assign(withDefaults(resource, grant, values), inputs),
  };
  const key = shapeKey("create", shape);
  return {
    resource,
    isCreation: true,
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
  };
}

export interface UpdateParts {
  readonly grant: UpdateGrant;
  readonly values: readonly FieldValue[];
  readonly claim: KeyClaim | undefined;
  readonly id: string;
  readonly version?: string | undefined;
  /** Values that the record must still have, else it is not the one that is meant. */
  readonly keys?: readonly FieldValue[];
}

/** The one statement of an update, and what finds out why it wrote nothing. */
export function planUpdate(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  parts: UpdateParts,
): PlannedWrite {
  const { grant, values, claim, id, version, keys = [] } = parts;
  requireVersions(resource, version);
  const read = grantOf(request.actor, resource, "read");
  const inputs = new Inputs();
  const shape: UpdateShape = {
    ...sharedShape(context, request, resource, values, claim, inputs),
    // Who may not read learns of no row but those that the update grant names.
    readRows: read?.rows ?? grant.rows,
    id: inputs.add(id),
    keys: assign(keys, inputs),
    rows: grant.rows,
    after: grant.after,
    version: version === undefined ? undefined : inputs.add(version),
    assignments: assign(values, inputs),
    states: stateGuards(resource, values, inputs),
  };
  const key = shapeKey("update", shape);
  return {
    resource,
    claim,
    statement: context.shapes.get(key, () => updateStatement(shape, context.model)),
    inputs: inputs.values,
    diagnose: async () => {
      const statement = context.shapes.get(`${key} why`, () =>
        updateDiagnosis(shape, context.model),
      );
      const [row] = await context.database.read(statement, request.actor, inputs.values);
      refuseUpdate(resource, shape, values, { id, version }, row);
    },
  };
}

/** If-Match needs a version to compare with. Throws PRECONDITION_INVALID. */
export function requireVersions(resource: ResourceModel, version: string | undefined): void {
  if (version === undefined || resource.table.versionField !== undefined) return;
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

/** With the defaults that Drizzle makes in Node ($defaultFn), for fields that nobody gave. */
export function withDefaults(
  resource: ResourceModel,
  grant: CreateGrant,
  values: readonly FieldValue[],
): readonly FieldValue[] {
  const given = new Set([...values.map(({ field }) => field), ...grant.set.keys()]);
  const missing = [...resource.table.fields.values()].filter(
    (field) => field.makeDefault !== undefined && !field.managed && !given.has(field),
  );
  const made = missing.map((field) => {
    const plain = jsonForm(field.type, field.makeDefault?.());
    return { field, value: plain == null ? null : (field.type?.encode(plain) ?? null) };
  });
  return [...values, ...made];
}

export function sharedShape(
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
    references: referenceGuards(values, inputs, (field) =>
      guardedTarget(context, request, resource, field),
    ),
    inputs: writeInputs,
  };
}

/** What the references among the values must lead to. */
export function referenceGuards(
  values: readonly FieldValue[],
  inputs: Inputs,
  targetOf: (field: FieldModel) => Pick<ReferenceGuard, "target" | "rows"> | undefined,
): ReferenceGuard[] {
  const guards: ReferenceGuard[] = [];
  for (const { field, value } of values) {
    const target = value === null ? undefined : targetOf(field);
    if (target !== undefined) guards.push({ field, input: inputs.add(value), ...target });
  }
  return guards;
}

/** What a reference must lead to; undefined where its key says as much. Throws FORBIDDEN. */
export function guardedTarget(
  { model }: OperationsContext,
  { actor }: RequestContext,
  { table }: ResourceModel,
  field: FieldModel,
): Pick<ReferenceGuard, "target" | "rows"> | undefined {
  const key = table.references.get(field.name);
  const target = key === undefined ? undefined : model.resources.get(key);
  if (target === undefined) return undefined;
  const { rows } = decide(actor, target, "read");
  // Every row of the tenant may be read: the foreign key keeps to those.
  if (rows === EVERYTHING && target.table.deletedField === undefined) return undefined;
  return { target, rows };
}

/** Everything that changes the text of the statement. */
export function shapeKey(verb: string, shape: CreateShape | UpdateShape | DeleteShape): string {
  const { resource, role, assignments, references, inputs } = shape;
  const fields = assignments.map(({ field }) => field.name).join();
  const guards = references.map(({ field }) => field.name).join();
  const version = "version" in shape && shape.version !== undefined ? "version" : "";
  const held = "keys" in shape ? shape.keys.map(({ field }) => field.name).join() : "";
  const key = inputs.idempotency === undefined ? "" : "key";
  return [verb, resource.name, role, fields, guards, version, held, key].join("|");
}

/** The states from which a record may move to those among the values. */
export function stateGuards(
  resource: ResourceModel,
  values: readonly FieldValue[],
  inputs: Inputs,
): UpdateShape["states"] {
  const states = values.filter(({ field }) => resource.states.has(field.name));
  return states.map(({ field, value }) => {
    return { field, from: inputs.add(statesBefore(resource, field, value)) };
  });
}

/** Staying is no move. */
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

// updateDiagnosis: visible, writable, version; then states and references.
const TARGET_COLUMNS = 3;

export function refuseTarget(input: RecordInput, row: Row | undefined): void {
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
