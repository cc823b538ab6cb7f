import { resource, rows } from "../domain.ts";
import { myOpenWork, ofMyTeams } from "../order-rows.ts";

const onTeamWork = rows("partsUsed", { workOrder: ofMyTeams });
const onMyOpenWork = rows("partsUsed", { workOrder: myOpenWork });

export const partsUsed = resource("partsUsed", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true },
    technician: {
      read: { rows: onTeamWork },
      create: { rows: onMyOpenWork, fields: ["workOrderId", "partId", "quantity"] },
      // The last two are written by actions/complete.ts, as the technician.
      update: { rows: onMyOpenWork, fields: ["quantity", "taken", "unitCost"] },
    },
  },
  aggregates: { groupBy: ["workOrderId", "partId", "createdAt"], sum: ["cost", "taken"] },
});
