// How records lead to each other. Names given here are the names in `include` and in policies.
import { defineRelations } from "drizzle-orm";
import * as schema from "./schema.ts";

export const relations = defineRelations(schema, (r) => ({
  assets: {
    site: r.one.sites({
      from: [r.assets.organizationId, r.assets.siteId],
      to: [r.sites.organizationId, r.sites.id],
      optional: false,
    }),
    workOrders: r.many.workOrders({
      from: [r.assets.organizationId, r.assets.id],
      to: [r.workOrders.organizationId, r.workOrders.assetId],
    }),
  },
  teams: {
    members: r.many.users({
      from: r.teams.id.through(r.teamMembers.teamId),
      to: r.users.id.through(r.teamMembers.userId),
    }),
  },
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
  },
}));
