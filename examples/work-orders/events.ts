// What happens beside created, updated and deleted.
import { z } from "zod";
import { event } from "./domain.ts";

export const workOrderAssigned = event(
  "workOrder.assigned",
  z.object({ id: z.uuid(), technicianId: z.uuid() }),
);
