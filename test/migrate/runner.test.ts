import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { addressWith } from "../../src/database/embedded-url.ts";
import { migrateDown, migrateUp, migrationStatus } from "../../src/migrate/runner.ts";
import { createScratch, type Scratch, type Script } from "./scratch.ts";

let scratch: Scratch;
beforeEach(async () => {
  scratch = await createScratch();
});
afterEach(() => scratch.drop());

const TWO: readonly Script[] = [
  { name: "one", up: "create table one (id int);", down: "drop table one;" },
  { name: "two", up: "create table two (id int);", down: "drop table two;" },
];

async function tables(): Promise<readonly string[]> {
  const rows = await scratch.owner.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace order by 1",
  );
  return rows.map(({ name }) => name);
}

async function states(): Promise<readonly string[]> {
  const status = await migrationStatus(scratch.options());
  return status.map(({ name, state }) => `${name} ${state}`);
}

async function failureOf(run: Promise<unknown>): Promise<StartError> {
  const failure = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof StartError)) throw new Error(`No StartError but: ${String(failure)}`);
  return failure;
}

describe("up", () => {
  // Planted: the history looked for in any schema -> red.
  test("is not misled by a table of the same name that is somebody else's", async () => {
    await scratch.owner.query("create table migrations (id int)");
    await scratch.write(TWO);
    expect(await states()).toEqual(["0001-one pending", "0002-two pending"]);
    await migrateUp(scratch.options());
    expect(await states()).toEqual(["0001-one applied", "0002-two applied"]);
  });

  test("applies what is pending in order, once, and says what it did", async () => {
    await scratch.write(TWO);
    expect(await states()).toEqual(["0001-one pending", "0002-two pending"]);
    const messages: string[] = [];
    const onProgress = (message: string) => messages.push(message);
    const options = scratch.options({ onProgress, appVersion: "1.2.3" });
    const summary = await migrateUp(options);
    expect(summary).toMatchObject({
      direction: "up",
      migrations: [
        { scope: "app", name: "0001-one" },
        { scope: "app", name: "0002-two" },
      ],
    });
    expect(messages).toEqual(["Applying 0001-one", "Applying 0002-two"]);
    expect(await tables()).toEqual(["one", "two"]);
    expect(await states()).toEqual(["0001-one applied", "0002-two applied"]);
    expect((await migrateUp(options)).migrations).toEqual([]);
    const [row] = await scratch.owner.query(
      `select checksum ~ '^[0-9a-f]{64}$' as sum, duration_ms >= 0 as took, app_version,
         commit_guard from backwright.migrations where name = '0001-one'`,
    );
    expect(row).toEqual({ sum: true, took: true, app_version: "1.2.3", commit_guard: null });
  });

  test("stops where it is told to", async () => {
    await scratch.write(TWO);
    await migrateUp(scratch.options({ to: "0001-one" }));
    expect(await states()).toEqual(["0001-one applied", "0002-two pending"]);
    await expect(migrateUp(scratch.options({ to: "0003-three" }))).rejects.toThrow("no migration");
  });

  test("applies built-in migrations first and puts the quoted roles into them alone", async () => {
    const up = `create table backwright.own (id int, word text default ':app_role'::text);
      grant select on backwright.own to :app_role;
      create policy p on backwright.own to :owner_role using (true);`;
    const system = [{ name: "0001-own", up, down: "" }];
    await scratch.write([{ name: "one", up: "create view one as select ':app_role' as role" }]);
    const { migrations } = await migrateUp(scratch.options({ system }));
    expect(migrations.map(({ scope, name }) => `${scope} ${name}`)).toEqual([
      "system 0001-own",
      "app 0001-one",
    ]);
    expect(await scratch.app.query("select * from backwright.own")).toEqual([]);
    expect(await scratch.owner.query("select role from one")).toEqual([{ role: ":app_role" }]);
  });

  test("reports a read-only status without creating anything", async () => {
    await scratch.write(TWO);
    await states();
    const [row] = await scratch.owner.query(
      "select count(*)::int as n from pg_namespace where nspname = 'backwright'",
    );
    expect(row).toEqual({ n: 0 });
  });
});

