// What several actions ask before they begin. Actions name the states that they start from, because
// a record may always stay in its state, and nothing should be done twice.
import { BackwrightError } from "backwright";
import type { workOrders } from "../schema.ts";

type Status = typeof workOrders.$inferSelect.status;

export const UNFINISHED: readonly Status[] = ["open", "assigned", "in_progress", "on_hold"];

export function requireStatus(
  { status }: { readonly status: Status },
  allowed: readonly Status[],
): void {
  if (allowed.includes(status)) return;
  throw new BackwrightError("INVALID_TRANSITION", {
    message: `The order is ${status}; this can be done when it is ${allowed.join(" or ")}.`,
  });
}

/** A technician sees the work of the whole team, but does only their own. */
export function requireOwnWork(
  { assigneeId }: { readonly assigneeId: string | null },
  actor: { readonly id: string; readonly role: string },
): void {
  if (actor.role === "technician" && assigneeId !== actor.id)
    throw new BackwrightError("FORBIDDEN");
}
