import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { draftMigration, planMigration, type SchemaSource } from "../../src/migrate/plan.ts";
import { formatSnapshot, parseSnapshot } from "../../src/migrate/snapshot.ts";
import { assetStates, assetsWith, organizations, schema, withAssets } from "./scratch.ts";

const NO_SOURCE: SchemaSource = { tables: {}, walls: [], states: [] };

/** The plan of the step from one source to the next. */
async function planStep(from: SchemaSource, to: SchemaSource, hints = {}) {
  const { snapshot } = await planMigration(from, null);
  return planMigration(to, parseSnapshot(formatSnapshot(snapshot), "snapshot.json"), hints);
}

describe("the plan of a whole schema", () => {
  test("holds tables, states, keys and walls in an order that runs, both ways", async () => {
    const plan = await planMigration(schema, null);
    expect(plan.empty).toBe(false);
    await expect(plan.up).toMatchFileSnapshot("golden/whole-schema.up.sql");
    await expect(plan.down).toMatchFileSnapshot("golden/whole-schema.down.sql");
  });

  test("gives the same bytes for the same schema, however its tables are ordered", async () => {
    const shuffled = Object.fromEntries(Object.entries(schema.tables).reverse());
    const first = await planMigration(schema, null);
    const again = await planMigration(schema, null);
    const other = await planMigration(
      { ...schema, tables: shuffled, walls: schema.walls.toReversed() },
      null,
    );
    expect(formatSnapshot(again.snapshot)).toBe(formatSnapshot(first.snapshot));
    expect(formatSnapshot(other.snapshot)).toBe(formatSnapshot(first.snapshot));
    expect(other.up).toBe(first.up);
    // Planted fault: keep the id that drizzle-kit makes -> red.
  });

  test("is empty when nothing changed, also after the snapshot went through its file", async () => {
    const plan = await planStep(schema, schema);
    expect(plan).toMatchObject({ empty: true, up: "", down: "" });
  });

  test("of an empty app is empty", async () => {
    expect((await planMigration(NO_SOURCE, null)).empty).toBe(true);
  });
});

describe("states", () => {
  const table = assetsWith({ status: text().notNull().default("active") });
  const values = (...list: string[]) =>
    withAssets(table, { states: [{ ...assetStates, values: list }] });

  test("a changed list replaces the check, both ways", async () => {
    const plan = await planStep(values("active", "it's"), values("active", "retired"));
    expect(plan.up).toBe(
      'ALTER TABLE "assets" DROP CONSTRAINT "assets_status_states", ' +
        'ADD CONSTRAINT "assets_status_states" ' +
        `CHECK ("status" in ('active', 'retired'));\n`,
    );
    expect(plan.down).toContain(`CHECK ("status" in ('active', 'it''s'))`);
  });

  test("a list that appears or disappears adds or drops the check", async () => {
    const none = withAssets(table);
    const added = await planStep(none, values("active"));
    expect(added.up).toContain('ADD CONSTRAINT "assets_status_states" CHECK');
    expect(added.down).toBe('ALTER TABLE "assets" DROP CONSTRAINT "assets_status_states";\n');
    expect((await planStep(values("active"), none)).up).toBe(added.down);
  });

  test("the check's name stays within what PostgreSQL keeps of a name", async () => {
    const name = `ä${"long".repeat(15)}`;
    const source = {
      ...NO_SOURCE,
      tables: { a: pgTable("a", { [name]: text() }) },
      states: [{ schema: null, table: "a", column: name, values: ["x"] }],
    };
    const { up } = await planMigration(source, null);
    const check = /CONSTRAINT "([^"]+_states)"/.exec(up)?.[1] ?? "";
    expect(check).toMatch(/^a_ä.*_[0-9a-f]{10}_states$/);
    expect(Buffer.byteLength(check)).toBeLessThanOrEqual(63);
  });
});

