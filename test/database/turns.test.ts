// Long reads take turns on the connections for writes: none waits longer than a write would, and
// no tenant's keep those of another waiting.
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Database } from "../../src/database/database.ts";
import { DatabaseFailure } from "../../src/database/failures.ts";
import { Turns } from "../../src/database/turns.ts";
import { Parameters, type Statement } from "../../src/sql/statement.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";

let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await createTestDatabase("turns");
});
afterAll(() => postgres?.drop());

function open(writeConnections: number): Promise<Database> {
  return Database.open({
    url: postgres.appUrl,
    applicationName: "turns",
    readConnections: 1,
    writeConnections,
    statementTimeoutMs: 10_000,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
}

const statement = (text: string): Statement => new Parameters().statement(text);
const tenant = (name: string) => ({ claims: { tenantId: name } });
const SLOW = statement("select 'slow' from pg_sleep(5)");
const QUICK = statement("select 'quick'");

async function read(database: Database, name: string, what: Statement): Promise<string> {
  try {
    return (await database.readAlone(what, tenant(name), []))[0]?.[0] ?? "null";
  } catch (error) {
    return error instanceof DatabaseFailure ? error.kind : String(error);
  }
}

describe("a long read", () => {
  // Planted: no timer in Turns -> "quick" after "slow", red.
  test("that gets no turn in time is refused, while those before it still run", async () => {
    const database = await open(2);
    const answers: string[] = [];
    await Promise.all(
      [read(database, "acme", SLOW), read(database, "beta", QUICK)].map(async (answer) => {
        answers.push(await answer);
      }),
    );
    expect(answers).toEqual(["unavailable", "slow"]);
    expect(await read(database, "beta", QUICK)).toBe("quick");
    await database.close();
  });

  // Planted: a share of all turns -> beta's is refused after three seconds, red. No bound of what a
  // tenant may wait with -> two more of acme's wait and are refused later, red.
  test("of one tenant finds a turn while another holds and waits for all it may", async () => {
    const database = await open(8);
    const answers: string[] = [];
    const tell = async (name: string, what: Statement): Promise<void> => {
      const answer = await read(database, name, what);
      answers.push(`${name} ${answer}`);
    };
    // Three hold a turn, sixteen wait for one, one is refused at once.
    const acme = Array.from({ length: 20 }, () => tell("acme", SLOW));
    await tell("beta", QUICK);
    expect(answers).toEqual(["acme unavailable", "beta quick"]);
    await Promise.all(acme);
    expect(answers.filter((answer) => answer === "acme slow")).toHaveLength(3);
    expect(await read(database, "acme", QUICK)).toBe("quick");
    await database.close();
  });
});

// Planted: half for whoever is alone -> two of acme's start, red. All but one whoever else is
// there -> acme's fourth starts before beta's second, red.
test("a tenant has all turns but one while it is alone, and half when another comes", async () => {
  const turns = new Turns(4, 60_000);
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const take = (name: string, count: number) =>
    Array.from({ length: count }, (_, at) =>
      turns.take(name, () => {
        const nth = `${name} ${at + 1}`;
        started.push(nth);
        return new Promise<void>((resolve) => ends.set(nth, resolve));
      }),
    );
  const end = async (nth: string): Promise<void> => {
    ends.get(nth)?.();
    await setImmediate();
  };
  const all = take("acme", 5);
  expect(started).toEqual(["acme 1", "acme 2", "acme 3"]);
  all.push(...take("beta", 3));
  expect(started.splice(0)).toEqual(["acme 1", "acme 2", "acme 3", "beta 1"]);
  await end("acme 1");
  expect(started.splice(0)).toEqual(["beta 2"]);
  await end("acme 2");
  expect(started.splice(0)).toEqual(["acme 4"]);
  await end("beta 1");
  expect(started.splice(0)).toEqual(["beta 3"]);
  // When beta has gone, acme may have three again.
  await end("beta 2");
  await end("beta 3");
  expect(started.splice(0)).toEqual(["acme 5"]);
  for (const one of ends.values()) one();
  await Promise.all(all);
});

test("who waits for a turn gets it when one of its tenant's own is given back", async () => {
  const database = await open(4); // Two turns, one for each tenant.
  const short = statement("select 'short' from pg_sleep(0.05)");
  const answers = Array.from({ length: 16 }, (_, at) =>
    read(database, at % 2 === 0 ? "acme" : "beta", short),
  );
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["short"]));
  await database.close();
});
