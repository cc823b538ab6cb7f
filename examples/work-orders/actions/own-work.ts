import { BackwrightError } from "backwright";

/** A technician sees the work of the whole team, but does only their own. */
export function requireOwnWork(
  { assigneeId }: { readonly assigneeId: string | null },
  actor: { readonly id: string; readonly role: string },
): void {
  if (actor.role === "technician" && assigneeId !== actor.id)
    throw new BackwrightError("FORBIDDEN");
}
