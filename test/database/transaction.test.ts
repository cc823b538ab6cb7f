// The interactive transaction: all or nothing, alone on its connection, and the connection is free
// again whatever happened. Each database here has a single write connection, so one that is not
// given back is noticed at once.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { monotonicMs } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { Database, type DatabaseOptions } from "../../src/database/database.ts";
import { DatabaseFailure } from "../../src/database/failures.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import type { Transaction } from "../../src/database/transaction.ts";
import { raiseTenantWall } from "../../src/sql/row-security.ts";
import { Parameters, type Statement } from "../../src/sql/statement.ts";
import { startProxy } from "../sql/tcp-proxy.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";

const ACME = "00000000-0000-4000-8000-00000000000a";
const OTHER = "00000000-0000-4000-8000-00000000000b";
const acme = { claims: { tenantId: ACME } };
const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

let database: TestDatabase;
let owner: Session;
let admin: Session;
beforeAll(async () => {
  database = await createTestDatabase("transaction");
  owner = await openSession(database.ownerUrl);
  admin = await openSession(database.adminUrl);
  await owner.query(
    "create table cells (tenant uuid, name text, value int default 0);" +
      "grant select, insert, update on cells to public",
  );
  const wall = { schema: null, table: "cells", column: "tenant" };
  for (const text of raiseTenantWall(wall)) await admin.query(text);
});
afterAll(async () => {
  await owner?.close();
  await admin?.close();
  await database?.drop();
});
beforeEach(async () => {
  const rows = ["a", "b"].flatMap((name) =>
    [ACME, OTHER].map((tenant) => `('${tenant}', '${name}')`),
  );
  await admin.query(`truncate cells; insert into cells (tenant, name) values ${rows.join(", ")}`);
});

let opened = 0;
async function open(options: Partial<DatabaseOptions> = {}) {
  opened += 1;
  const name = `transaction ${opened}`;
  const made = await Database.open({
    url: database.appUrl,
    applicationName: name,
    readConnections: 1,
    writeConnections: 1,
    statementTimeoutMs: 5_000,
    log: silent,
    ...options,
  });
  return { lanes: made, name, [Symbol.asyncDispose]: () => made.close() };
}

const statement = (text: string): Statement => new Parameters().statement(text);
const add = (name: string): Statement =>
  statement(`update cells set value = value + 1 where name = '${name}' returning value::text`);
const fail = statement("select 1 / 0");
const fine = statement("select 'fine'");

async function outcome(running: Promise<unknown>): Promise<string> {
  try {
    return String(await running);
  } catch (error) {
    return error instanceof DatabaseFailure ? error.kind : String(error);
  }
}

