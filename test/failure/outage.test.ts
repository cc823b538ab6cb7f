// PostgreSQL goes away and comes back: 503 with Retry-After at once, never 500, nothing hangs, and
// recovery without a restart. /health and /ready stay as they are: every replica shares the outage.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type OwnServer, startOwnServer } from "./own-server.ts";
import { type PostgresProxy, startProxy } from "./postgres-proxy.ts";
import { type Answer, type ServedExample, serveExample } from "./served-example.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer();
});
afterAll(() => server?.close());

/** Connections that the backend holds, as PostgreSQL counts them. */
async function countConnections(example: ServedExample): Promise<number> {
  return example.asOwner(async (owner) => {
    const [row] = await owner.query<{ count: number }>(
      "select count(*)::int from pg_stat_activity where application_name = 'backwright' " +
        "and usename like '%_app'",
    );
    return row?.count ?? 0;
  });
}

function expectUnavailable(answer: Answer): void {
  expect([answer.status, answer.json.error?.code]).toEqual([503, "UNAVAILABLE"]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
}

async function secondsUntil(isTrue: () => Promise<boolean>): Promise<number> {
  const begin = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - begin > 20_000) throw new Error("not within 20 s");
    await sleep(10);
  }
  return (performance.now() - begin) / 1_000;
}

describe("while PostgreSQL is down", () => {
  let example: ServedExample;
  beforeAll(async () => {
    // Fewer than there are writers, so that some wait for one when the outage begins.
    example = await serveExample(server, { DATABASE_WRITE_CONNECTIONS: "3" });
  });
  afterAll(() => example?.stop());

  const write = (key: string): Promise<Answer> =>
    example.request("/v1/work-orders", {
      body: { ...example.order, title: key },
      idempotencyKey: key,
    });

  /** Readers and writers that never pause, until they are told. */
  function startLoad(): { stop(): Promise<readonly Answer[]> } {
    const answers: Answer[] = [];
    let isOver = false;
    const loops = Array.from({ length: 16 }, async (_, loop) => {
      for (let turn = 0; !isOver; turn += 1) {
        const isWrite = loop % 2 === 0;
        const answer = await (isWrite
          ? write(`load-${loop}-${turn}`)
          : example.request("/v1/work-orders?page[size]=1"));
        answers.push(answer);
        if (answer.status === 503) await sleep(20);
      }
    });
    return {
      async stop() {
        isOver = true;
        await Promise.all(loops);
        return answers;
      },
    };
  }

  // Planted fault: lanes that do not reconnect -> red. Planted fault: writes that wait for a lane
  // are not told that all lanes are gone -> red, they take 3 s.
  test.each(["fast", "immediate", "kill"] as const)(
    "(%s stop) every request is 503 within a second, and all is well soon after",
    { timeout: 60_000 },
    async (how) => {
      await write(`before-${how}`);
      const connections = await countConnections(example);
      const unknownKey = await example.freshKey();
      const load = startLoad();
      onTestFinished(() => load.stop().then(() => undefined));
      await sleep(200);
      await server.stop(how);
      for (const answer of await Promise.all([
        example.request("/v1/work-orders"),
        example.request("/v1/sites", { key: unknownKey }),
        write(`down-${how}`),
      ])) {
        expectUnavailable(answer);
      }
      expect((await example.request("/health")).status).toBe(200);
      expect((await example.request("/ready")).json).toEqual({ status: "ready" });
      await sleep(500);
      await server.start();
      const seconds = await secondsUntil(
        async () =>
          (await write(`down-${how}`)).status === 201 &&
          (await example.request("/v1/sites", { key: unknownKey })).status === 200,
      );
      const answers = await load.stop();
      expect(seconds).toBeLessThan(2);
      const statuses = new Set(answers.map((answer) => answer.status));
      expect([200, 201, 503].filter((status) => !statuses.has(status))).toEqual([]);
      expect([...statuses].sort()).toEqual([200, 201, 503]);
      for (const answer of answers.filter(({ status }) => status === 503)) {
        expectUnavailable(answer);
      }
      const slowest = Math.max(...answers.map((answer) => answer.ms));
      console.info(
        `${how}: ${answers.length} requests, slowest ${slowest.toFixed(0)} ms, ` +
          `back ${seconds.toFixed(2)} s after the server`,
      );
      expect(slowest).toBeLessThan(1_000);
      await secondsUntil(async () => (await countConnections(example)) === connections);
    },
  );

  test("the log names the cause of a 503, and no 500 was answered in all this", () => {
    const causes = example.log.filter((line) => line.level === "error");
    expect(causes.length).toBeGreaterThan(0);
    for (const line of causes) {
      expect(line).toMatchObject({ code: "UNAVAILABLE", err: { kind: "unavailable" } });
    }
    expect(example.log.some((line) => line.message.includes("cannot be reached"))).toBe(true);
  });
});

describe("while PostgreSQL is silent", () => {
  const STATEMENT_TIMEOUT_MS = 300;
  let proxy: PostgresProxy;
  let example: ServedExample;
  beforeAll(async () => {
    proxy = await startProxy(server.appUrl);
    const addresses = { ownerUrl: server.ownerUrl, appUrl: proxy.url(server.appUrl) };
    // One connection of each kind: if one is lost for good, everything stands still.
    example = await serveExample(addresses, {
      DATABASE_STATEMENT_TIMEOUT: String(STATEMENT_TIMEOUT_MS),
      DATABASE_READ_CONNECTIONS: "1",
      DATABASE_WRITE_CONNECTIONS: "1",
    });
    await example.request("/v1/sites");
  });
  afterAll(async () => {
    await proxy?.close();
    await example?.stop();
  });

  // statement_timeout, two more seconds of silence, a look every second, and a busy machine.
  const PATIENCE_MS = STATEMENT_TIMEOUT_MS + 2_000 + 1_000 + 700;

  // Planted fault: Lane.closeIfSilent does nothing -> red.
  test("what waits is 503 in the end, and all is well when it speaks again", async () => {
    proxy.freeze();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        at % 2 === 0
          ? example.request("/v1/sites")
          : example.request("/v1/sites", { body: { name: `silent ${at}` } }),
      ),
    );
    for (const answer of answers) {
      expectUnavailable(answer);
      expect(answer.ms).toBeLessThan(PATIENCE_MS);
    }
    proxy.thaw();
    const back = await secondsUntil(
      async () => (await example.request("/v1/sites", { body: { name: "Dock" } })).status === 201,
    );
    expect(back).toBeLessThan(2);
  });

  // Planted fault: a lane without a limit on its first statements -> red.
  test("connections that stop in the middle of a login are made anew", async () => {
    const lanes = [0, 1].map(() => proxy.stopAt("set timezone", "nothing sent"));
    proxy.cut();
    await Promise.all(lanes); // Logged in, and waiting for an answer that does not come.
    const back = await secondsUntil(
      async () =>
        (await example.request("/v1/sites")).status === 200 &&
        (await example.request("/v1/sites", { body: { name: `again ${Math.random()}` } }))
          .status === 201,
    );
    expect(back).toBeLessThan(8);
  });

  // Planted fault: Lane.close without a limit -> red, it waits for the server's goodbye.
  test("stopping takes no longer than a moment", async () => {
    await secondsUntil(async () => (await example.request("/v1/sites")).status === 200);
    proxy.freeze();
    const begin = performance.now();
    await example.stop();
    expect(performance.now() - begin).toBeLessThan(3_000);
  });
});
