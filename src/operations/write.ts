// Create, update, delete and restore: parse → authorise → plan → execute → shape. The plan is one
// statement; when it wrote nothing, a second, reading one finds out why.
import { decide, grantOf } from "../access/decide.ts";
import type { ResourceModel } from "../model/model.ts";
import { deleteStatement, updateDiagnosis } from "../sql/write.ts";
import type { DeleteShape } from "../sql/write-shape.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { executeWrite, type WriteReply } from "./execute-write.ts";
import { claimKey } from "./idempotency.ts";
import { parseBody } from "./parse-body.ts";
import {
  Inputs,
  planCreate,
  planUpdate,
  type RecordInput,
  refuseTarget,
  requireVersions,
  shapeKey,
  sharedShape,
} from "./plan-write.ts";

export type { RecordInput };

export interface CreateInput {
  readonly body: unknown;
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
  const plan = planCreate(context, request, resource, { grant, values, claim });
  return executeWrite(context, request, plan);
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
  const plan = planUpdate(context, request, resource, { ...input, grant, values, claim });
  return executeWrite(context, request, plan);
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
    keys: [],
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
