// An order that nobody needs any more, and one that was closed too early.
import { now } from "backwright";
import { z } from "zod";
import { action } from "../domain.ts";
import { workOrderCancelled, workOrderReopened } from "../events.ts";
import { dueFrom } from "../sla.ts";
import { requireStatus, UNFINISHED } from "./rules.ts";

const input = z.object({ reason: z.string().min(1).max(1_000) });

/** Requesters take a request back as long as nobody has begun to work on it. */
export const cancel = action("workOrders", {
  input,
  access: ["manager", "dispatcher", "requester"],
  async run({ record, input: { reason }, actor, change, emit }) {
    requireStatus(record, actor.role === "requester" ? ["open"] : UNFINISHED);
    await change({ status: "cancelled", reason, heldAt: null, closedAt: new Date(now()) });
    await emit(workOrderCancelled, { id: record.id, reason });
  },
});

/** Back among the open ones, with a promise that counts from today. */
export const reopen = action("workOrders", {
  input,
  access: ["manager", "dispatcher"],
  async run({ record, input: { reason }, change, emit }) {
    requireStatus(record, ["done", "cancelled"]);
    const dueAt = dueFrom(now(), record.priority);
    await change({ status: "open", reason, closedAt: null, dueAt });
    await emit(workOrderReopened, { id: record.id, reason });
  },
});
