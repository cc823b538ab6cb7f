import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { action } from "../domain.ts";
import { assets } from "../schema.ts";

const DAY_MS = 86_400_000;

/** Makes the order that is due, and says when the next one is. */
export const issue = action("schedules", {
  output: z.object({ workOrderId: z.uuid(), nextDueOn: z.iso.date() }),
  access: ["manager", "dispatcher"],
  async run({ record: { title, assetId, nextDueOn, intervalDays }, actor, tx, ops, change }) {
    const [asset] = await tx
      .select({ siteId: assets.siteId })
      .from(assets)
      .where(and(eq(assets.organizationId, actor.tenantId), eq(assets.id, assetId)));
    const due = new Date(`${nextDueOn}T00:00:00Z`);
    const order = await ops.workOrders.create({
      title,
      assetId,
      siteId: asset?.siteId ?? "",
      requesterId: actor.id,
      dueAt: due.toISOString(),
    });
    const next = new Date(due.getTime() + intervalDays * DAY_MS).toISOString().slice(0, 10);
    await change({ nextDueOn: next });
    return { workOrderId: order.id, nextDueOn: next };
  },
});
