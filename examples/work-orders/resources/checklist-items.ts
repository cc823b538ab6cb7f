import { resource, rows } from "../domain.ts";
import { myOpenWork, ofMyTeams } from "../order-rows.ts";

const onTeamWork = rows("checklistItems", { workOrder: ofMyTeams });
const onMyOpenWork = rows("checklistItems", { workOrder: myOpenWork });

export const checklistItems = resource("checklistItems", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, create: true, update: true, delete: true },
    technician: {
      read: { rows: onTeamWork },
      update: { rows: onMyOpenWork, fields: ["isDone"] },
    },
  },
});
