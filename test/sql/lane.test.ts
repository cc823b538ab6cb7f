// The connections of requests: what they keep, and how they come through failures. Every test has
// a Database of its own, so that it may break it.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { monotonicMs } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { Database, type DatabaseOptions, type Row } from "../../src/database/database.ts";
import { DatabaseFailure } from "../../src/database/failures.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import { Parameters, type Statement } from "../../src/sql/statement.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startProxy } from "./tcp-proxy.ts";

let database: TestDatabase;
let owner: Session;
let admin: Session;
beforeAll(async () => {
  database = await createTestDatabase("lane");
  owner = await openSession(database.ownerUrl);
  admin = await openSession(database.adminUrl);
});
afterAll(async () => {
  await owner?.close();
  await admin?.close();
  await database?.drop();
});

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };
const nobody = { claims: {} };
let opened = 0;

interface Opened extends AsyncDisposable {
  readonly database: Database;
  /** `application_name` of its connections. */
  readonly name: string;
}

async function open(options: Partial<DatabaseOptions> = {}): Promise<Opened> {
  opened += 1;
  const name = `lane ${opened}`;
  const made = await Database.open({
    url: database.appUrl,
    applicationName: name,
    readConnections: 1,
    writeConnections: 1,
    statementTimeoutMs: 1_000,
    log: silent,
    ...options,
  });
  return { database: made, name, [Symbol.asyncDispose]: () => made.close() };
}

function statement(text: string): Statement {
  return new Parameters().statement(text);
}

/** A statement with one text input; `$1` in the text stands for it. */
function withInput(text: string): Statement {
  const parameters = new Parameters();
  parameters.input(0, "text");
  return parameters.statement(text);
}

async function answerOf(rows: Promise<readonly Row[]>): Promise<string> {
  try {
    return (await rows)[0]?.[0] ?? "null";
  } catch (error) {
    return error instanceof DatabaseFailure ? error.kind : String(error);
  }
}

async function untilAnswered(read: () => Promise<readonly Row[]>): Promise<number> {
  const start = monotonicMs();
  while ((await answerOf(read())) === "unavailable") {
    if (monotonicMs() - start > 10_000) throw new Error("never came back");
    await sleep(20);
  }
  return monotonicMs() - start;
}

