import { me, resource, rows } from "../domain.ts";

const mine = rows("workOrders", { assigneeId: me.id });
const ofMyTeam = rows("workOrders", { or: [mine, { teamId: { in: me.teamIds } }] });
const requestedByMe = rows("workOrders", { requesterId: me.id });
const publicPlaces = rows("workOrders", { site: { isPublic: true } });

export const workOrders = resource("workOrders", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, create: true, update: true },
    technician: {
      read: { rows: ofMyTeam },
      update: { rows: mine, fields: ["status", "description", "internalNotes", "closedAt"] },
    },
    requester: {
      read: {
        rows: requestedByMe,
        fields: [
          "id",
          "title",
          "description",
          "status",
          "priority",
          "siteId",
          "assetId",
          "categoryId",
          "requesterId",
          "reportedAt",
          "dueAt",
          "closedAt",
          "createdAt",
          "updatedAt",
          "version",
        ],
      },
      create: {
        fields: ["title", "description", "siteId", "assetId", "categoryId"],
        set: { requesterId: me.id },
      },
    },
    viewer: {
      read: {
        rows: publicPlaces,
        fields: ["id", "title", "status", "priority", "siteId", "reportedAt", "dueAt", "closedAt"],
      },
    },
  },
  states: {
    status: {
      open: ["assigned", "on_hold", "cancelled"],
      assigned: ["open", "in_progress", "on_hold", "cancelled"],
      in_progress: ["on_hold", "done", "cancelled"],
      on_hold: ["open", "assigned", "in_progress", "cancelled"],
      done: [],
      cancelled: [],
    },
  },
});
