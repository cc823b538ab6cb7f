// What hangs on an order, and leads back to it.
import { defineRelationsPart } from "drizzle-orm";
import * as schema from "../schema.ts";

export const attached = defineRelationsPart(schema, (r) => ({
  comments: {
    workOrder: r.one.workOrders({
      from: [r.comments.organizationId, r.comments.workOrderId],
      to: [r.workOrders.organizationId, r.workOrders.id],
      optional: false,
    }),
    author: r.one.users({
      from: [r.comments.organizationId, r.comments.authorId],
      to: [r.users.organizationId, r.users.id],
      optional: false,
    }),
  },
  checklistItems: {
    workOrder: r.one.workOrders({
      from: [r.checklistItems.organizationId, r.checklistItems.workOrderId],
      to: [r.workOrders.organizationId, r.workOrders.id],
      optional: false,
    }),
  },
  partsUsed: {
    workOrder: r.one.workOrders({
      from: [r.partsUsed.organizationId, r.partsUsed.workOrderId],
      to: [r.workOrders.organizationId, r.workOrders.id],
      optional: false,
    }),
    part: r.one.parts({
      from: [r.partsUsed.organizationId, r.partsUsed.partId],
      to: [r.parts.organizationId, r.parts.id],
      optional: false,
    }),
  },
}));