describe("a connection", () => {
  test("has the settings that plans, instants and timeouts rely on", async () => {
    await using lanes = await open({ readConnections: 2, writeConnections: 2 });
    const settings = statement(
      "select concat_ws(' ', current_setting('TimeZone'), current_setting('statement_timeout'), " +
        "current_setting('lock_timeout'), current_setting('plan_cache_mode'), " +
        "current_setting('DateStyle'))",
    );
    const read = () => answerOf(lanes.database.read(settings, nobody, []));
    const write = () => answerOf(lanes.database.write(settings, nobody, []));
    const found = await Promise.all([read(), read(), write(), write()]);
    // Reads share a connection, so a lock that one waits for holds the others up.
    const wanted = ["600ms", "100ms"].map((lock) => `UTC 1s ${lock} force_generic_plan ISO, MDY`);
    expect(new Set(found)).toEqual(new Set(wanted));
  });

  // Planted fault: the Close of an evicted name left out -> 676 names, red.
  test("keeps 200 statements by name and answers any number", async () => {
    await using lanes = await open();
    const many = Array.from({ length: 450 }, (_, at) => statement(`select '${at}'`));
    for (const start of [0, 0, 225, 225, 0]) {
      const some = many.slice(start, start + 225);
      const answers = some.map((one) => answerOf(lanes.database.read(one, nobody, [])));
      expect(await Promise.all(answers)).toEqual(some.map((_, at) => String(start + at)));
    }
    const names = statement("select count(*)::text from pg_prepared_statements");
    const count = Number(await answerOf(lanes.database.read(names, nobody, [])));
    expect(count).toBeGreaterThan(190);
    expect(count).toBeLessThanOrEqual(201); // The wall's own beside them.
  });

  test("keeps what is used, and drops what has not been used for longest", async () => {
    await using lanes = await open();
    const busy = statement("select 'busy' as marker");
    const others = Array.from({ length: 400 }, (_, at) => statement(`select 'other ${at}'`));
    for (const one of [busy, busy, ...others, ...others]) {
      await lanes.database.read(one, nobody, []);
      await lanes.database.read(busy, nobody, []);
    }
    const names = statement(
      "select string_agg(generic_plans::text, ' ') from pg_prepared_statements " +
        "where statement like '%busy%' and statement not like '%pg_prepared%'",
    );
    // 804 times asked; from the second time on by one name and one plan.
    expect(await answerOf(lanes.database.read(names, nobody, []))).toBe("803");
  });

  test("gives each of 250 pipelined statements its own answer, whatever others do", async () => {
    await using lanes = await open();
    const fine = withInput("select 'fine ' || $1");
    const divides = withInput("select (1 / (length($1) - length($1)))::text");
    const casts = withInput("select $1::uuid::text");
    const expected: string[] = [];
    const answers = Array.from({ length: 250 }, (_, at) => {
      const isUnknown = at % 20 === 13; // PostgreSQL cannot even parse it.
      const failing = isUnknown ? withInput(`selekt $1 -- ${at}`) : at % 2 === 0 ? divides : casts;
      const fails = at % 5 === 3;
      expected.push(!fails ? `fine ${at}` : isUnknown ? "other" : "value");
      return answerOf(lanes.database.read(fails ? failing : fine, nobody, [String(at)]));
    });
    expect(await Promise.all(answers)).toEqual(expected);
  });

  test("ends a slow statement by itself, and nothing beside it", async () => {
    await using lanes = await open({ statementTimeoutMs: 500 });
    const fine = withInput("select 'fine ' || $1");
    const slow = withInput("select pg_sleep(5)::text || $1");
    const answers = Array.from({ length: 21 }, (_, at) =>
      answerOf(lanes.database.read(at === 10 ? slow : fine, nobody, [String(at)])),
    );
    const expected = answers.map((_, at) => (at === 10 ? "timeout" : `fine ${at}`));
    expect(await Promise.all(answers)).toEqual(expected);
  });

  test("loses one statement to a cancel, and nothing beside it", async () => {
    await using lanes = await open({ statementTimeoutMs: 5_000 });
    const { database: cancelled, name } = lanes;
    const fine = withInput("select 'fine ' || $1");
    const slow = statement("select pg_sleep(4)");
    const answers = [
      answerOf(cancelled.read(fine, nobody, ["1"])),
      answerOf(cancelled.read(slow, nobody, [])),
      answerOf(cancelled.read(fine, nobody, ["2"])),
    ];
    await signal("pg_cancel_backend", name, "pg_sleep");
    expect(await Promise.all(answers)).toEqual(["fine 1", "timeout", "fine 2"]);
  });

  // Planted: bytesMost left out of Database.read -> the first is "x…", red.
  test("holds no more of a read than a reply may, and all that a write answers", async () => {
    await using lanes = await open({ statementTimeoutMs: 20_000 });
    const large = statement("select repeat('x', 1000000) from generate_series(1, 40)");
    const fine = statement("select 'fine'");
    const { database: lane } = lanes;
    const answers = [lane.read(large, nobody, []), lane.read(fine, nobody, [])].map(answerOf);
    expect(await Promise.all(answers)).toEqual(["too large", "fine"]);
    expect(await answerOf(lane.readAlone(large, nobody, []))).toBe("too large");
    const first = await lane.read(large, nobody, [], { rowsMost: 2 });
    expect(first.map((row) => row[0]?.length)).toEqual([1_000_000, 1_000_000]);
    expect(await lane.write(large, nobody, [])).toHaveLength(40);
  }, 30_000);

  test("refuses the 257th read at once instead of letting it wait", async () => {
    await using lanes = await open();
    const slow = statement("select pg_sleep(0.001)");
    const answers = Array.from({ length: 300 }, () =>
      answerOf(lanes.database.read(slow, nobody, [])),
    );
    const refused = (await Promise.all(answers)).filter((answer) => answer === "unavailable");
    expect(refused).toHaveLength(300 - 256);
  });
});

/** Waits until the named connection runs `text`, then calls the function on its process. */
async function signal(call: string, name: string, text: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const hit = await admin.query(
      `select ${call}(pid) from pg_stat_activity
       where application_name = $1 and state = 'active' and query like '%' || $2 || '%'`,
      [name, text],
    );
    if (hit.length > 0) return;
    await sleep(10);
  }
  throw new Error(`${name} never ran ${text}`);
}

