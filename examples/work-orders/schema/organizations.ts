// The tenant, and the column by which every other table belongs to one.
import { id, tracked } from "backwright";
import { pgTable, text, uuid } from "drizzle-orm/pg-core";

export const organizations = pgTable("organizations", {
  id: id().primaryKey(),
  name: text().notNull(),
  timeZone: text("time_zone").notNull().default("UTC"),
  ...tracked(),
});

export const organizationId = () =>
  uuid("organization_id")
    .notNull()
    .references(() => organizations.id);
