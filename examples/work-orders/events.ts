// What happens beside created, updated and deleted.
import { z } from "zod";
import { event } from "./domain.ts";

export const workOrderAssigned = event(
  "workOrder.assigned",
  z.object({ id: z.uuid(), technicianId: z.uuid() }),
);
export const workOrderHeld = event(
  "workOrder.held",
  z.object({ id: z.uuid(), reason: z.string() }),
);
export const workOrderCompleted = event(
  "workOrder.completed",
  z.object({ id: z.uuid(), requesterId: z.uuid(), partsTaken: z.int() }),
);
export const workOrderCancelled = event(
  "workOrder.cancelled",
  z.object({ id: z.uuid(), reason: z.string() }),
);
export const workOrderReopened = event(
  "workOrder.reopened",
  z.object({ id: z.uuid(), reason: z.string() }),
);
