// The example domain of the type tests: tables in the conventions that an application follows.
import {
  bigint,
  foreignKey,
  index,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import { id, state, tracked } from "../../../src/model/columns.ts";

export const organizations = pgTable("organizations", {
  id: id().primaryKey(),
  name: text().notNull(),
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
    passwordHash: text("password_hash"),
    ...tracked(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.id] })],
);

export const teams = pgTable(
  "teams",
  { organizationId: organizationId(), id: id(), name: text().notNull(), ...tracked() },
  (t) => [primaryKey({ columns: [t.organizationId, t.id] })],
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
  ],
);

export const assets = pgTable(
  "assets",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    attributes: jsonb().$type<{ floor: number }>(),
    tags: text().array().notNull(),
    price: numeric({ precision: 12, scale: 2 }),
    counter: bigint({ mode: "bigint" }).notNull().default(0n),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const workOrders = pgTable(
  "work_orders",
  {
    organizationId: organizationId(),
    id: id(),
    title: text().notNull(),
    description: text(),
    status: state(["open", "assigned", "in_progress", "done", "cancelled"])
      .notNull()
      .default("open"),
    assetId: uuid("asset_id").notNull(),
    assigneeId: uuid("assignee_id"),
    requesterId: uuid("requester_id").notNull(),
    teamId: uuid("team_id"),
    dueAt: timestamp("due_at", { withTimezone: true }),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    foreignKey({
      columns: [t.organizationId, t.assetId],
      foreignColumns: [assets.organizationId, assets.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.assigneeId],
      foreignColumns: [users.organizationId, users.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.requesterId],
      foreignColumns: [users.organizationId, users.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.teamId],
      foreignColumns: [teams.organizationId, teams.id],
    }),
    index().on(t.organizationId, t.status, t.dueAt.desc(), t.id.desc()),
  ],
);
