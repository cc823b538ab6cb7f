// Parts of a transaction: each is undone by itself, and nobody else's statement with it.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Log } from "../../src/base/log.ts";
import { Database } from "../../src/database/database.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import type { Transaction } from "../../src/database/transaction.ts";
import { Parameters, type Statement } from "../../src/sql/statement.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };
const nobody = { claims: {} };

let database: TestDatabase;
let owner: Session;
let lanes: Database;
beforeAll(async () => {
  database = await createTestDatabase("savepoint");
  owner = await openSession(database.ownerUrl);
  await owner.query(
    "create table marks (name text primary key); grant select, insert on marks to public",
  );
  lanes = await Database.open({
    url: database.appUrl,
    applicationName: "savepoint",
    readConnections: 1,
    writeConnections: 1,
    statementTimeoutMs: 5_000,
    log: silent,
  });
});
afterAll(async () => {
  await lanes?.close();
  await owner?.close();
  await database?.drop();
});
beforeEach(() => owner.query("delete from marks"));

const insert: Statement = (() => {
  const parameters = new Parameters();
  return parameters.statement(
    `insert into marks (name) values (${parameters.input(0, "text")}) returning name`,
  );
})();
const mark = (transaction: Transaction, name: string) => transaction.run(insert, [name]);
const marks = async (): Promise<string[]> =>
  (await owner.query<{ name: string }>("select name from marks order by name")).map(
    ({ name }) => name,
  );

test("a part that fails is undone by itself, and the rest is committed", async () => {
  await lanes.transaction(nobody, async (transaction) => {
    await mark(transaction, "a");
    const failed = transaction.nested(async (inner) => {
      await mark(inner, "b");
      await mark(inner, "a");
    });
    await expect(failed).rejects.toMatchObject({ kind: "unique" });
    await transaction.nested((inner) => mark(inner, "c"));
  });
  expect(await marks()).toEqual(["a", "c"]);
});

// Planted fault: the savepoint without #watched, so that statements come in between -> red.
test("a statement that runs beside a failing part is not undone with it", async () => {
  await lanes.transaction(nobody, async (transaction) => {
    const failing = transaction.nested(async (inner) => {
      await mark(inner, "a");
      await mark(inner, "a");
    });
    const [failed, beside] = await Promise.allSettled([failing, mark(transaction, "beside")]);
    expect([failed.status, beside.status]).toEqual(["rejected", "fulfilled"]);
  });
  expect(await marks()).toEqual(["beside"]);
});

test("parts within parts, and operations as if on the database", async () => {
  await lanes.transaction(nobody, async ({ executor }) => {
    await executor.write(insert, nobody, ["a"]);
    await executor.transaction(nobody, async (inner) => {
      await inner.executor.write(insert, nobody, ["b"]);
      const failed = inner.executor.transaction(nobody, async (innermost) => {
        await innermost.executor.write(insert, nobody, ["c"]);
        throw new Error("no");
      });
      await expect(failed).rejects.toThrow("no");
    });
  });
  expect(await marks()).toEqual(["a", "b"]);
});

test("a part takes no statement once it is over", async () => {
  await lanes.transaction(nobody, async (transaction) => {
    let kept: Transaction | undefined;
    await transaction.nested(async (inner) => {
      kept = inner;
    });
    await expect(mark(kept as Transaction, "late")).rejects.toThrow("is over");
  });
  expect(await marks()).toEqual([]);
});

// Planted fault: what waits behind a part is sent when the part was cut -> red ("late" is there).
test("a statement that waits behind a part is never sent once all is undone", async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  const failed = lanes.transaction(nobody, async (transaction) => {
    const part = transaction.nested((inner) => mark(inner, "a").then(pause));
    part.catch(() => undefined);
    void mark(transaction, "late").catch(() => undefined);
    await Promise.race([part, new Promise((resolve) => setTimeout(resolve, 20))]);
    throw new Error("enough");
  });
  await expect(failed).rejects.toThrow("enough");
  await lanes.transaction(nobody, (transaction) => mark(transaction, "next"));
  await pause();
  await pause();
  expect(await marks()).toEqual(["next"]);
});

// Planted fault: cut() waits for the part's own code -> red (the second transaction never starts).
test("a part whose code never comes back does not hold the connection", async () => {
  const failed = lanes.transaction(nobody, async (transaction) => {
    void transaction.nested(() => new Promise(() => undefined)).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new Error("enough");
  });
  await expect(failed).rejects.toThrow("enough");
  await lanes.transaction(nobody, (transaction) => mark(transaction, "next"));
  expect(await marks()).toEqual(["next"]);
});
