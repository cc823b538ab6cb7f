// From an order to all that it has to do with.
import { defineRelationsPart } from "drizzle-orm";
import * as schema from "../schema.ts";

export const work = defineRelationsPart(schema, (r) => ({
  workOrders: {
    site: r.one.sites({
      from: [r.workOrders.organizationId, r.workOrders.siteId],
      to: [r.sites.organizationId, r.sites.id],
      optional: false,
    }),
    asset: r.one.assets({
      from: [r.workOrders.organizationId, r.workOrders.assetId],
      to: [r.assets.organizationId, r.assets.id],
    }),
    category: r.one.categories({
      from: [r.workOrders.organizationId, r.workOrders.categoryId],
      to: [r.categories.organizationId, r.categories.id],
    }),
    skill: r.one.skills({
      from: [r.workOrders.organizationId, r.workOrders.skillId],
      to: [r.skills.organizationId, r.skills.id],
    }),
    team: r.one.teams({
      from: [r.workOrders.organizationId, r.workOrders.teamId],
      to: [r.teams.organizationId, r.teams.id],
    }),
    assignee: r.one.users({
      from: [r.workOrders.organizationId, r.workOrders.assigneeId],
      to: [r.users.organizationId, r.users.id],
    }),
    requester: r.one.users({
      from: [r.workOrders.organizationId, r.workOrders.requesterId],
      to: [r.users.organizationId, r.users.id],
      optional: false,
    }),
    comments: r.many.comments({
      from: [r.workOrders.organizationId, r.workOrders.id],
      to: [r.comments.organizationId, r.comments.workOrderId],
    }),
    checklist: r.many.checklistItems({
      from: [r.workOrders.organizationId, r.workOrders.id],
      to: [r.checklistItems.organizationId, r.checklistItems.workOrderId],
    }),
    parts: r.many.partsUsed({
      from: [r.workOrders.organizationId, r.workOrders.id],
      to: [r.partsUsed.organizationId, r.partsUsed.workOrderId],
    }),
  },
}));
