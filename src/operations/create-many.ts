// Creates many records of one shape by one statement: the same guards, audit entries and events as
// one at a time, without a round trip for each.
import { maskFingerprint } from "../access/decide.ts";
import { newId } from "../base/ids.ts";
import { encodeArray } from "../model/fields.ts";
import type { CreateGrant, ResourceModel } from "../model/model.ts";
import { createManyStatement } from "../sql/write.ts";
import { type CreateShape, WRITE_RESULT } from "../sql/write-shape.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import type { WriteReply } from "./execute-write.ts";
import type { FieldValue } from "./parse-body.ts";
import { guardedTarget, Inputs, shapeKey, sharedShape, withDefaults } from "./plan-write.ts";

/** The values of one record. */
export type RecordValues = readonly FieldValue[];

/** Whether records can be created together: the server gives the id of each. */
export function canCreateMany(grant: CreateGrant): boolean {
  return ![...grant.set.keys()].some(({ name }) => name === "id");
}

/**
 * The replies by the places of the records, all of which have values for the same fields; undefined
 * for one whose reference was refused. Rejects with a DatabaseFailure when any of them breaks a
 * rule of the data, and none is written then.
 */
export async function createMany(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  grant: CreateGrant,
  records: readonly RecordValues[],
): Promise<readonly (WriteReply | undefined)[]> {
  const inputs = new Inputs();
  const complete = records.map((values) => withDefaults(resource, grant, values));
  const fields = complete[0]?.map(({ field }) => field) ?? [];
  const ids = records.map(() => newId());
  const columns = fields.map((_, at) => complete.map((values) => values[at]?.value ?? null));
  const assignments = fields.map((field, at) => {
    return { field, input: inputs.add(encodeArray(columns[at] ?? [])) };
  });
  const references = assignments.flatMap(({ field, input }, at) => {
    const isGiven = columns[at]?.some((value) => value !== null) === true;
    const target = isGiven ? guardedTarget(context, request, resource, field) : undefined;
    return target === undefined ? [] : [{ field, input, ...target }];
  });
  const shape: CreateShape = {
    ...sharedShape(context, request, resource, [], undefined, inputs),
    id: inputs.add(encodeArray(ids)),
    after: grant.rows,
    set: grant.set,
    assignments,
    references,
  };
  const statement = context.shapes.get(shapeKey("create many", shape), () =>
    createManyStatement(shape, context.model),
  );
  const rows = await context.database.write(statement, request.actor, inputs.values);
  const mask = maskFingerprint(resource.access.get(request.actor.role)?.read);
  const replies = new Map<string, WriteReply>();
  for (const row of rows) {
    const id = row[WRITE_RESULT.id] ?? "";
    const json = row[WRITE_RESULT.reply] ?? "";
    const version = row[WRITE_RESULT.version] ?? null;
    replies.set(id, { id, json, version, mask, isNew: true, replayed: false });
  }
  return ids.map((id) => replies.get(id));
}
