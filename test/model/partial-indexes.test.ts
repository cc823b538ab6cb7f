// Which partial indexes serve lists and stand for unique keys: those that leave out nothing but
// what every statement leaves out, the rows that are marked as deleted.
//
// Planted fault, red before it was taken out again: any column named deleted_at taken for the mark.
import { type SQL, sql } from "drizzle-orm";
import { index, type PgTable, text, timestamp, uniqueIndex } from "drizzle-orm/pg-core";
import { expect, test } from "vitest";
import { softDeleted } from "../../src/model/columns.ts";
import { compileTable } from "../../src/model/compile-table.ts";
import { Problems } from "../../src/model/problems.ts";
import { organizations, tenantTable } from "./declared.ts";

const day = (name: string) => timestamp(name, { withTimezone: true });
const living = sql`deleted_at is null`;

function names(table: PgTable): readonly string[] {
  const keys = new Map([[table, "things"]]);
  const problems = new Problems();
  const { indexes, partIndexes } = compileTable("things", table, {
    problems,
    tenant: organizations,
    keys,
    relations: {},
  });
  problems.throwIfAny("test");
  return [...indexes, ...partIndexes].map(({ name }) => name);
}

/** A B-tree, a unique key and a GIN index of the living rows alone. */
function indexesOf(t: { organizationId: never; code: never }, where: SQL): readonly unknown[] {
  return [
    index("by_code").on(t.organizationId, t.code).where(where),
    uniqueIndex("one_code").on(t.organizationId, t.code).where(where),
    index("part_of_code").using("gin", t.organizationId, t.code).where(where),
  ];
}
const ALL = ["primary key", "by_code", "one_code", "part_of_code"];

test("an index of the rows that are not marked serves as a whole one does", () => {
  const marked = tenantTable("things", { code: text(), ...softDeleted() }, (t) =>
    indexesOf(t, living),
  );
  expect(names(marked)).toEqual(ALL);
  const named = tenantTable("things", { code: text(), deletedAt: day("gone_at") }, (t) =>
    indexesOf(t, sql`${t.deletedAt} is null`),
  );
  expect(names(named)).toEqual(ALL);
});

test("an index without rows that statements do see serves nothing", () => {
  const columns = { code: text(), removedAt: day("deleted_at") };
  const unmarked = tenantTable("things", columns, (t) => indexesOf(t, living));
  expect(names(unmarked)).toEqual(["primary key"]);
  const more = { ...columns, deletedAt: day("gone_at") };
  const other = tenantTable("things", more, (t) => indexesOf(t, living));
  expect(names(other)).toEqual(["primary key"]);
});
