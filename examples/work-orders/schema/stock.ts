// What is on the shelves, and what of it an order takes.
import { id, tracked } from "backwright";
import { sql } from "drizzle-orm";
import {
  check,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { organizationId } from "./organizations.ts";
import { workOrders } from "./work.ts";

export const parts = pgTable(
  "parts",
  {
    organizationId: organizationId(),
    id: id(),
    sku: text().notNull(),
    name: text().notNull(),
    stock: integer().notNull().default(0),
    unitCost: numeric("unit_cost", { precision: 12, scale: 2 }).notNull().default("0"),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.sku),
    index().on(t.organizationId, t.sku, t.id),
    index().on(t.organizationId, t.name, t.id),
    // Whatever the code above it does: nobody takes what is not there.
    check("parts_stock_not_negative", sql`${t.stock} >= 0`),
  ],
);

export const partsUsed = pgTable(
  "parts_used",
  {
    organizationId: organizationId(),
    id: id(),
    workOrderId: uuid("work_order_id").notNull(),
    partId: uuid("part_id").notNull(),
    quantity: integer().notNull(),
    /** How many have left the shelf: `complete` makes it the quantity. */
    taken: integer().notNull().default(0),
    /** Of one, on the day when it left the shelf. */
    unitCost: numeric("unit_cost", { precision: 12, scale: 2 }).notNull().default("0"),
    cost: numeric({ precision: 14, scale: 2 }).generatedAlwaysAs(sql`taken * unit_cost`),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.workOrderId, t.partId),
    foreignKey({
      columns: [t.organizationId, t.workOrderId],
      foreignColumns: [workOrders.organizationId, workOrders.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.partId],
      foreignColumns: [parts.organizationId, parts.id],
    }),
    check("parts_used_quantity", sql`${t.quantity} between 0 and 100000`),
    index().on(t.organizationId, t.workOrderId, t.id),
    index().on(t.organizationId, t.partId, t.id),
  ],
);
