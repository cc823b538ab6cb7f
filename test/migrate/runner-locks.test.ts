import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSession } from "../../src/database/session.ts";
import { migrateUp, migrationStatus } from "../../src/migrate/runner.ts";
import { createScratch, type Scratch } from "./scratch.ts";

let scratch: Scratch;
beforeEach(async () => {
  scratch = await createScratch();
});
afterEach(() => scratch.drop());

/** Waits until a session of this database runs a statement that matches. */
async function untilRunning(pattern: string): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const [row] = await scratch.owner.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and state = 'active'
         and pid <> pg_backend_pid() and query like $1`,
      [pattern],
    );
    if (row !== undefined) return row.pid;
    await sleep(25);
  }
  throw new Error(`Nothing runs ${pattern}`);
}

describe("two runs at once", () => {
  test("apply each file exactly once between them", async () => {
    await scratch.write([
      { name: "log", up: "create table log (name text);" },
      ...["a", "b", "c", "d"].map((name) => ({
        name,
        up: `insert into log values ('${name}'); select pg_sleep(0.05);`,
      })),
    ]);
    const runs = await Promise.all(Array.from({ length: 4 }, () => migrateUp(scratch.options())));
    expect(runs.map(({ migrations }) => migrations.length).sort()).toEqual([0, 0, 0, 5]);
    const rows = await scratch.owner.query("select name from log order by name");
    expect(rows).toEqual([{ name: "a" }, { name: "b" }, { name: "c" }, { name: "d" }]);
    // Planted fault: acquireMigrationLock returns at once -> two of them fail on create schema.
  });

  test("the second names the first while it waits, and gives up at its limit", async () => {
    await scratch.write([{ name: "slow", up: "select pg_sleep(1);" }]);
    const first = migrateUp(scratch.options());
    const pid = await untilRunning("%pg_sleep(1)%");
    const messages: string[] = [];
    const onProgress = (message: string) => messages.push(message);
    const holder = `process ${pid} (application "backwright migrate", user ${scratch.ownerRole})`;
    const second = migrateUp(scratch.options({ runWaitMs: 300, onProgress }));
    await expect(second).rejects.toThrow(`still holds the lock after 0 s: ${holder}.`);
    expect(messages).toEqual([`Waiting for another migration run: ${holder}.`]);
    expect((await first).migrations).toHaveLength(1);
  });

  test("a waiting run does not stand in the way of an index built concurrently", async () => {
    const up = "-- backwright: no-transaction\ncreate index concurrently by_id on one (id);";
    await scratch.write([
      { name: "one", up: "create table one (id int);" },
      { name: "wait", up: "select pg_sleep(0.4);" },
      { name: "index", up },
    ]);
    const first = migrateUp(scratch.options());
    await untilRunning("%pg_sleep(0.4)%");
    const second = migrateUp(scratch.options());
    expect((await first).migrations).toHaveLength(3);
    expect((await second).migrations).toHaveLength(0);
    // Planted fault: wait inside pg_advisory_lock() -> "deadlock detected".
  });
});

describe("a file that does not get a lock", () => {
  const blockedFile = [
    { name: "one", up: "create table one (id int);" },
    { name: "two", up: "create table two (); alter table one add column name text;" },
  ];

  test("gives up after its attempts, names who is in the way, and leaves nothing", async () => {
    await scratch.write(blockedFile);
    await migrateUp(scratch.options({ to: "0001-one" }));
    const blocker = await openSession(scratch.ownerUrl, { applicationName: "report" });
    await blocker.query("begin; insert into one values (4711)");
    const [me] = await blocker.query<{ pid: number }>("select pg_backend_pid() as pid");
    const messages: string[] = [];
    const failure = await migrateUp(
      scratch.options({
        lockTimeoutMs: 150,
        lockAttempts: 2,
        onProgress: (message) => messages.push(message),
      }),
    ).catch(String);
    await blocker.close();
    expect(failure).toContain("0002-two did not get a lock in 2 attempts of 150 ms");
    expect(failure).toContain(
      `process ${me?.pid} (application "report", user ${scratch.ownerRole}`,
    );
    expect(failure).not.toContain("4711");
    expect(messages.at(-1)).toContain("attempt 2 of 2 in 500 ms");
    const status = await migrationStatus(scratch.options());
    expect(status.map(({ state }) => state)).toEqual(["applied", "pending"]);
    const two = await scratch.owner.query("select to_regclass('two') as two");
    expect(two).toEqual([{ two: null }]);
    // Planted fault: no lock_timeout -> the run hangs until vitest ends it.
  });

  test("is tried again and goes through once the other transaction has ended", async () => {
    await scratch.write(blockedFile);
    await migrateUp(scratch.options({ to: "0001-one" }));
    const blocker = await openSession(scratch.ownerUrl);
    await blocker.query("begin; insert into one values (1)");
    const run = migrateUp(scratch.options({ lockTimeoutMs: 100 }));
    await untilRunning("%add column name%");
    await sleep(150);
    await blocker.query("commit");
    expect((await run).migrations).toHaveLength(1);
    await blocker.close();
  });
});

test("a run whose connection is cut is rolled back and says so", async () => {
  await scratch.write([{ name: "one", up: "create table one (id int); select pg_sleep(20);" }]);
  const run = migrateUp(scratch.options()).catch(String);
  const pid = await untilRunning("%pg_sleep(20)%");
  await scratch.owner.query("select pg_terminate_backend($1)", [pid]);
  expect(await run).toContain("The file was rolled back; the database stands empty.");
  expect(await migrationStatus(scratch.options())).toMatchObject([{ state: "pending" }]);
});

describe("a run that is killed", () => {
  async function killDuring(up: string, pattern: string): Promise<void> {
    await scratch.write([{ name: "first", up }]);
    const { ownerUrl, appRole, directory } = scratch.options();
    const program = `
      import { migrateUp } from "${new URL("../../src/migrate/runner.ts", import.meta.url)}";
      await migrateUp(${JSON.stringify({ ownerUrl, appRole, directory, system: [] })});`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
    const exited = once(child, "exit");
    await untilRunning(pattern);
    child.kill("SIGKILL");
    await exited;
  }

  test("inside a transaction leaves nothing, and the next run applies the file", async () => {
    await killDuring("create table one (id int); select pg_sleep(20);", "%pg_sleep(20)%");
    // The server looks for its client every 2 s, instead of sleeping to the end.
    await scratch.edit("0001-first/up.sql", "create table one (id int);");
    const { migrations } = await migrateUp(scratch.options());
    expect(migrations).toHaveLength(1);
    // Planted fault: no client_connection_check_interval -> the lock is not free in time.
  });

  test("outside a transaction is reported as started, with what to do", async () => {
    await killDuring("-- backwright: no-transaction\nselect pg_sleep(20);", "%pg_sleep(20)%");
    const started = { name: "0001-first", state: "started" };
    // Until the server has noticed, the run counts as alive.
    const underWay = { ...started, advice: expect.stringContaining("is under way: process") };
    expect(await migrationStatus(scratch.options())).toMatchObject([underWay]);
    await expect(migrateUp(scratch.options())).rejects.toThrow("app 0001-first: started");
    const interrupted = { ...started, advice: expect.stringContaining("was interrupted") };
    expect(await migrationStatus(scratch.options())).toMatchObject([interrupted]);
  });
});
