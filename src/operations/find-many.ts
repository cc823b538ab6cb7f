// Finds which of many keys are there: what an import asks before it writes.
import { decide } from "../access/decide.ts";
import { encodeArray } from "../model/fields.ts";
import type { FieldModel, ResourceModel } from "../model/model.ts";
import { findManyStatement } from "../sql/find-many.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";

/**
 * The ids of the visible records that have the keys, by the keys' places; undefined where none has.
 * `keys` holds one text for each field. Throws BackwrightError.
 */
export async function findMany(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  fields: readonly FieldModel[],
  keys: readonly (readonly string[])[],
): Promise<readonly (string | undefined)[]> {
  const { rows } = decide(request.actor, resource, "read");
  const names = fields.map(({ name }) => name).join();
  const shape = `find many|${resource.name}|${request.actor.role}|${names}`;
  const statement = context.shapes.get(shape, () =>
    findManyStatement(resource, fields, rows, context.model),
  );
  const inputs = fields.map((_, at) => encodeArray(keys.map((key) => key[at] ?? null)));
  const found = new Array<string | undefined>(keys.length).fill(undefined);
  try {
    for (const [place, id] of await context.database.read(statement, request.actor, inputs)) {
      found[Number(place) - 1] = id ?? undefined;
    }
  } catch (error) {
    throw publicError(error, context.constraints);
  }
  return found;
}
