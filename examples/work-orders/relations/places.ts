// Where things stand, and what they are part of.
import { defineRelationsPart } from "drizzle-orm";
import * as schema from "../schema.ts";

export const places = defineRelationsPart(schema, (r) => ({
  assets: {
    site: r.one.sites({
      from: [r.assets.organizationId, r.assets.siteId],
      to: [r.sites.organizationId, r.sites.id],
      optional: false,
    }),
    parent: r.one.assets({
      from: [r.assets.organizationId, r.assets.parentId],
      to: [r.assets.organizationId, r.assets.id],
      alias: "tree",
    }),
    children: r.many.assets({
      from: [r.assets.organizationId, r.assets.id],
      to: [r.assets.organizationId, r.assets.parentId],
      alias: "tree",
    }),
    meters: r.many.meters({
      from: [r.assets.organizationId, r.assets.id],
      to: [r.meters.organizationId, r.meters.assetId],
    }),
    schedules: r.many.schedules({
      from: [r.assets.organizationId, r.assets.id],
      to: [r.schedules.organizationId, r.schedules.assetId],
    }),
    workOrders: r.many.workOrders({
      from: [r.assets.organizationId, r.assets.id],
      to: [r.workOrders.organizationId, r.workOrders.assetId],
    }),
  },
  meters: {
    asset: r.one.assets({
      from: [r.meters.organizationId, r.meters.assetId],
      to: [r.assets.organizationId, r.assets.id],
      optional: false,
    }),
    readings: r.many.meterReadings({
      from: [r.meters.organizationId, r.meters.id],
      to: [r.meterReadings.organizationId, r.meterReadings.meterId],
    }),
  },
  meterReadings: {
    meter: r.one.meters({
      from: [r.meterReadings.organizationId, r.meterReadings.meterId],
      to: [r.meters.organizationId, r.meters.id],
      optional: false,
    }),
    reader: r.one.users({
      from: [r.meterReadings.organizationId, r.meterReadings.readerId],
      to: [r.users.organizationId, r.users.id],
      optional: false,
    }),
  },
  schedules: {
    asset: r.one.assets({
      from: [r.schedules.organizationId, r.schedules.assetId],
      to: [r.assets.organizationId, r.assets.id],
      optional: false,
    }),
  },
}));
