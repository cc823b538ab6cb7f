// Replies that were stored for a repetition and may be the output of an action, which is no record:
// how they are marked, and to whom they are shown again.
import { decide } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import type { ResourceModel } from "../model/model.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { showAgain, type WriteReply } from "./execute-write.ts";
import type { StoredReply } from "./idempotency.ts";
import { wholeRecord } from "./whole-record.ts";

// What stands for the mask of a stored reply that is no record. The second was given to somebody
// who could not see the record any more once the action was done.
export const OUTPUT = "output";
export const OUTPUT_UNSEEN = "output-unseen";

/** The stored bytes, to somebody who may run the action and see the record today. */
export async function showOutcomeAgain(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  stored: Pick<StoredReply, "id" | "json" | "version" | "mask" | "status">,
): Promise<WriteReply> {
  const { id, json, mask } = stored;
  if (mask !== OUTPUT && mask !== OUTPUT_UNSEEN) {
    return showAgain(context, request, resource, stored);
  }
  if (mask === OUTPUT) {
    const read = decide(request.actor, resource, "read");
    const { statement } = wholeRecord(context, resource, request.actor.role, read);
    const [row] = await context.database.read(statement, request.actor, [id]);
    if (row === undefined) throw new BackwrightError("NOT_FOUND");
  }
  return { id, json, version: null, mask, isNew: false, replayed: true };
}
