// The tables: plain Drizzle. Every tenant table starts with the organization that owns its rows.
import { id, searchIndex, state, tracked } from "backwright";
import {
  boolean,
  foreignKey,
  index,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from "drizzle-orm/pg-core";

export const organizations = pgTable("organizations", {
  id: id().primaryKey(),
  name: text().notNull(),
  timeZone: text("time_zone").notNull().default("UTC"),
  ...tracked(),
});

const organizationId = () =>
  uuid("organization_id")
    .notNull()
    .references(() => organizations.id);

export const users = pgTable(
  "users",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    email: text().notNull(),
    phone: text(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.email),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const teams = pgTable(
  "teams",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.name),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const teamMembers = pgTable(
  "team_members",
  {
    organizationId: organizationId(),
    teamId: uuid("team_id").notNull(),
    userId: uuid("user_id").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.teamId, t.userId] }),
    foreignKey({
      columns: [t.organizationId, t.teamId],
      foreignColumns: [teams.organizationId, teams.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.userId],
      foreignColumns: [users.organizationId, users.id],
    }),
    index().on(t.organizationId, t.userId),
  ],
);

export const sites = pgTable(
  "sites",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    address: text(),
    isPublic: boolean("is_public").notNull().default(false),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.name),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const categories = pgTable(
  "categories",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.name),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const assets = pgTable(
  "assets",
  {
    organizationId: organizationId(),
    id: id(),
    siteId: uuid("site_id").notNull(),
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
    index().on(t.organizationId, t.name, t.id),
    index().on(t.organizationId, t.siteId, t.name, t.id),
  ],
);

export const workOrders = pgTable(
  "work_orders",
  {
    organizationId: organizationId(),
    id: id(),
    /** The number that another system knows it by. */
    externalId: text("external_id"),
    title: text().notNull(),
    description: text(),
    status: state(["open", "assigned", "in_progress", "on_hold", "done", "cancelled"])
      .notNull()
      .default("open"),
    priority: state(["low", "normal", "high", "urgent"]).notNull().default("normal"),
    siteId: uuid("site_id").notNull(),
    assetId: uuid("asset_id"),
    categoryId: uuid("category_id"),
    teamId: uuid("team_id"),
    assigneeId: uuid("assignee_id"),
    requesterId: uuid("requester_id").notNull(),
    /** What the requester does not see. */
    internalNotes: text("internal_notes"),
    reportedAt: timestamp("reported_at", { withTimezone: true }).notNull().defaultNow(),
    dueAt: timestamp("due_at", { withTimezone: true }),
    closedAt: timestamp("closed_at", { withTimezone: true }),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.externalId),
    ...(
      [
        [t.siteId, sites],
        [t.assetId, assets],
        [t.categoryId, categories],
        [t.teamId, teams],
        [t.assigneeId, users],
        [t.requesterId, users],
      ] as const
    ).map(([column, target]) =>
      foreignKey({
        columns: [t.organizationId, column],
        foreignColumns: [target.organizationId, target.id],
      }),
    ),
    index().on(t.organizationId, t.dueAt.desc(), t.id.desc()),
    index().on(t.organizationId, t.status, t.dueAt.desc(), t.id.desc()),
    index().on(t.organizationId, t.status, t.id),
    index().on(t.organizationId, t.assigneeId, t.dueAt.desc(), t.id.desc()),
    index().on(t.organizationId, t.requesterId, t.id),
    index().on(t.organizationId, t.teamId, t.id),
    index().on(t.organizationId, t.siteId, t.id),
    index().on(t.organizationId, t.assetId, t.id),
    index().on(t.organizationId, t.categoryId, t.id),
    index().using("gin", t.organizationId, t.title.op("gin_trgm_ops")),
    searchIndex("work_orders_search", {
      tenant: t.organizationId,
      fields: [t.title, t.description],
      language: "english",
    }),
  ],
);
