// What is kept in order: sites, the tree of assets, what their meters show, what is due when.
import { id, softDeleted, tracked } from "backwright";
import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  date,
  doublePrecision,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { organizationId } from "./organizations.ts";
import { users } from "./people.ts";

export const sites = pgTable(
  "sites",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    address: text(),
    /** Degrees, WGS 84. */
    latitude: doublePrecision(),
    longitude: doublePrecision(),
    isPublic: boolean("is_public").notNull().default(false),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.name),
    index().on(t.organizationId, t.name, t.id),
    check("sites_latitude", sql`${t.latitude} between -90 and 90`),
    check("sites_longitude", sql`${t.longitude} between -180 and 180`),
  ],
);

export const assets = pgTable(
  "assets",
  {
    organizationId: organizationId(),
    id: id(),
    siteId: uuid("site_id").notNull(),
    /** The asset that this one is a part of. */
    parentId: uuid("parent_id"),
    name: text().notNull(),
    serialNumber: text("serial_number"),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    foreignKey({
      columns: [t.organizationId, t.siteId],
      foreignColumns: [sites.organizationId, sites.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.parentId],
      foreignColumns: [t.organizationId, t.id],
    }),
    check("assets_not_their_own_part", sql`${t.parentId} <> ${t.id}`),
    index().on(t.organizationId, t.name, t.id),
    index().on(t.organizationId, t.siteId, t.name, t.id),
    index().on(t.organizationId, t.parentId, t.id),
  ],
);

export const meters = pgTable(
  "meters",
  {
    organizationId: organizationId(),
    id: id(),
    assetId: uuid("asset_id").notNull(),
    name: text().notNull(),
    /** What a reading counts, such as "h" or "kWh". */
    unit: text().notNull(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.assetId, t.name),
    foreignKey({
      columns: [t.organizationId, t.assetId],
      foreignColumns: [assets.organizationId, assets.id],
    }),
    index().on(t.organizationId, t.assetId, t.id),
  ],
);

export const meterReadings = pgTable(
  "meter_readings",
  {
    organizationId: organizationId(),
    id: id(),
    meterId: uuid("meter_id").notNull(),
    value: doublePrecision().notNull(),
    readAt: timestamp("read_at", { withTimezone: true }).notNull().defaultNow(),
    readerId: uuid("reader_id").notNull(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.meterId, t.readAt),
    foreignKey({
      columns: [t.organizationId, t.meterId],
      foreignColumns: [meters.organizationId, meters.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.readerId],
      foreignColumns: [users.organizationId, users.id],
    }),
    index().on(t.organizationId, t.meterId, t.readAt.desc(), t.id.desc()),
    index().on(t.organizationId, t.meterId, t.id),
  ],
);

/** What has to be done again and again. `issue` makes the order that is due, when it is called. */
export const schedules = pgTable(
  "schedules",
  {
    organizationId: organizationId(),
    id: id(),
    assetId: uuid("asset_id").notNull(),
    title: text().notNull(),
    intervalDays: integer("interval_days").notNull(),
    nextDueOn: date("next_due_on").notNull(),
    ...tracked(),
    ...softDeleted(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    foreignKey({
      columns: [t.organizationId, t.assetId],
      foreignColumns: [assets.organizationId, assets.id],
    }),
    check("schedules_interval", sql`${t.intervalDays} between 1 and 3650`),
    index().on(t.organizationId, t.nextDueOn, t.id),
    index().on(t.organizationId, t.assetId, t.id),
  ],
);
