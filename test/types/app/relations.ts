import { defineRelations } from "drizzle-orm";
import * as schema from "./schema.ts";

export const relations = defineRelations(schema, (r) => ({
  workOrders: {
    asset: r.one.assets({
      from: [r.workOrders.organizationId, r.workOrders.assetId],
      to: [r.assets.organizationId, r.assets.id],
      optional: false,
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
    team: r.one.teams({
      from: [r.workOrders.organizationId, r.workOrders.teamId],
      to: [r.teams.organizationId, r.teams.id],
    }),
  },
  assets: {
    workOrders: r.many.workOrders({
      from: [r.assets.organizationId, r.assets.id],
      to: [r.workOrders.organizationId, r.workOrders.assetId],
    }),
  },
  teams: {
    members: r.many.users({
      from: [
        r.teams.organizationId.through(r.teamMembers.organizationId),
        r.teams.id.through(r.teamMembers.teamId),
      ],
      to: [
        r.users.organizationId.through(r.teamMembers.organizationId),
        r.users.id.through(r.teamMembers.userId),
      ],
    }),
  },
}));
