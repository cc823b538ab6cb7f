// A slow statement, a lock that somebody else holds, more writes than connections, a connection
// that dies: the caller hears 503 in time, and nobody else hears anything.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession, type Session } from "../../src/database/session.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import {
  type Answer,
  countConnections,
  expectUnavailable,
  type ServedExample,
  secondsUntil,
  serveExample,
} from "./served-example.ts";

const STATEMENT_TIMEOUT_MS = 1_000;
const LOCK_TIMEOUT_MS = 600; // Three fifths of it.
const WRITE_WAIT_MS = 3_000; // For a connection.
const LATE_MS = 900; // What a busy machine may add.
const READS = 3;
const WRITES = 4;

let backend: TestBackend;
let example: ServedExample;
let connections: number;
beforeAll(async () => {
  backend = await startTestBackend("slow");
  const { appUrl, ownerUrl } = backend.database;
  await backend.stop(); // Only its database is wanted, and its connections would be counted.
  example = await serveExample(
    { appUrl, ownerUrl },
    {
      DATABASE_STATEMENT_TIMEOUT: String(STATEMENT_TIMEOUT_MS),
      DATABASE_READ_CONNECTIONS: String(READS),
      DATABASE_WRITE_CONNECTIONS: String(WRITES),
    },
  );
  await backend.owner.query(
    `create function sleep_if_asked() returns trigger language plpgsql as $$
     begin
       if new.title like 'slow %' then perform pg_sleep(substr(new.title, 6)::float); end if;
       return new;
     end $$;
     create trigger sleep_if_asked before insert or update on work_orders
       for each row execute function sleep_if_asked()`,
  );
  connections = await countConnections(example);
});
afterAll(async () => {
  await example?.stop();
  await backend?.close();
});

const create = (title: string): Promise<Answer> =>
  example.request("/v1/work-orders", { body: { ...example.order, title } });
const rename = (id: string, title: string): Promise<Answer> =>
  example.request(`/v1/work-orders/${id}`, { method: "PATCH", body: { title } });

async function newOrder(): Promise<string> {
  const made = await create("quick");
  expect(made.status).toBe(201);
  return String(made.json.data.id);
}

/** Holds a row as another session would, until `work` is done. */
async function whileLocked<T>(
  table: string,
  id: string,
  work: (holder: Session) => Promise<T>,
): Promise<T> {
  const holder = await openSession(backend.database.ownerUrl);
  try {
    await holder.query("begin");
    await holder.query(`select from ${table} where id = $1 for update`, [id]);
    return await work(holder);
  } finally {
    await holder.close();
  }
}

async function expectAllWell(): Promise<void> {
  await secondsUntil(async () => (await countConnections(example)) === connections);
  const answers = await Promise.all(Array.from({ length: WRITES * 2 }, () => create("quick")));
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
  expect(await countConnections(example)).toBe(connections);
}

test("the backend holds exactly the connections that it was given", () => {
  expect(connections).toBe(READS + WRITES);
});

describe("a write that is too slow", () => {
  // Planted fault: sessions without statement_timeout -> red.
  test("is 503 after statement_timeout, leaves nothing, and nobody else waits", async () => {
    const slow = create("slow 5");
    const others: Answer[] = [];
    let isOver = false;
    const reading = (async () => {
      while (!isOver) {
        others.push(await example.request("/v1/work-orders?page[size]=1"), await create("quick"));
      }
    })();
    const answer = await slow;
    isOver = true;
    await reading;
    expectUnavailable(answer);
    expect(answer.ms).toBeGreaterThan(STATEMENT_TIMEOUT_MS - 50);
    expect(answer.ms).toBeLessThan(STATEMENT_TIMEOUT_MS + LATE_MS);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200, 201]));
    expect(Math.max(...others.map(({ ms }) => ms))).toBeLessThan(STATEMENT_TIMEOUT_MS);
    const left = await backend.owner.query("select from work_orders where title like 'slow %'");
    expect(left).toEqual([]);
    await expectAllWell();
  });

  test("that ends in time is answered", async () => {
    expect((await create("slow 0.3")).status).toBe(201);
  });
});

