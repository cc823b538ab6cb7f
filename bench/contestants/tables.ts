// The example's tables as somebody writes them by hand for the three endpoints that are measured.
// Instants stay text, for a Date would lose the microseconds that the replies show.
import {
  bigint,
  customType,
  integer,
  json,
  pgSchema,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { newId } from "../../src/base/ids.ts";

/** timestamptz, shown as 2026-12-01T00:00:00.000000Z. Needs the session's time zone to be UTC. */
const instant = customType<{ data: string; driverData: string; jsonData: string }>({
  dataType: () => "timestamp with time zone",
  fromDriver: formatInstant,
  fromJson: formatInstant,
});

const SECONDS_LENGTH = "2026-12-01T00:00:00".length;

function formatInstant(text: string): string {
  const day = text.slice(0, 10);
  if (text[SECONDS_LENGTH] !== ".") return `${day}T${text.slice(11, SECONDS_LENGTH)}.000000Z`;
  const end = text.indexOf("+", SECONDS_LENGTH);
  return `${day}T${text.slice(11, end).padEnd(15, "0")}Z`;
}

const tracked = () => ({
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
  version: integer().notNull(),
});

export const users = pgTable("users", {
  organizationId: uuid("organization_id").notNull(),
  id: uuid().notNull(),
  name: text().notNull(),
  email: text().notNull(),
  phone: text(),
  ...tracked(),
});

export const assets = pgTable("assets", {
  organizationId: uuid("organization_id").notNull(),
  id: uuid().notNull(),
  siteId: uuid("site_id").notNull(),
  parentId: uuid("parent_id"),
  name: text().notNull(),
  serialNumber: text("serial_number"),
  ...tracked(),
});

export const workOrders = pgTable(
  "work_orders",
  {
    organizationId: uuid("organization_id").notNull(),
    id: uuid().notNull().$defaultFn(newId),
    number: integer().notNull().default(0),
    externalId: text("external_id"),
    title: text().notNull(),
    description: text(),
    status: text().notNull().default("open"),
    priority: text().notNull().default("normal"),
    siteId: uuid("site_id").notNull(),
    location: text(),
    assetId: uuid("asset_id"),
    categoryId: uuid("category_id"),
    skillId: uuid("skill_id"),
    teamId: uuid("team_id"),
    assigneeId: uuid("assignee_id"),
    requesterId: uuid("requester_id").notNull(),
    internalNotes: text("internal_notes"),
    reason: text(),
    reportedAt: instant("reported_at").notNull().default(""),
    dueAt: instant("due_at"),
    heldAt: instant("held_at"),
    closedAt: instant("closed_at"),
    createdAt: instant("created_at").notNull().default(""),
    updatedAt: instant("updated_at").notNull().default(""),
    version: integer().notNull().default(1),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.id] })],
);

const own = pgSchema("backwright");

export const idempotency = own.table("idempotency", {
  tenantId: uuid("tenant_id").notNull(),
  scope: text().notNull(),
  key: text().notNull(),
  requestHash: text("request_hash").notNull(),
  mask: text().notNull(),
  status: smallint().notNull(),
  recordId: uuid("record_id").notNull(),
  version: integer(),
  reply: text().notNull(),
});

export const audit = own.table("audit", {
  position: bigint({ mode: "bigint" }).generatedAlwaysAsIdentity(),
  tenantId: uuid("tenant_id").notNull(),
  requestId: text("request_id").notNull(),
  actor: uuid().notNull(),
  credential: uuid(),
  role: text().notNull(),
  operation: text().notNull(),
  resource: text().notNull(),
  recordId: uuid("record_id").notNull(),
  after: json(),
});

export const events = own.table("events", {
  position: bigint({ mode: "bigint" }).generatedAlwaysAsIdentity(),
  id: uuid().notNull(),
  tenantId: uuid("tenant_id").notNull(),
  type: text().notNull(),
  key: uuid().notNull(),
  sequence: integer().notNull(),
  fields: text().array().notNull(),
  record: json().notNull(),
  actor: uuid().notNull(),
  requestId: text("request_id").notNull(),
});
