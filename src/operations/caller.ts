// Operations for code of the same process: seeds, tests, scripts.
import type { Actor } from "../access/actor.ts";
import { newId } from "../base/ids.ts";
import { runAction } from "./action.ts";
import type { OperationsContext } from "./context.ts";
import { RecordCaller } from "./record-caller.ts";

/** Calls operations as one actor, by the names of resources. All throw BackwrightError. */
export class Caller extends RecordCaller {
  constructor(context: OperationsContext, actor: Actor) {
    super(context, () => ({ actor, requestId: newId(), face: "process" }));
  }

  /** Runs an action; what it replies is its output, or the record. */
  async run(resource: string, id: string, action: string, body: object = {}): Promise<unknown> {
    const input = { id, body };
    const of = this.resource(resource);
    const done = await runAction(this.context, this.request(), of, action, input);
    return JSON.parse(done.json) as unknown;
  }
}
