// What a connection does when its server falls silent half-way through the handshake: waits for
// five seconds, so it is not part of the quick suite.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { monotonicMs } from "../../src/base/clock.ts";
import { Database } from "../../src/database/database.ts";
import { Parameters } from "../../src/sql/statement.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startProxy } from "./tcp-proxy.ts";

// Planted fault: a limit on the login alone, as the driver's own -> never again, red.
test("a server that is silent after the login is tried again", async () => {
  const database = await createTestDatabase("lane_nightly");
  let isSilent = false;
  const proxy = await startProxy(database.appUrl, (bytes, freeze) => {
    if (isSilent && bytes.includes("set timezone")) freeze();
    return bytes;
  });
  const lanes = await Database.open({
    url: proxy.url,
    applicationName: "silent",
    readConnections: 1,
    writeConnections: 1,
    statementTimeoutMs: 500,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  const fine = new Parameters().statement("select 'fine'");
  const read = (): Promise<unknown> => lanes.read(fine, { claims: {} }, []).catch(() => "lost");
  expect(await read()).toEqual([["fine"]]);
  isSilent = true;
  proxy.cut();
  await sleep(1_500);
  expect(await read()).toBe("lost");
  isSilent = false;
  const start = monotonicMs();
  while ((await read()) === "lost" && monotonicMs() - start < 15_000) await sleep(100);
  expect(monotonicMs() - start).toBeLessThan(10_000);
  await lanes.close();
  await proxy.close();
  await database.drop();
});
