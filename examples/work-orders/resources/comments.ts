import { me, resource, rows } from "../domain.ts";
import { ofMyTeams, requestedByMe } from "../order-rows.ts";

const mine = rows("comments", { authorId: me.id });
const onTeamWork = rows("comments", { workOrder: ofMyTeams });
const onMyRequests = rows("comments", { workOrder: requestedByMe, isInternal: false });

/** Everybody speaks in their own name, and changes only what they have said themselves. */
export const comments = resource("comments", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: {
      read: true,
      create: { fields: ["workOrderId", "body", "isInternal"], set: { authorId: me.id } },
      update: { rows: mine, fields: ["body"] },
      delete: { rows: mine },
    },
    technician: {
      read: { rows: onTeamWork },
      create: {
        rows: onTeamWork,
        fields: ["workOrderId", "body", "isInternal"],
        set: { authorId: me.id },
      },
      update: { rows: mine, fields: ["body"] },
      delete: { rows: mine },
    },
    requester: {
      read: {
        rows: onMyRequests,
        fields: ["id", "workOrderId", "authorId", "body", "createdAt", "updatedAt", "version"],
      },
      create: {
        rows: onMyRequests,
        fields: ["workOrderId", "body"],
        set: { authorId: me.id, isInternal: false },
      },
      update: { rows: mine, fields: ["body"] },
      delete: { rows: mine },
    },
  },
});