describe("a file that fails", () => {
  test("is rolled back as a whole and reported with file, line and standing", async () => {
    const up = "-- ä comment 🐘\ncreate table three (id int);\n\nselect nothing from three;\n";
    await scratch.write([...TWO, { name: "three", up }]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.message).toBe(
      `0003-three failed at ${join(scratch.directory, "0003-three", "up.sql")}, line 4: ` +
        'column "nothing" does not exist (42703). ' +
        "The file was rolled back; the database stands after 0002-two.",
    );
    expect(failure.fix).toContain("Correct the file");
    expect(await tables()).toEqual(["one", "two"]);
    expect(await states()).toEqual(["0001-one applied", "0002-two applied", "0003-three pending"]);
    // Planted fault: record before the file in a transaction of its own -> red.
  });

  test("keeps values of rows out of the message", async () => {
    const up = "create table t (mail text primary key); insert into t values ('a@b.c'), ('a@b.c');";
    await scratch.write([{ name: "one", up }]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.message).toContain("duplicate key value");
    expect(failure.message).not.toContain("a@b.c");
  });

  test("that commits half-way is refused by PostgreSQL, and nothing of it stays", async () => {
    const up = "create table one (id int);\ncommit;\ncreate table two (id int);";
    await scratch.write([{ name: "one", up }]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.message).toContain("ends its own transaction. The file was rolled back");
    expect(failure.fix).toContain("COMMIT");
    expect(await tables()).toEqual([]);
    // Planted fault: no commit_guard -> table "one" stays without a record.
  });

  test("that rolls back is not recorded", async () => {
    const up = "create table one (id int); rollback; select 1;";
    await scratch.write([{ name: "one", up }]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.message).toContain("ends its own transaction. It is not recorded");
    expect(await states()).toEqual(["0001-one pending"]);
  });

  test("leaves the lock to the next run", async () => {
    await scratch.write([{ name: "one", up: "syntax error;" }]);
    await failureOf(migrateUp(scratch.options()));
    await scratch.edit("0001-one/up.sql", "select 1;");
    expect((await migrateUp(scratch.options({ runWaitMs: 0 }))).migrations).toHaveLength(1);
  });
});

describe("what was applied", () => {
  test("must not change afterwards", async () => {
    await scratch.write(TWO);
    await migrateUp(scratch.options());
    await scratch.edit("0001-one/up.sql", "create table one (id bigint);");
    expect(await states()).toEqual(["0001-one changed", "0002-two applied"]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.message).toContain("app 0001-one: changed");
    expect(failure.fix).toContain(join(scratch.directory, "0001-one", "up.sql"));
    await expect(migrateDown(scratch.options())).rejects.toThrow("0001-one: changed");
    // Planted fault: compare names only -> red.
  });

  test("must not disappear", async () => {
    await scratch.write(TWO);
    await migrateUp(scratch.options());
    await rm(join(scratch.directory, "0002-two"), { recursive: true });
    expect(await states()).toEqual(["0001-one applied", "0002-two missing"]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.fix).toContain("version control");
    // Planted: advice without it -> red. Who deleted the folder on purpose had no way on.
    expect(failure.fix).toContain("npx backwright db reset");
  });

  test("of a newer Backwright stops an older one", async () => {
    const system = ["a", "b"].map((name) => ({ name, up: "select 1", down: "" }));
    await migrateUp(scratch.options({ system }));
    const failure = await failureOf(migrateUp(scratch.options({ system: system.slice(0, 1) })));
    expect(failure.fix).toContain("A newer Backwright");
  });

  test("must not be preceded by something new", async () => {
    const system = ["a", "b", "c"].map((name) => ({ name, up: "select 1", down: "" }));
    await migrateUp(scratch.options({ system: system.filter(({ name }) => name !== "b") }));
    await expect(migrateUp(scratch.options({ system }))).rejects.toThrow(
      "b (the built-in migration b) is new, but c after it is applied",
    );
  });

  test("under another name is missing", async () => {
    await scratch.write(TWO);
    await migrateUp(scratch.options());
    await rename(join(scratch.directory, "0001-one"), join(scratch.directory, "0001-uno"));
    expect(await states()).toEqual(["0001-uno pending", "0002-two applied", "0001-one missing"]);
  });
});

describe("down", () => {
  test("takes back the newest first, and up applies them again", async () => {
    await scratch.write(TWO);
    await migrateUp(scratch.options());
    const { migrations } = await migrateDown({ ...scratch.options(), steps: 2 });
    expect(migrations.map(({ name }) => name)).toEqual(["0002-two", "0001-one"]);
    expect(await tables()).toEqual([]);
    expect((await migrateUp(scratch.options())).migrations).toHaveLength(2);
  });

  test("changes nothing when one of the files is missing or too many are asked for", async () => {
    await scratch.write(TWO);
    await migrateUp(scratch.options());
    await rm(join(scratch.directory, "0001-one", "down.sql"));
    const two = { ...scratch.options(), steps: 2 };
    await expect(migrateDown(two)).rejects.toThrow("0001-one has no down.sql");
    await expect(migrateDown({ ...two, steps: 3 })).rejects.toThrow("2 are applied");
    await expect(migrateDown({ ...two, steps: 0 })).rejects.toThrow(StartError);
    expect(await tables()).toEqual(["one", "two"]);
  });

  test("that fails or commits half-way leaves the migration applied", async () => {
    await scratch.write(TWO);
    await migrateUp(scratch.options());
    for (const down of ["drop table two; select nothing;", "drop table two; commit; select 1;"]) {
      await scratch.edit("0002-two/down.sql", down);
      const failure = await failureOf(migrateDown(scratch.options()));
      expect(failure.message).toContain("0002-two is still applied");
      expect(await tables()).toEqual(["one", "two"]);
      expect(await states()).toEqual(["0001-one applied", "0002-two applied"]);
    }
  });

  test("never takes back a built-in migration", async () => {
    const system = [{ name: "a", up: "select 1", down: "select 1" }];
    await migrateUp(scratch.options({ system }));
    await expect(migrateDown(scratch.options({ system }))).rejects.toThrow("0 are applied");
  });
});

