// The work itself: orders, what is said about them, what has to be ticked off.
import { id, searchIndex, softDeleted, state, tracked } from "backwright";
import {
  boolean,
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
import { skills, teams, users } from "./people.ts";
import { assets, sites } from "./places.ts";

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

export const workOrders = pgTable(
  "work_orders",
  {
    organizationId: organizationId(),
    id: id(),
    /** 1, 2, 3 … in each organization. The trigger of migration 0004 gives it, nobody else. */
    number: integer().generatedByDefaultAsIdentity(),
    /** The number that another system knows it by. */
    externalId: text("external_id"),
    title: text().notNull(),
    description: text(),
    status: state(["open", "assigned", "in_progress", "on_hold", "done", "cancelled"])
      .notNull()
      .default("open"),
    priority: state(["low", "normal", "high", "urgent"]).notNull().default("normal"),
    siteId: uuid("site_id").notNull(),
    /** Where on the site: "second floor, behind the lift". */
    location: text(),
    assetId: uuid("asset_id"),
    categoryId: uuid("category_id"),
    /** What the technician must have learned. */
    skillId: uuid("skill_id"),
    teamId: uuid("team_id"),
    assigneeId: uuid("assignee_id"),
    requesterId: uuid("requester_id").notNull(),
    /** What the requester does not see. */
    internalNotes: text("internal_notes"),
    /** Why it is on hold or was cancelled. */
    reason: text(),
    reportedAt: timestamp("reported_at", { withTimezone: true }).notNull().defaultNow(),
    /** What was promised: see sla.ts. */
    dueAt: timestamp("due_at", { withTimezone: true }),
    /** Since when the clock stands still. */
    heldAt: timestamp("held_at", { withTimezone: true }),
    closedAt: timestamp("closed_at", { withTimezone: true }),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.externalId),
    unique().on(t.organizationId, t.number),
    ...(
      [
        [t.siteId, sites],
        [t.assetId, assets],
        [t.categoryId, categories],
        [t.skillId, skills],
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

/** The last number that each organization has given: the trigger's own, served to nobody. */
export const workOrderCounters = pgTable("work_order_counters", {
  organizationId: organizationId().primaryKey(),
  last: integer().notNull(),
});

export const comments = pgTable(
  "comments",
  {
    organizationId: organizationId(),
    id: id(),
    workOrderId: uuid("work_order_id").notNull(),
    authorId: uuid("author_id").notNull(),
    body: text().notNull(),
    /** Among those who do the work; the requester does not see it. */
    isInternal: boolean("is_internal").notNull().default(false),
    ...tracked(),
    ...softDeleted(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    foreignKey({
      columns: [t.organizationId, t.workOrderId],
      foreignColumns: [workOrders.organizationId, workOrders.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.authorId],
      foreignColumns: [users.organizationId, users.id],
    }),
    index().on(t.organizationId, t.workOrderId, t.id),
    index().on(t.organizationId, t.authorId, t.id),
  ],
);

export const checklistItems = pgTable(
  "checklist_items",
  {
    organizationId: organizationId(),
    id: id(),
    workOrderId: uuid("work_order_id").notNull(),
    position: integer().notNull(),
    text: text().notNull(),
    isDone: boolean("is_done").notNull().default(false),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    foreignKey({
      columns: [t.organizationId, t.workOrderId],
      foreignColumns: [workOrders.organizationId, workOrders.id],
    }),
    index().on(t.organizationId, t.workOrderId, t.position, t.id),
    index().on(t.organizationId, t.workOrderId, t.id),
  ],
);
