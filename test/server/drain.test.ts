// The bounds of a drain: it waits for what is in flight, but not for ever, and not for clients that
// only keep a connection open.
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Route } from "../../src/server/http.ts";
import { startKernel } from "./kernel.ts";
import { connectTo, type RawConnection, requestText } from "./raw-http.ts";

const slow: Route = {
  method: "GET",
  path: "/v1/slow/:ms",
  handle: async ({ parameters }) => {
    await sleep(Number(parameters.ms));
    return { status: 200, body: "{}" };
  },
};

async function keepAlive(url: string): Promise<RawConnection> {
  const connection = await connectTo(url);
  connection.send(requestText({ path: "/health" }));
  await connection.reply();
  return connection;
}

async function drained(server: { drain(ms: number): Promise<void> }, ms: number): Promise<number> {
  const begin = performance.now();
  await server.drain(ms);
  return performance.now() - begin;
}

describe("a drain", { concurrent: true }, () => {
  // Planted fault: no `connection: close` in onSend and no closeIdleConnections -> red, 5 s.
  test("ends as soon as the last request in flight is answered", async () => {
    const { server, url } = await startKernel({ routes: [slow] });
    const [busy, idle] = [await keepAlive(url), await keepAlive(url)];
    busy.send(requestText({ path: "/v1/slow/400" }));
    await sleep(50);
    const draining = drained(server, 5_000);
    const reply = await busy.reply();
    expect(reply.status).toBe(200);
    expect(reply.headers.get("connection")).toBe("close");
    const ms = await draining;
    expect(ms).toBeGreaterThan(250);
    expect(ms).toBeLessThan(2_000);
    await Promise.all([busy.closed, idle.closed]);
  });

  // Planted fault: no closeAllConnections after graceMs -> red.
  test("cuts what takes longer than it may wait", async () => {
    const { server, url } = await startKernel({ routes: [slow] });
    const [late, half] = [await keepAlive(url), await keepAlive(url)];
    late.send(requestText({ path: "/v1/slow/20000" }));
    half.send("POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{");
    await sleep(50);
    const ms = await drained(server, 300);
    expect(ms).toBeGreaterThan(250);
    expect(ms).toBeLessThan(2_000);
    await expect(late.reply()).rejects.toThrow(/closed/);
    await Promise.all([late.closed, half.closed]);
  });

  test("answers what was half sent when it began, and says that it is not ready", async () => {
    const { server, url } = await startKernel({ routes: [slow] });
    const [asking, posting, busy] = [
      await keepAlive(url),
      await keepAlive(url),
      await keepAlive(url),
    ];
    asking.send("GET /ready HTTP/1.1\r\nhost: x\r\n");
    posting.send(
      "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" +
        "content-length: 3\r\n\r\n[",
    );
    busy.send(requestText({ path: "/v1/slow/300" }));
    await sleep(50);
    const draining = drained(server, 5_000);
    asking.send("\r\n");
    posting.send("1]");
    const readiness = await asking.reply();
    expect(readiness.status).toBe(503);
    expect(JSON.parse(readiness.body)).toEqual({ status: "not ready", reason: "draining" });
    expect((await posting.reply()).body).toBe('{"got":[1]}');
    expect(await draining).toBeLessThan(2_000);
  });

  test("lets nobody new in", async () => {
    const { server, url } = await startKernel({ routes: [slow] });
    const busy = await keepAlive(url);
    busy.send(requestText({ path: "/v1/slow/500" }));
    await sleep(50);
    const draining = server.drain(5_000);
    await sleep(50);
    await expect(connectTo(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect((await busy.reply()).status).toBe(200);
    await draining;
  });

  // Planted fault: no sleep before the drain -> red, nobody new is let in.
  test("delayed, goes on serving while it says that it is not ready", async () => {
    const { server, url } = await startKernel({ routes: [slow] });
    const draining = server.drain(5_000, 600);
    await sleep(50);
    for (const path of ["/ready", "/v1/slow/1"]) {
      const connection = await connectTo(url);
      connection.send(requestText({ path }));
      const reply = await connection.reply();
      expect(reply.status).toBe(path === "/ready" ? 503 : 200);
      expect(reply.headers.get("connection")).toBe("close");
    }
    await draining;
    await expect(connectTo(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("may be asked for twice", async () => {
    const { server } = await startKernel();
    await Promise.all([server.drain(1_000), server.drain(1_000)]);
  });
});

test("readiness is what the owner of the server says, with its reason", async () => {
  let isReady = false;
  const readiness = () => (isReady ? { ready: true } : { ready: false, reason: "migrations" });
  const { server, url } = await startKernel({ readiness });
  const connection = await connectTo(url);
  connection.send(requestText({ path: "/ready" }));
  const before = await connection.reply();
  expect([before.status, JSON.parse(before.body)]).toEqual([
    503,
    { status: "not ready", reason: "migrations" },
  ]);
  connection.send(requestText({ path: "/health" }));
  expect((await connection.reply()).status).toBe(200);
  isReady = true;
  connection.send(requestText({ path: "/ready" }));
  expect((await connection.reply()).status).toBe(200);
  connection.destroy();
  await server.drain(1_000);
});