describe("a row that another session holds", () => {
  // Planted fault: sessions without lock_timeout -> red, it takes statement_timeout.
  test("makes an update 503 after lock_timeout, and the connection is usable after", async () => {
    const id = await newOrder();
    const answer = await whileLocked("work_orders", id, () => rename(id, "new"));
    expectUnavailable(answer);
    expect(answer.ms).toBeGreaterThan(LOCK_TIMEOUT_MS - 50);
    expect(answer.ms).toBeLessThan(STATEMENT_TIMEOUT_MS);
    expect((await rename(id, "new")).status).toBe(200);
    await expectAllWell();
  });

  test("can be read meanwhile", async () => {
    const id = await newOrder();
    const answer = await whileLocked("work_orders", id, () =>
      example.request(`/v1/work-orders/${id}?include=site`),
    );
    expect(answer.status).toBe(200);
    expect(answer.ms).toBeLessThan(LOCK_TIMEOUT_MS);
  });

  test("makes an update wait, and it goes on when the lock is free", async () => {
    const id = await newOrder();
    const renaming = await whileLocked("work_orders", id, async (holder) => {
      const answer = rename(id, "new");
      await sleep(200);
      await holder.query("commit");
      return answer;
    });
    expect(renaming.status).toBe(200);
  });
});

describe("more writes than connections", () => {
  // Planted fault: no giveUp in Database.#onFreeLane -> red.
  test("wait their turn, then are 503; none hangs, and reads do not notice", async () => {
    const id = await newOrder();
    const [writes, reads] = await whileLocked("work_orders", id, async () => {
      const waiting = Array.from({ length: WRITES * 10 }, () => rename(id, "new"));
      const read: Answer[] = [];
      for (let turn = 0; turn < 10; turn += 1) read.push(await example.request("/v1/sites"));
      return [await Promise.all(waiting), read] as const;
    });
    for (const answer of writes) {
      expectUnavailable(answer);
      expect(answer.ms).toBeLessThan(WRITE_WAIT_MS + LOCK_TIMEOUT_MS + LATE_MS);
    }
    for (const answer of reads) {
      expect(answer.status).toBe(200);
      expect(answer.ms).toBeLessThan(LOCK_TIMEOUT_MS);
    }
    await expectAllWell();
  });

  test("of which each is quick are all done", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => create("quick")));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
  });

  // Planted fault: no WRITES_WAITING_MAX -> red, they all wait.
  test("than may wait are refused at once", { timeout: 60_000 }, async () => {
    const id = await newOrder();
    const answers = await whileLocked("work_orders", id, async () => {
      const waiting = Array.from({ length: 700 }, () => rename(id, "new"));
      return Promise.all(waiting);
    });
    for (const answer of answers) expectUnavailable(answer);
    // 512 may wait and four run; the rest did not wait for those.
    const refused = answers.filter((answer) => answer.ms < WRITE_WAIT_MS - 200).length;
    expect(refused).toBeGreaterThan(150);
    await expectAllWell();
  });
});

describe("a connection that PostgreSQL ends", () => {
  let admin: Session;
  let role: string;
  beforeAll(async () => {
    admin = await openSession(backend.database.adminUrl);
    role = new URL(backend.database.appUrl.replace("@/", "@localhost/")).username;
  });
  afterAll(() => admin?.close());

  const terminate = (condition: string): Promise<unknown[]> =>
    admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and ${condition}`,
      [role],
    );

  // Planted fault: publicError without `unavailable` -> red, 500.
  test("in the middle of a statement makes that request 503, and comes back", async () => {
    const slow = Promise.all([create("slow 0.8"), create("slow 0.8")]);
    await sleep(150);
    const ended = await terminate("wait_event = 'PgSleep'");
    expect(ended).toHaveLength(2);
    const begin = performance.now();
    for (const answer of await slow) expectUnavailable(answer);
    expect(performance.now() - begin).toBeLessThan(500);
    const seconds = await secondsUntil(
      async () => (await countConnections(example)) === connections,
    );
    expect(seconds).toBeLessThan(2);
    await expectAllWell();
  });

  test("while it is idle is replaced before anybody notices", async () => {
    expect(await terminate("true")).toHaveLength(connections);
    const seconds = await secondsUntil(
      async () =>
        (await example.request("/v1/sites")).status === 200 &&
        (await create("quick")).status === 201,
    );
    expect(seconds).toBeLessThan(2);
    await expectAllWell();
  });

  test("and does not let us back in at once leaves us serving on those that it gives", async () => {
    const limit = (most: number) => admin.query(`alter role "${role}" connection limit ${most}`);
    await limit(connections - 2);
    await terminate("true");
    await secondsUntil(async () => (await countConnections(example)) === connections - 2);
    await secondsUntil(async () => (await example.request("/v1/sites")).status === 200);
    await secondsUntil(async () => (await create("quick")).status === 201);
    await limit(-1);
    const seconds = await secondsUntil(
      async () => (await countConnections(example)) === connections,
    );
    expect(seconds).toBeLessThan(3);
    await expectAllWell();
  });
});
