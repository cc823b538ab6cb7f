// Which work orders a caller has to do with; what hangs on an order is asked through it.
import { me, rows } from "./domain.ts";

export const assignedToMe = rows("workOrders", { assigneeId: me.id });
export const ofMyTeams = rows("workOrders", {
  or: [assignedToMe, { teamId: { in: me.teamIds } }],
});
export const myOpenWork = rows("workOrders", {
  assigneeId: me.id,
  status: { in: ["open", "assigned", "in_progress", "on_hold"] },
});
export const requestedByMe = rows("workOrders", { requesterId: me.id });
export const atPublicPlaces = rows("workOrders", { site: { isPublic: true } });
