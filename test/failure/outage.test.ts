// PostgreSQL goes away and comes back: 503 with Retry-After at once, never 500, nothing hangs, and
// recovery without a restart. /health and /ready stay as they are: every replica shares the outage.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type OwnServer, startOwnServer } from "./own-server.ts";
import {
  type Answer,
  countConnections,
  expectUnavailable,
  type ServedExample,
  secondsUntil,
  serveExample,
} from "./served-example.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer();
});
afterAll(() => server?.close());

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