describe("a file outside a transaction", () => {
  const marked = (sql: string) => `-- backwright: no-transaction\n${sql}`;
  const base = { name: "one", up: "create table one (id int); insert into one values (1), (1);" };
  const indexed = (unique: string) => ({
    name: "two",
    up: marked(`create ${unique} index concurrently by_id on one (id);`),
    down: marked("drop index concurrently by_id;"),
  });

  test("can build an index concurrently and drop it again", async () => {
    await scratch.write([base, indexed("")]);
    await migrateUp(scratch.options());
    expect(await tables()).toEqual(["by_id", "one"]);
    await migrateDown(scratch.options());
    expect(await tables()).toEqual(["one"]);
    expect(await states()).toEqual(["0001-one applied", "0002-two pending"]);
  });

  test("holds one statement: more are refused before any of them runs", async () => {
    await scratch.write([base, { name: "two", up: marked("drop table one; select 1;") }]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.message).toContain("cannot insert multiple commands");
    expect(await tables()).toEqual(["one"]);
    expect(await states()).toEqual(["0001-one applied", "0002-two pending"]);
    // Planted fault: send it without values (simple protocol) -> table "one" is gone.
  });

  test("that fails stays started, and the advice settles it either way", async () => {
    await scratch.write([base, indexed("unique")]);
    const failure = await failureOf(migrateUp(scratch.options()));
    expect(failure.message).toContain("failed outside a transaction");
    expect(await states()).toEqual(["0001-one applied", "0002-two started"]);
    const [, row] = await migrationStatus(scratch.options());
    expect(row?.advice).toBe(failure.fix);
    await expect(migrateUp(scratch.options())).rejects.toThrow("0002-two: started");
    const [complete = "", repeat = ""] = row?.advice?.match(/^ {2}.*;$/gm) ?? [];
    await scratch.owner.query(complete);
    expect(await states()).toEqual(["0001-one applied", "0002-two applied"]);
    await scratch.owner.query("drop index by_id; delete from one where ctid = '(0,1)'");
    await scratch.owner.query(repeat);
    await migrateUp(scratch.options());
    expect(await states()).toEqual(["0001-one applied", "0002-two applied"]);
  });

  test("that fails on its way down can be settled too", async () => {
    await scratch.write([base, indexed("")]);
    await migrateUp(scratch.options());
    await scratch.owner.query("drop index by_id");
    await failureOf(migrateDown(scratch.options()));
    const [, row] = await migrationStatus(scratch.options());
    expect(row?.state).toBe("reverting");
    const [complete = ""] = row?.advice?.match(/^ {2}.*;$/gm) ?? [];
    await scratch.owner.query(complete);
    expect(await states()).toEqual(["0001-one applied", "0002-two pending"]);
  });
});

test("every message of a failed connection leaves the password out", async () => {
  const database = scratch.ownerRole.replace(/_owner$/, "");
  const wrong = addressWith(scratch.ownerUrl, { password: "secret-word", database });
  for (const url of [
    wrong,
    "postgres://a:secret-word@127.0.0.1:1/x",
    "postgres://a:secret-word@[",
  ]) {
    const failure = await failureOf(migrateUp(scratch.options({ ownerUrl: url })));
    expect(`${failure.message} ${failure.fix}`).not.toContain("secret-word");
    expect(failure.fix).toMatch(/Check|Write/);
  }
});

test("line ends changed by a checkout do not count as a changed file", async () => {
  await scratch.write(TWO);
  await migrateUp(scratch.options());
  const path = join(scratch.directory, "0001-one", "up.sql");
  await writeFile(path, (await readFile(path, "utf8")).replaceAll("\n", "\r\n"));
  expect(await states()).toEqual(["0001-one applied", "0002-two applied"]);
});
