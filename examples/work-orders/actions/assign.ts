import { BackwrightError, now } from "backwright";
import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { action } from "../domain.ts";
import { workOrderAssigned } from "../events.ts";
import { userSkills } from "../schema.ts";
import { dueFrom, goOn } from "../sla.ts";

/** Gives the order to somebody who has learned what it asks for, and starts the clock. */
export const assign = action("workOrders", {
  input: z.object({ technicianId: z.uuid() }),
  access: ["manager", "dispatcher"],
  async run({ record, input: { technicianId }, tx, change, emit }) {
    if (record.skillId !== null) {
      const [learned] = await tx
        .select({ id: userSkills.id })
        .from(userSkills)
        .where(and(eq(userSkills.userId, technicianId), eq(userSkills.skillId, record.skillId)));
      if (learned === undefined) {
        const message = "has not learned what the order asks for";
        throw new BackwrightError("UNPROCESSABLE", {
          details: [{ field: "technicianId", message }],
        });
      }
    }
    const dueAt = record.dueAt ?? dueFrom(record.reportedAt.getTime(), record.priority);
    await change({
      assigneeId: technicianId,
      status: "assigned",
      dueAt,
      ...goOn({ heldAt: record.heldAt, dueAt }, now()),
    });
    await emit(workOrderAssigned, { id: record.id, technicianId });
  },
});
