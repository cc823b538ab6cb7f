// The tables: plain Drizzle. Every tenant table starts with the company that owns its rows.
import { id, state, tracked } from "backwright";
import { index, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

export const companies = pgTable("companies", {
  id: id().primaryKey(),
  name: text().notNull(),
  ...tracked(),
});

export const tasks = pgTable(
  "tasks",
  {
    companyId: uuid("company_id")
      .notNull()
      .references(() => companies.id),
    id: id(),
    title: text().notNull(),
    status: state(["open", "done"]).notNull().default("open"),
    /** `me.id` of whoever made it. */
    createdBy: uuid("created_by").notNull(),
    dueAt: timestamp("due_at", { withTimezone: true }),
    ...tracked(),
  },
  // What a list may be filtered and sorted by is what an index serves.
  (t) => [
    primaryKey({ columns: [t.companyId, t.id] }),
    index().on(t.companyId, t.status, t.id),
    index().on(t.companyId, t.dueAt, t.id),
  ],
);
