// What is promised: a time for each priority, from the report on. While an order is on hold the
// clock stands still, and when it goes on the promise is later by as long.
const HOURS = { urgent: 4, high: 24, normal: 120, low: 480 } as const;
const HOUR_MS = 3_600_000;

/** When an order of this priority is due. */
export function dueFrom(fromMs: number, priority: keyof typeof HOURS): Date {
  return new Date(fromMs + HOURS[priority] * HOUR_MS);
}

/** What changes in an order that is on hold no longer. */
export function goOn(
  { heldAt, dueAt }: { readonly heldAt: Date | null; readonly dueAt: Date | null },
  nowMs: number,
) {
  if (heldAt === null) return {};
  const held = nowMs - heldAt.getTime();
  return { heldAt: null, reason: null, dueAt: dueAt && new Date(dueAt.getTime() + held) };
}
