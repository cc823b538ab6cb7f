// Who works on an order begins it, lays it aside and goes on with it.
import { now } from "backwright";
import { z } from "zod";
import { action } from "../domain.ts";
import { workOrderHeld } from "../events.ts";
import { goOn } from "../sla.ts";
import { requireOwnWork, requireStatus } from "./rules.ts";

export const start = action("workOrders", {
  async run({ record, actor, change }) {
    requireOwnWork(record, actor);
    await change({ status: "in_progress", ...goOn(record, now()) });
  },
});

export const hold = action("workOrders", {
  input: z.object({ reason: z.string().min(1).max(1_000) }),
  access: ["manager", "dispatcher", "technician"],
  async run({ record, input: { reason }, actor, change, emit }) {
    requireOwnWork(record, actor);
    requireStatus(record, ["open", "assigned", "in_progress"]);
    await change({ status: "on_hold", reason, heldAt: new Date(now()) });
    await emit(workOrderHeld, { id: record.id, reason });
  },
});
