// Extensions that declared indexes need: planned before them, once, and asked of an administrator
// where the owner may not create them.
import { getTableConfig, index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { planMigration } from "../../src/migrate/plan.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { createScratch, type Scratch } from "./scratch.ts";

type Keys = "concurrent" | "title" | "org title" | "org tags" | "tags" | "data";
const things = (...keys: readonly Keys[]) =>
  pgTable(
    "things",
    { org: uuid().notNull(), title: text(), tags: text().array(), data: jsonb() },
    (t) => {
      const parts = index("by_org_title").using("gin", t.org, t.title.op("gin_trgm_ops"));
      const indexes = {
        concurrent: parts.concurrently(),
        title: index("by_title").using("gin", t.title.op("gin_trgm_ops")),
        "org title": index("by_org_title").using("gin", t.org, t.title.op("gin_trgm_ops")),
        "org tags": index("by_org_tags").using("gin", t.org, t.tags),
        tags: index("by_tags").using("gin", t.tags),
        data: index("by_data").using("gin", t.data.op("jsonb_path_ops")),
      };
      return keys.map((key) => indexes[key]);
    },
  );
const source = (...keys: readonly Keys[]) => ({
  tables: { things: things(...keys) },
  walls: [],
  states: [],
});
const created = (script: string): string[] =>
  [...script.matchAll(/create extension if not exists (\w+);/g)].map(([, name = ""]) => name);

describe("the plan", () => {
  // Planted: extensions after the tables -> red in the run below; on the way down -> red here.
  test.each<[readonly Keys[], string[]]>([
    [[], []],
    [["tags", "data"], []],
    [["title"], ["pg_trgm"]],
    [["org tags"], ["btree_gin"]],
    [["org title"], ["btree_gin", "pg_trgm"]],
  ])("of indexes %j creates %j, and leaves them on the way down", async (keys, extensions) => {
    const plan = await planMigration(source(...keys), null);
    expect(created(plan.up)).toEqual(extensions);
    expect(plan.down).not.toContain("extension");
    expect(getTableConfig(things(...keys)).indexes).toHaveLength(keys.length);
  });

  test("of an index built concurrently names them to be created before it", async () => {
    const { snapshot } = await planMigration(source(), null);
    const { up } = await planMigration(source("concurrent"), snapshot);
    expect(up.split("\n")).toEqual([
      "-- backwright: no-transaction",
      "-- backwright: needs extension btree_gin",
      "-- backwright: needs extension pg_trgm",
      expect.stringMatching(/^CREATE INDEX CONCURRENTLY "by_org_title"/),
      "",
    ]);
  });

  test("creates what the last snapshot did not need already", async () => {
    const { snapshot } = await planMigration(source("title"), null);
    expect(created((await planMigration(source("title", "org title"), snapshot)).up)).toEqual([
      "btree_gin",
    ]);
    expect(created((await planMigration(source(), snapshot)).up)).toEqual([]);
  });
});

describe("a run", () => {
  let scratch: Scratch;
  beforeEach(async () => {
    scratch = await createScratch();
  });
  afterEach(() => scratch?.drop());

  test("of the plan makes them as the owner, twice without harm", async () => {
    const { up, down } = await planMigration(source("org title", "org tags"), null);
    await scratch.write([{ name: "things", up, down }]);
    await migrateUp(scratch.options());
    await scratch.write([{ name: "again", up: "create extension if not exists pg_trgm;" }]);
    await migrateUp(scratch.options());
  });

  test("of an index built concurrently makes them before it, outside a transaction", async () => {
    const first = await planMigration(source(), null);
    const { up } = await planMigration(source("concurrent"), first.snapshot);
    await scratch.write([
      { name: "things", up: first.up },
      { name: "index", up },
    ]);
    await migrateUp(scratch.options());
    const valid = "select from pg_index where indexrelid = 'by_org_title'::regclass and indisvalid";
    expect(await scratch.owner.query(valid)).toHaveLength(1);
  });

  test("tells what an administrator runs where the owner may not create one", async () => {
    const up =
      "create extension if not exists file_fdw;\n\ncreate extension if not exists nowhere;";
    await scratch.write([{ name: "foreign", up }]);
    const failure = await migrateUp(scratch.options()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect((failure as StartError).fix).toContain(
      "repeat the command:\n  create extension file_fdw;\n  create extension nowhere;",
    );
  });
});
