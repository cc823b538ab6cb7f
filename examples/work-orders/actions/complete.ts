import { type ActionContext, BackwrightError, now } from "backwright";
import { and, eq, ne } from "drizzle-orm";
import { z } from "zod";
import { type App, action } from "../domain.ts";
import { workOrderCompleted } from "../events.ts";
import { checklistItems, parts, partsUsed } from "../schema.ts";
import { requireOwnWork, requireStatus } from "./rules.ts";

type Context = ActionContext<"workOrders", App, { readonly note?: string | undefined }>;

/** Everything is ticked off, and the parts leave the shelf. */
export const complete = action("workOrders", {
  input: z.object({ note: z.string().max(1_000).optional() }),
  output: z.object({ id: z.uuid(), closedAt: z.date(), partsTaken: z.int() }),
  async run(context) {
    const { record, input, actor, change, emit } = context;
    const { id, requesterId } = record;
    requireOwnWork(record, actor);
    requireStatus(record, ["in_progress"]);
    await requireTickedOff(context);
    const partsTaken = await takeParts(context);
    const closedAt = new Date(now());
    const notes = [record.internalNotes, input.note].filter((text) => text != null);
    await change({ status: "done", closedAt, internalNotes: notes.join("\n") || null });
    await emit(workOrderCompleted, { id, requesterId, partsTaken });
    return { id, closedAt, partsTaken };
  },
});

async function requireTickedOff({ record, tx }: Context): Promise<void> {
  const [item] = await tx
    .select({ text: checklistItems.text })
    .from(checklistItems)
    .where(and(eq(checklistItems.workOrderId, record.id), eq(checklistItems.isDone, false)))
    .orderBy(checklistItems.position)
    .limit(1);
  if (item === undefined) return;
  throw new BackwrightError("UNPROCESSABLE", { message: `Not ticked off yet: ${item.text}` });
}

/** Takes what an earlier completion has not taken yet, and returns how many pieces that were. */
async function takeParts({ record, tx, ops }: Context): Promise<number> {
  // Locked in the order of their ids: two orders with the same parts never wait for each other.
  const lines = await tx
    .select({ line: partsUsed, part: parts })
    .from(partsUsed)
    .innerJoin(parts, eq(parts.id, partsUsed.partId))
    .where(and(eq(partsUsed.workOrderId, record.id), ne(partsUsed.quantity, partsUsed.taken)))
    .orderBy(parts.id)
    .for("update", { of: parts });
  let total = 0;
  for (const { line, part } of lines) {
    const missing = line.quantity - line.taken;
    if (part.stock < missing) {
      const message = `${part.name}: ${missing} needed, ${part.stock} in stock.`;
      throw new BackwrightError("UNPROCESSABLE", { message });
    }
    // As the caller: the entries of the audit say who took them.
    await ops.parts.update(part.id, { stock: part.stock - missing });
    await ops.partsUsed.update(line.id, { taken: line.quantity, unitCost: part.unitCost });
    total += missing;
  }
  return total;
}
