import { assign } from "../actions/assign.ts";
import { cancel, reopen } from "../actions/close.ts";
import { complete } from "../actions/complete.ts";
import { prioritize } from "../actions/prioritize.ts";
import { hold, start } from "../actions/progress.ts";
import { me, resource } from "../domain.ts";
import { assignedToMe, atPublicPlaces, ofMyTeams, requestedByMe } from "../order-rows.ts";

export const workOrders = resource("workOrders", {
  scope: "tenant",
  search: ["title", "description"],
  access: {
    manager: "all",
    dispatcher: { read: true, create: true, update: true },
    technician: {
      read: { rows: ofMyTeams },
      update: { rows: assignedToMe, fields: ["description", "internalNotes", "location"] },
      actions: ["start", "complete"],
    },
    requester: {
      read: {
        rows: requestedByMe,
        fields: [
          "id",
          "number",
          "title",
          "description",
          "status",
          "priority",
          "siteId",
          "location",
          "assetId",
          "categoryId",
          "requesterId",
          "reason",
          "reportedAt",
          "dueAt",
          "closedAt",
          "createdAt",
          "updatedAt",
          "version",
        ],
      },
      create: {
        fields: ["title", "description", "siteId", "location", "assetId", "categoryId"],
        set: { requesterId: me.id },
      },
    },
    viewer: {
      read: {
        rows: atPublicPlaces,
        fields: [
          "id",
          "number",
          "title",
          "status",
          "priority",
          "siteId",
          "reportedAt",
          "dueAt",
          "closedAt",
        ],
      },
    },
  },
  states: {
    status: {
      open: ["assigned", "on_hold", "cancelled"],
      assigned: ["open", "in_progress", "on_hold", "cancelled"],
      in_progress: ["on_hold", "done", "cancelled"],
      on_hold: ["open", "assigned", "in_progress", "cancelled"],
      done: ["open"],
      cancelled: ["open"],
    },
  },
  aggregates: {
    groupBy: [
      "status",
      "priority",
      "siteId",
      "categoryId",
      "teamId",
      "assigneeId",
      "reportedAt",
      "closedAt",
    ],
    min: ["reportedAt", "dueAt"],
    max: ["reportedAt", "closedAt"],
  },
  actions: { assign, prioritize, start, hold, complete, cancel, reopen },
});