describe("walls", () => {
  const table = assetsWith({});
  const walled = withAssets(table);
  const open = withAssets(table, { walls: walled.walls.slice(0, 1) });

  test("a wall goes up after the table's changes and comes down before them", async () => {
    const wider = withAssets(assetsWith({ extra: text() }), { walls: open.walls });
    const lowered = await planStep(walled, wider);
    expect(lowered.up.split("\n\n").map((block) => block.trim())).toEqual([
      'drop policy tenant_wall on "assets";',
      'alter table "assets" no force row level security;',
      'alter table "assets" disable row level security;',
      'ALTER TABLE "assets" ADD COLUMN "extra" text;',
    ]);
    const back = lowered.down.split("\n\n").map((block) => block.trim().split("\n")[0]);
    expect(back).toEqual([
      "-- destroys data",
      'alter table "assets" enable row level security;',
      'alter table "assets" force row level security;',
      'create policy tenant_wall on "assets"',
    ]);
  });

  test("a dropped table takes its wall along", async () => {
    const without: SchemaSource = { tables: { organizations }, walls: open.walls, states: [] };
    const plan = await planStep(walled, without);
    expect(plan.up).not.toContain("drop policy");
    expect(plan.down).toContain('create policy tenant_wall on "assets"');
  });

  test("another tenant column means another wall", async () => {
    const walls = walled.walls.map((wall) => ({ ...wall, column: "id" }));
    const { up } = await planStep(walled, { ...walled, walls });
    expect(up.indexOf('drop policy tenant_wall on "assets";')).toBe(0);
    expect(up).toContain('using ("id" = ');
  });

  test("Drizzle's own row security never takes a wall down", async () => {
    const plan = await planStep(withAssets(assetsWith({}).enableRLS()), walled);
    expect(plan.empty).toBe(true);
    // Planted fault: give drizzle-kit the table's isRlsEnabled -> "DISABLE ROW LEVEL SECURITY".
  });
});

describe("what loses data", () => {
  test("is marked in the file that loses it", async () => {
    const plan = await planStep(
      withAssets(assetsWith({})),
      withAssets(assetsWith({ extra: integer() })),
    );
    expect(plan.up).toBe('ALTER TABLE "assets" ADD COLUMN "extra" integer;\n');
    expect(plan.down).toBe('-- destroys data\nALTER TABLE "assets" DROP COLUMN "extra";\n');
  });
});