/** The values of Acme's cells, and that nobody else's have moved. */
async function values(): Promise<Record<string, number>> {
  const rows = await admin.query<{ tenant: string; name: string; value: number }>(
    "select tenant, name, value from cells",
  );
  expect(rows.filter(({ tenant, value }) => tenant === OTHER && value !== 0)).toEqual([]);
  const own = rows.filter(({ tenant }) => tenant === ACME);
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

async function expectFree(lanes: Database): Promise<void> {
  const start = monotonicMs();
  while ((await outcome(lanes.write(fine, acme, []))) !== "fine") {
    if (monotonicMs() - start > 5_000) throw new Error("the connection was not given back");
    await sleep(20);
  }
  const seen = statement("select count(*)::text from cells");
  const work = async (transaction: Transaction) => (await transaction.run(seen, []))[0]?.[0];
  expect(await outcome(lanes.transaction(acme, work))).toBe("2");
}

describe("a transaction", () => {
  test("commits everything that it did, behind the tenant's wall", async () => {
    await using opened = await open();
    const work = async (transaction: Transaction): Promise<string> => {
      await transaction.run(add("a"), []);
      await transaction.run(add("b"), []);
      return "done";
    };
    expect(await opened.lanes.transaction(acme, work)).toBe("done");
    expect(await values()).toEqual({ a: 1, b: 1 });
    await expectFree(opened.lanes);
    const setting = statement("select coalesce(current_setting('backwright.tenant_id', true), '')");
    expect(await outcome(opened.lanes.write(setting, { claims: {} }, []))).toBe("");
  });

  // Planted fault: BEGIN without the tenant -> red (no rows).
  test("is behind the wall from its first statement on, Drizzle's too", async () => {
    await using opened = await open();
    const work = async (transaction: Transaction): Promise<unknown> => {
      const tx = transaction.drizzle({ relations: {}, readOnly: new Set() });
      const text = "select tenant, name from cells order by name";
      return (await tx.execute<{ tenant: string; name: string }>(text)).rows;
    };
    expect(await opened.lanes.transaction(acme, work)).toEqual([
      { tenant: ACME, name: "a" },
      { tenant: ACME, name: "b" },
    ]);
    expect(await opened.lanes.transaction({ claims: {} }, work)).toEqual([]);
  });

  // Planted fault: the caller of an operation not looked at -> red (its statement ran for Acme).
  test("runs no operation of another tenant or another actor", async () => {
    await using opened = await open();
    const mine = { claims: { tenantId: ACME, id: "one" } };
    const others = [
      { claims: { tenantId: OTHER, id: "one" } },
      { claims: { tenantId: ACME, id: "other" } },
      { claims: { tenantId: ACME } },
      { claims: {} },
    ];
    const work = async ({ executor }: Transaction): Promise<void> => {
      for (const caller of others) {
        for (const run of [executor.read, executor.readAlone, executor.write]) {
          await expect(run(add("a"), caller, [])).rejects.toThrow(TypeError);
        }
        const nested = executor.transaction(caller, (inner) => inner.run(add("a"), []));
        await expect(nested).rejects.toThrow(TypeError);
      }
      await executor.write(add("a"), { claims: { ...mine.claims } }, []);
      await executor.transaction(mine, (inner) => inner.executor.write(add("b"), mine, []));
    };
    await opened.lanes.transaction(mine, work);
    expect(await values()).toEqual({ a: 1, b: 1 });
  });

  // Planted fault: `commit` where `rollback` stands in the lane -> red.
  test("undoes everything when its code throws, and tells what was thrown", async () => {
    await using opened = await open();
    const work = async (transaction: Transaction): Promise<void> => {
      await transaction.run(add("a"), []);
      throw new RangeError("enough");
    };
    await expect(opened.lanes.transaction(acme, work)).rejects.toThrow(RangeError);
    expect(await values()).toEqual({ a: 0, b: 0 });
    await expectFree(opened.lanes);
  });

  // Planted fault: the answer to COMMIT not looked at -> red.
  test("is refused when its code ignores a statement that failed", async () => {
    await using opened = await open();
    const work = async (transaction: Transaction): Promise<string> => {
      await transaction.run(add("a"), []);
      await transaction.run(fail, []).catch(() => undefined);
      return "done";
    };
    expect(await outcome(opened.lanes.transaction(acme, work))).toMatch(/failure was ignored/);
    expect(await values()).toEqual({ a: 0, b: 0 });
    await expectFree(opened.lanes);
  });

  // Planted fault: `load` without the reservation -> red (one transaction sees the other's lock).
  test("has its connection to itself while its code waits for something else", async () => {
    await using opened = await open();
    const order: string[] = [];
    const slow = opened.lanes.transaction(acme, async (transaction) => {
      await transaction.run(add("a"), []);
      order.push("begun");
      await sleep(100);
      order.push("waited");
      await transaction.run(add("a"), []);
    });
    await sleep(30);
    const next = opened.lanes.write(fine, acme, []).then(() => order.push("next"));
    await Promise.all([slow, next]);
    expect(order).toEqual(["begun", "waited", "next"]);
    expect(await values()).toEqual({ a: 2, b: 0 });
  });

  test("refuses statements once it is over", async () => {
    await using opened = await open();
    let late: Transaction | undefined;
    await opened.lanes.transaction(acme, async (transaction) => {
      late = transaction;
    });
    await expect(late?.run(add("a"), [])).rejects.toThrow(/over/);
    expect(await values()).toEqual({ a: 0, b: 0 });
  });
});

describe("a deadlock", () => {
  // Two transactions take two rows in opposite order: PostgreSQL ends one of them after a second.
  // Planted fault: no retry in Database.transaction -> red ("serialization").
  test("is tried again as a whole, also where the code swallowed it, with one effect", async () => {
    await using opened = await open({ writeConnections: 2 });
    let runs = 0;
    const both = (first: string, second: string) => async (transaction: Transaction) => {
      runs += 1;
      await transaction.run(add(first), []);
      await sleep(runs > 2 ? 0 : 100); // Until the other has its first row.
      await transaction.run(add(second), []).catch((error: unknown) => {
        throw new Error("made into something else", { cause: error });
      });
      return "done";
    };
    const ended = await Promise.all([
      outcome(opened.lanes.transaction(acme, both("a", "b"))),
      outcome(opened.lanes.transaction(acme, both("b", "a"))),
    ]);
    expect(ended).toEqual(["done", "done"]);
    expect(runs).toBe(3);
    expect(await values()).toEqual({ a: 2, b: 2 });
    await expectFree(opened.lanes);
  });

  test("that comes back every time is given up after three repeats", async () => {
    await using opened = await open();
    const raise = statement(
      "do $$ begin raise exception using errcode = '40001', message = 'planted'; end $$",
    );
    let runs = 0;
    const work = async (transaction: Transaction): Promise<void> => {
      runs += 1;
      await transaction.run(add("a"), []);
      await transaction.run(raise, []);
    };
    expect(await outcome(opened.lanes.transaction(acme, work))).toBe("serialization");
    expect(runs).toBe(4);
    expect(await values()).toEqual({ a: 0, b: 0 });
    await expectFree(opened.lanes);
  });
});

describe("a transaction that takes too long", () => {
  test("loses its statement to the statement timeout", async () => {
    await using opened = await open({ statementTimeoutMs: 100 });
    const slow = statement("select pg_sleep(5)");
    const work = async (transaction: Transaction): Promise<void> => {
      await transaction.run(add("a"), []);
      await transaction.run(slow, []);
    };
    expect(await outcome(opened.lanes.transaction(acme, work))).toBe("timeout");
    expect(await values()).toEqual({ a: 0, b: 0 });
    await expectFree(opened.lanes);
  });

  // Planted fault: transaction_timeout left out of BEGIN -> red (no end within the test's time).
  test("is ended by PostgreSQL when its code does not come back, and holds no lock", async () => {
    await using opened = await open({ statementTimeoutMs: 200 });
    const start = monotonicMs();
    const work = async (transaction: Transaction): Promise<void> => {
      await transaction.run(add("a"), []);
      await new Promise(() => undefined);
    };
    expect(await outcome(opened.lanes.transaction(acme, work))).toBe("unavailable");
    expect(monotonicMs() - start).toBeLessThan(5_000);
    expect(await values()).toEqual({ a: 0, b: 0 });
    await expectFree(opened.lanes);
  });
});

describe("a connection that is lost in a transaction", () => {
  // Planted fault: the reservation not told of the loss -> red (no end: the code waits for ever).
  test.each(["in a statement", "between statements"])(
    "%s leaves nothing half-done",
    async (when) => {
      await using opened = await open();
      const slow = statement("select pg_sleep(4)");
      const kill =
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1";
      const work = async (transaction: Transaction): Promise<void> => {
        await transaction.run(add("a"), []);
        const waiting =
          when === "in a statement" ? transaction.run(slow, []) : new Promise(() => {});
        await sleep(50);
        await admin.query(kill, [opened.name]);
        await waiting;
      };
      expect(await outcome(opened.lanes.transaction(acme, work))).toBe("unavailable");
      expect(await values()).toEqual({ a: 0, b: 0 });
      await expectFree(opened.lanes);
    },
  );

  test("at the answer to COMMIT is unavailable, though everything may have happened", async () => {
    const cuts = { now: false };
    const proxy = await startProxy(database.appUrl, (bytes) => {
      if (cuts.now && bytes.includes("commit\0")) setImmediate(() => proxy.freeze());
      return bytes;
    });
    await using opened = await open({ url: proxy.url, statementTimeoutMs: 100 });
    cuts.now = true;
    const work = async (transaction: Transaction): Promise<void> => {
      await transaction.run(add("a"), []);
      setTimeout(() => proxy.cut(), 300);
    };
    expect(await outcome(opened.lanes.transaction(acme, work))).toBe("unavailable");
    cuts.now = false;
    expect(await values()).toEqual({ a: 1, b: 0 });
    await expectFree(opened.lanes);
    await opened.lanes.close();
    await proxy.close();
  });
});
