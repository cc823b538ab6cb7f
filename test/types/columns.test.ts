import { getColumns, getColumnTable } from "drizzle-orm";
import { integer, pgEnum, pgTable, text, varchar } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { id, state, stateValues, tracked } from "../../src/model/columns.ts";

const mood = pgEnum("mood", ["sad", "happy"]);
const things = pgTable("things", {
  id: id().primaryKey(),
  parentId: id("parent_id"),
  status: state(["open", "done"]).notNull().default("open"),
  kind: state("kind_of_thing", ["a", "b"]),
  byHand: text({ enum: ["x", "y"] }),
  list: state(["p", "q"]).array(),
  title: text(),
  code: varchar({ length: 3 }),
  mood: mood(),
  count: integer(),
  ...tracked(),
});
const columns = getColumns(things);

describe("id()", () => {
  // Planted fault: a default function that makes no id -> red.
  test("is a uuid that is not null and is made in Node as version 7", () => {
    expect(columns.id.getSQLType()).toBe("uuid");
    expect(columns.id.notNull).toBe(true);
    expect(columns.id.default).toBeUndefined();
    const made = columns.id.defaultFn?.();
    expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(columns.id.defaultFn?.()).not.toBe(made);
  });

  // Planted fault: the given name ignored -> red.
  test("has the name of its key, or the name that it is given", () => {
    expect(columns.id.name).toBe("id");
    expect(columns.parentId.name).toBe("parent_id");
  });
});

describe("state()", () => {
  // Planted fault: the given name ignored -> red.
  test("is a text column with the name of its key, or the name that it is given", () => {
    expect(columns.status.getSQLType()).toBe("text");
    expect(columns.status.name).toBe("status");
    expect(columns.kind.name).toBe("kind_of_thing");
    expect(columns.status.notNull).toBe(true);
    expect(columns.status.default).toBe("open");
    expect(columns.kind.notNull).toBe(false);
  });

  // Planted fault: the check for doubles removed -> red.
  test("refuses an empty state and one that stands there twice", () => {
    expect(() => state(["open", "done", "open"])).toThrow(/twice/);
    expect(() => state(["open", ""])).toThrow(/empty/);
  });
});

describe("stateValues()", () => {
  // Planted fault: the check of dimensions removed -> red.
  test("knows the states of text columns only, also of those written by hand", () => {
    const known = Object.entries(columns).map(([key, column]) => [key, stateValues(column)]);
    expect(Object.fromEntries(known.filter(([, values]) => values !== undefined))).toEqual({
      status: ["open", "done"],
      kind: ["a", "b"],
      byHand: ["x", "y"],
    });
  });
});

describe("tracked()", () => {
  // Planted fault: withTimezone left out -> red.
  test("adds instants with microseconds and a version, all with values from the database", () => {
    const facts = [columns.createdAt, columns.updatedAt, columns.version].map((column) => ({
      name: column.name,
      type: column.getSQLType(),
      notNull: column.notNull,
      hasDefault: column.hasDefault,
    }));
    const instant = { type: "timestamp with time zone", notNull: true, hasDefault: true };
    expect(facts).toEqual([
      { name: "created_at", ...instant },
      { name: "updated_at", ...instant },
      { name: "version", type: "integer", notNull: true, hasDefault: true },
    ]);
    expect(columns.version.default).toBe(1);
  });

  test("gives every table columns of its own", () => {
    const others = pgTable("others", { id: id().primaryKey(), ...tracked() });
    expect(getColumnTable(others.version)).toBe(others);
    expect(getColumnTable(columns.version)).toBe(things);
  });
});
