import { z } from "zod";
import { action } from "../domain.ts";
import { dueFrom } from "../sla.ts";
import { requireStatus, UNFINISHED } from "./rules.ts";

/** Another priority is another promise, counted from the report. */
export const prioritize = action("workOrders", {
  input: z.object({ priority: z.enum(["low", "normal", "high", "urgent"]) }),
  access: ["manager", "dispatcher"],
  async run({ record, input: { priority }, change }) {
    requireStatus(record, UNFINISHED);
    await change({ priority, dueAt: dueFrom(record.reportedAt.getTime(), priority) });
  },
});
