// `change` of an action: the same statement as a PATCH, in the action's transaction. Knows no
// grants: what an action changes is decided by its code, who may run it by the policy.
import { grantOf } from "../access/decide.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Transaction } from "../database/transaction.ts";
import { jsonForm } from "../model/drizzle-value.ts";
import {
  type ActionModel,
  EVERYTHING,
  type FieldModel,
  type ResourceModel,
} from "../model/model.ts";
import type { Value } from "../sql/statement.ts";
import { updateDiagnosis, updateStatement } from "../sql/write.ts";
import type { UpdateShape } from "../sql/write-shape.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import type { FieldValue } from "./parse-body.ts";
import {
  assign,
  Inputs,
  referenceGuards,
  refuseUpdate,
  shapeKey,
  stateGuards,
} from "./plan-write.ts";

/** The record that an action is run on. */
export interface ActionTarget {
  readonly resource: ResourceModel;
  readonly action: ActionModel;
  readonly id: string;
}

/**
 * Writes fields of the record with its version, audit entry and event; nothing where the patch is
 * empty. Throws BackwrightError; TypeError for a field that cannot be changed in this way.
 */
export async function changeRecord(
  context: OperationsContext,
  request: RequestContext,
  transaction: Transaction,
  target: ActionTarget,
  patch: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { resource, action, id } = target;
  const values = patchValues(resource, patch);
  if (values.length === 0) return;
  const inputs = new Inputs();
  const shape: UpdateShape = {
    resource,
    role: request.actor.role,
    operation: action.name,
    readRows: EVERYTHING,
    readFields: grantOf(request.actor, resource, "read")?.fields,
    rows: EVERYTHING,
    after: EVERYTHING,
    id: inputs.add(id),
    keys: [],
    version: undefined,
    inputs: {
      requestId: inputs.add(request.requestId),
      eventId: inputs.add(newId()),
      idempotency: undefined,
    },
    // Targets must exist in the tenant; whether the caller sees them is the action's business.
    references: referenceGuards(values, inputs, ({ name }) => {
      const target = context.model.resources.get(resource.table.references.get(name) ?? "");
      return target && { target, rows: EVERYTHING };
    }),
    assignments: assign(values, inputs),
    states: stateGuards(resource, values, inputs),
  };
  const key = shapeKey(`change ${action.name}`, shape);
  try {
    const statement = context.shapes.get(key, () => updateStatement(shape, context.model));
    const [row] = await transaction.run(statement, inputs.values);
    if (row?.[0] != null) return;
    const why = context.shapes.get(`${key} why`, () => updateDiagnosis(shape, context.model));
    const [held] = await transaction.run(why, inputs.values);
    refuseUpdate(resource, shape, values, { id }, held);
  } catch (error) {
    throw publicError(error, context.constraints);
  }
  throw new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1 });
}

/** In the model's order, whatever the patch's, which has the fields' own names. */
function patchValues(
  resource: ResourceModel,
  patch: Readonly<Record<string, unknown>>,
): readonly FieldValue[] {
  const given = new Map(Object.entries(patch).filter(([, value]) => value !== undefined));
  const values: FieldValue[] = [];
  const details: ErrorDetail[] = [];
  for (const field of resource.recorded) {
    if (!given.has(field.ownName) || field.managed) continue;
    const value = encode(field, given.get(field.ownName));
    given.delete(field.ownName);
    if (value !== undefined) values.push({ field, value });
    else details.push({ field: field.name, message: "breaks a rule of the data" });
  }
  const [strange] = given.keys();
  if (strange !== undefined) {
    throw new TypeError(
      `change() cannot write ${resource.ownName}.${strange}: it is hidden, kept by Backwright, ` +
        "or no field at all.",
    );
  }
  if (details.length > 0) throw new BackwrightError("UNPROCESSABLE", { details });
  return values;
}

/** As PostgreSQL text; undefined where the field cannot hold it. */
function encode(field: FieldModel, value: unknown): Value | undefined {
  if (value === null) return field.nullable ? null : undefined;
  const parsed = field.type?.schema.safeParse(jsonForm(field.type, value));
  return parsed?.success === true ? field.type?.encode(parsed.data) : undefined;
}