describe("a statement whose table has changed", () => {
  // Planted fault: the stale name kept -> "stale", red.
  test("is prepared again without the caller noticing", async () => {
    await owner.query("create table changing (a text); insert into changing values ('a')");
    await owner.query("grant select, update on changing to public");
    await using lanes = await open();
    const all = statement("select * from changing");
    const touch = statement("update changing set a = a returning *");
    const use = (): Promise<string[]> =>
      Promise.all([
        ...Array.from({ length: 12 }, () => answerOf(lanes.database.read(all, nobody, []))),
        ...Array.from({ length: 4 }, () => answerOf(lanes.database.write(touch, nobody, []))),
      ]);
    for (let round = 0; round < 4; round += 1) {
      expect(new Set(await use())).toEqual(new Set(["a"]));
      await owner.query(`alter table changing add column more${round} text`);
    }
    expect(new Set(await use())).toEqual(new Set(["a"]));
  });

  test("may be refused for the moment by one of many connections, and not for long", async () => {
    await owner.query("create table moving (a text); insert into moving values ('a')");
    await owner.query("grant select on moving to public");
    await using lanes = await open({ readConnections: 3 });
    const all = statement("select * from moving");
    const use = async (): Promise<ReadonlySet<string>> => {
      const reads = Array.from({ length: 30 }, () => lanes.database.read(all, nobody, []));
      return new Set(await Promise.all(reads.map(answerOf)));
    };
    await use();
    await owner.query("alter table moving add column b text");
    expect(["a", "stale"]).toEqual(expect.arrayContaining([...(await use())]));
    expect(await use()).toEqual(new Set(["a"]));
  });
});

describe("when the connection is lost", () => {
  test("what is in flight is unavailable, and the next is answered on a new one", async () => {
    await using lanes = await open({ readConnections: 2, statementTimeoutMs: 5_000 });
    const { database: killed, name } = lanes;
    const slow = statement("select pg_sleep(4)");
    const answers = Array.from({ length: 20 }, () => answerOf(killed.read(slow, nobody, [])));
    const written = answerOf(killed.write(slow, nobody, []));
    await sleep(50);
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
      [name],
    );
    expect(new Set(await Promise.all([...answers, written]))).toEqual(new Set(["unavailable"]));
    const fine = statement("select 'fine'");
    expect(await untilAnswered(() => killed.read(fine, nobody, []))).toBeLessThan(2_000);
    expect(await untilAnswered(() => killed.write(fine, nobody, []))).toBeLessThan(2_000);
  });

  test("names that the old one had are not used on the new one", async () => {
    const proxy = await startProxy(database.appUrl);
    await using lanes = await open({ url: proxy.url });
    const named = withInput("select 'named ' || $1");
    for (const round of ["1", "2", "3"]) {
      expect(await answerOf(lanes.database.read(named, nobody, [round]))).toBe(`named ${round}`);
    }
    proxy.cut();
    await untilAnswered(() => lanes.database.read(named, nobody, ["4"]));
    for (const round of ["5", "6"]) {
      expect(await answerOf(lanes.database.read(named, nobody, [round]))).toBe(`named ${round}`);
    }
    await lanes.database.close();
    await proxy.close();
  });
});

// These wait for the silence of two seconds that is allowed, all at the same time.
describe.concurrent("a server that does not answer", () => {
  test("is given up after the statement timeout and two seconds", async () => {
    const proxy = await startProxy(database.appUrl);
    await using lanes = await open({ url: proxy.url, statementTimeoutMs: 100 });
    const fine = statement("select 'fine'");
    expect(await answerOf(lanes.database.read(fine, nobody, []))).toBe("fine");
    proxy.freeze();
    const start = monotonicMs();
    const answers = [1, 2, 3].map(() => answerOf(lanes.database.read(fine, nobody, [])));
    const written = answerOf(lanes.database.write(fine, nobody, []));
    expect(new Set(await Promise.all([...answers, written]))).toEqual(new Set(["unavailable"]));
    expect(monotonicMs() - start).toBeGreaterThan(2_000);
    expect(monotonicMs() - start).toBeLessThan(5_000);
    await untilAnswered(() => lanes.database.read(fine, nobody, []));
    await untilAnswered(() => lanes.database.write(fine, nobody, []));
    await lanes.database.close();
    await proxy.close();
  });

  // Statements wait for each other on a pipelined connection, which looked like silence: at three
  // seconds the connection was cut under a server that answered all the time.
  // Planted fault: silence counted from the sending -> "unavailable", red.
  test("is told from one that is busy with slow statements", async () => {
    await using lanes = await open({ statementTimeoutMs: 400 });
    const slow = statement("select 'slow' from pg_sleep(0.25)");
    const answers = Array.from({ length: 12 }, () =>
      answerOf(lanes.database.read(slow, nobody, [])),
    );
    expect(new Set(await Promise.all(answers))).toEqual(new Set(["slow"]));
  });

  // Planted fault: the goodbye without a limit -> no end, red.
  test("does not keep the process from ending", async () => {
    const proxy = await startProxy(database.appUrl);
    const lanes = await open({ url: proxy.url });
    proxy.freeze();
    const start = monotonicMs();
    await lanes.database.close();
    expect(monotonicMs() - start).toBeLessThan(4_000);
    await proxy.close();
  });
});
