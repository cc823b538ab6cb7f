// What several actions ask before they begin. Where doing it twice would do harm, an action names the
// states that it starts from: staying in its state is always allowed to a record.
import { BackwrightError } from "backwright";
import type { workOrders } from "../schema.ts";

type Status = typeof workOrders.$inferSelect.status;

export const UNFINISHED: readonly Status[] = ["open", "assigned", "in_progress", "on_hold"];

export function requireStatus(
  { status }: { readonly status: Status },
  allowed: readonly Status[],
): void {
  if (allowed.includes(status)) return;
  const message = `is ${status}; this can be done when it is ${allowed.join(" or ")}`;
  throw new BackwrightError("INVALID_TRANSITION", { details: [{ field: "status", message }] });
}

/** A technician sees the work of the whole team, but does only their own. */
export function requireOwnWork(
  { assigneeId }: { readonly assigneeId: string | null },
  actor: { readonly id: string; readonly role: string },
): void {
  if (actor.role === "technician" && assigneeId !== actor.id)
    throw new BackwrightError("FORBIDDEN");
}
