// PostgreSQL is there, but nothing comes from it: a hung machine, a firewall that forgot us.
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { type PostgresProxy, startProxy } from "./postgres-proxy.ts";
import { expectUnavailable, type ServedExample, secondsUntil, serveExample } from "./served-example.ts";

const STATEMENT_TIMEOUT_MS = 300;

let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("silence");
});
afterAll(() => backend?.close());

/** With one connection of each kind: if one is lost for good, everything stands still. */
async function behindProxy({
  onTestFinished,
}: TestContext): Promise<{ proxy: PostgresProxy; example: ServedExample }> {
  const { appUrl, ownerUrl } = backend.database;
  const proxy = await startProxy(appUrl);
  const example = await serveExample(
    { ownerUrl, appUrl: proxy.url(appUrl) },
    {
      DATABASE_STATEMENT_TIMEOUT: String(STATEMENT_TIMEOUT_MS),
      DATABASE_READ_CONNECTIONS: "1",
      DATABASE_WRITE_CONNECTIONS: "1",
    },
  );
  onTestFinished(async () => {
    await proxy.close();
    await example.stop();
  });
  return { proxy, example };
}

async function isWell(example: ServedExample): Promise<boolean> {
  const name = `well ${Math.random()}`;
  const read = await example.request("/v1/sites?page[size]=1");
  const written = await example.request("/v1/sites", { body: { name } });
  return read.status === 200 && written.status === 201;
}

describe("while PostgreSQL is silent", { concurrent: true, timeout: 40_000 }, () => {
  // statement_timeout, two more seconds of silence, a look every second, and a busy machine.
  const PATIENCE_MS = STATEMENT_TIMEOUT_MS + 2_000 + 1_000 + 1_000;

  // Planted fault: Lane.closeIfSilent does nothing -> red.
  test("what waits is 503 in the end, and all is well when it speaks again", async (context) => {
    const { proxy, example } = await behindProxy(context);
    expect(await isWell(example)).toBe(true);
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
    expect((await example.request("/health")).status).toBe(200);
    proxy.thaw();
    expect(await secondsUntil(() => isWell(example))).toBeLessThan(2);
  });

  // Planted fault: Lane.open limits the login alone (neither giveUp nor query_timeout after it) ->
  // red, the lane never comes back.
  test("connections that fall silent right after the login are made anew", async (context) => {
    const { proxy, example } = await behindProxy(context);
    const lanes = [0, 1].map(() => proxy.stopAt("set timezone", "nothing sent"));
    proxy.cut();
    await Promise.all(lanes); // Logged in, and waiting for an answer that does not come.
    expect(await secondsUntil(() => isWell(example))).toBeLessThan(8);
  });

  // Planted fault: Lane.close without a limit -> red, it waits for the server's goodbye.
  test("stopping takes no longer than a moment", async (context) => {
    const { proxy, example } = await behindProxy(context);
    proxy.freeze();
    const begin = performance.now();
    await example.stop();
    expect(performance.now() - begin).toBeLessThan(3_000);
  });
});