describe("renames", () => {
  const before = withAssets(assetsWith({ title: text() }));
  const after = withAssets(assetsWith({ name: text() }));

  test("are asked for, not guessed, and the message names the column and the way on", async () => {
    const failure = await planStep(before, after).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect(String(failure)).toContain("column public.assets.name: new, or renamed");
    expect((failure as StartError).fix).toContain("migrate new <name> --by-hand");
  });

  test("given as hints keep the rows, both ways", async () => {
    const from = ["public", "assets", "title"];
    const to = ["public", "assets", "name"];
    const hints = [{ type: "rename", kind: "column", from, to }];
    const plan = await planStep(before, after, { hints });
    expect(plan.up).toBe('ALTER TABLE "assets" RENAME COLUMN "title" TO "name";\n');
    expect(plan.down).toBe('ALTER TABLE "assets" RENAME COLUMN "name" TO "title";\n');
  });

  test("of a table keep its wall", async () => {
    const renamed: SchemaSource = {
      tables: { organizations, things: assetsWith({ title: text() }, "things") },
      walls: [
        ...before.walls.slice(0, 1),
        { schema: null, table: "things", column: "organization_id" },
      ],
      states: [],
    };
    const hints = [
      { type: "rename", kind: "table", from: ["public", "assets"], to: ["public", "things"] },
    ];
    const plan = await planStep(before, renamed, { hints });
    expect(plan.up).toBe('ALTER TABLE "assets" RENAME TO "things";\n');
    expect(plan.down).toBe('ALTER TABLE "things" RENAME TO "assets";\n');
  });

  test("of a table together with its column come back together", async () => {
    const renamed: SchemaSource = {
      ...withAssets(assetsWith({ name: text() }, "things")),
      walls: before.walls.map((wall) => ({
        ...wall,
        table: wall.table.replace("assets", "things"),
      })),
    };
    const hints = [
      { type: "rename", kind: "table", from: ["public", "assets"], to: ["public", "things"] },
      {
        type: "rename",
        kind: "column",
        from: ["public", "things", "title"],
        to: ["public", "things", "name"],
      },
    ];
    const plan = await planStep(before, renamed, { hints });
    expect(`${plan.up}${plan.down}`).not.toMatch(/destroys data|policy/);
    expect(plan.down).toContain('RENAME COLUMN "name" TO "title"');
    // Planted fault: swap the hints without the table's name -> the way down drops the column.
  });

  test("of indexes and constraints are not worth a question: they are made again", async () => {
    const source = (name: string) => withAssets(assetsWith({ title: text() }, "assets", name));
    const plan = await planStep(source("one"), source("two"));
    expect(plan.up).toMatch(/DROP INDEX "one";\n\nCREATE INDEX "two"/);
  });

  test("can be written by hand into a draft that fails until it is complete", async () => {
    const { snapshot } = await planMigration(before, null);
    const draft = await draftMigration(after, snapshot);
    expect(draft.up).toContain("raise exception 'This migration is a draft");
    expect(draft.up).toContain('-- ALTER TABLE "assets" DROP COLUMN "title";');
    // Planted: likelyRenames without what is dropped -> red.
    expect(draft.up).toContain('-- ALTER TABLE "assets" RENAME COLUMN "title" TO "name";');
    expect(draft.down).toContain('-- ALTER TABLE "assets" RENAME COLUMN "name" TO "title";');
    expect(await planMigration(after, draft.snapshot)).toMatchObject({ empty: true });
  });
});

describe("indexes built concurrently", () => {
  const plain = withAssets(assetsWith({ title: text() }));
  const indexed = withAssets(assetsWith({ title: text() }, "assets", "by_title", true));

  test("stand alone in a file that runs outside a transaction", async () => {
    const plan = await planStep(plain, indexed);
    expect(plan.up).toMatch(/^-- backwright: no-transaction\nCREATE INDEX CONCURRENTLY "by_title"/);
    expect(plan.down).toBe('DROP INDEX "by_title";\n');
  });

  test("beside other changes are refused", async () => {
    const table = assetsWith({ title: text(), extra: text() }, "assets", "by_title", true);
    await expect(planStep(plain, withAssets(table))).rejects.toThrow("a migration of its own");
  });

  test("are built inside the file that creates their table", async () => {
    const { up } = await planMigration(indexed, null);
    expect(up).toContain('CREATE INDEX "by_title"');
  });
});

test("without drizzle-kit the plan says what to install", async () => {
  const plan = new URL("../../src/migrate/plan.ts", import.meta.url);
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve: (name, context, next) =>
        next(name.startsWith("drizzle-kit") ? "drizzle-kit-that-is-missing" : name, context),
    });
    const { planMigration } = await import("${plan}");
    await planMigration({ tables: {}, walls: [], states: [] }, null)
      .catch(({ name, message, fix }) => console.log(name, message, fix));`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "-e",
    program,
  ]);
  expect(stdout).toBe(
    "StartError Planning a migration needs drizzle-kit, which cannot be loaded here. " +
      "npm install --save-dev drizzle-kit@1.0.0-rc.5\n",
  );
});

test("tables that drizzle-kit refuses stop the plan with its reason, not the process", async () => {
  const twice = { a: pgTable("same", { id: uuid() }), b: pgTable("same", { id: uuid() }) };
  const failure = planMigration({ ...NO_SOURCE, tables: twice }, null);
  await expect(failure).rejects.toThrow(
    /does not accept the tables: .*duplicate table name "same"/,
  );
  // Planted fault: call drizzle-kit without catching process.exit -> vitest reports the exit.
});
