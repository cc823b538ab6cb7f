// PostgreSQL dies under load, or the network cuts a write off at any point: clients repeat with
// the same key, and what was acknowledged is there, once. The process lives on throughout.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { KeyedWrite } from "./keyed-client.ts";
import { type OwnServer, startOwnServer } from "./own-server.ts";
import { POINTS, type PostgresProxy, startProxy } from "./postgres-proxy.ts";
import { countConnections, type ServedExample, secondsUntil, serveExample } from "./served-example.ts";
import { judge } from "./write-judge.ts";

const FINAL_TO_A_CLIENT = [200, 201, 409, 503];

describe("while PostgreSQL is killed and started again under 12 writers", () => {
  let server: OwnServer;
  let example: ServedExample;
  beforeAll(async () => {
    server = await startOwnServer();
    example = await serveExample(server);
  });
  afterAll(async () => {
    await example?.stop();
    await server?.close();
  });

  // Planted fault: `alter system set synchronous_commit = off` -> red, writes are lost.
  test("no acknowledged write is lost or doubled", { timeout: 120_000 }, async () => {
    const writes: KeyedWrite[] = [];
    let isOver = false;
    const writer = async (number: number): Promise<void> => {
      let last: KeyedWrite | undefined;
      for (let turn = 0; !isOver; turn += 1) {
        const key = `${number}-${turn}`;
        const write = turn % 3 === 2 && last !== undefined ? again(last, key) : make(key);
        writes.push(write);
        await write.insist(() => example.url);
        last = write;
      }
    };
    const make = (key: string): KeyedWrite =>
      KeyedWrite.create(key, example.apiKey, example.order);
    const again = (last: KeyedWrite, key: string): KeyedWrite => {
      const [reply] = last.acknowledgements;
      const { data } = JSON.parse(reply?.body ?? "") as { data: { id: string } };
      return KeyedWrite.update(key, example.apiKey, data.id, reply?.headers.get("etag") ?? "");
    };
    const writers = Array.from({ length: 12 }, (_, number) => writer(number));
    for (const how of ["kill", "immediate", "fast", "kill", "immediate"] as const) {
      await sleep(250 + Math.random() * 100);
      await server.stop(how);
      await server.start();
    }
    await sleep(300);
    isOver = true;
    await Promise.all(writers);
    console.info(`${writes.length} acknowledged writes, 5 stops`);
    expect(writes.length).toBeGreaterThan(200);
    expect(writes.filter((write) => !write.isAcknowledged)).toEqual([]);
    expect(await judge(server.ownerUrl, writes)).toEqual([]);
  });
});

describe("a connection cut at each point of a write", () => {
  const CUTS_A_POINT = 8;
  const CONNECTIONS = 3;
  let backend: TestBackend;
  let proxy: PostgresProxy;
  let example: ServedExample;
  beforeAll(async () => {
    backend = await startTestBackend("cut");
    await backend.stop(); // Only its database is wanted.
    proxy = await startProxy(backend.database.appUrl);
    const { ownerUrl, appUrl } = backend.database;
    example = await serveExample(
      { ownerUrl, appUrl: proxy.url(appUrl) },
      { DATABASE_READ_CONNECTIONS: "1", DATABASE_WRITE_CONNECTIONS: "2" },
    );
  });
  afterAll(async () => {
    await example?.stop();
    await proxy?.close();
    await backend?.close();
  });

  // Planted fault: publicError without `unavailable` -> red, 500. Planted fault: WalledQuery done at
  // CommandComplete, before the proof of the commit -> red, 201.
  test("is 503 to the client, never a success or a final failure that is not true", async () => {
    const writes: KeyedWrite[] = [];
    for (let round = 0; round < CUTS_A_POINT; round += 1) {
      for (const point of POINTS) {
        const key = `${point} ${round}`.replace(/\W+/g, "-");
        const write = KeyedWrite.create(key, example.apiKey, example.order);
        writes.push(write);
        const reached = proxy.stopAt(write.key, point);
        const sending = write.send(example.url);
        await reached;
        proxy.cut();
        const reply = await sending;
        expect(FINAL_TO_A_CLIENT).toContain(reply?.status);
        const isAnswered = point === "answered" || point === "sent";
        if (!isAnswered) expect([point, reply?.status]).toEqual([point, 503]);
        await secondsUntil(async () => (await countConnections(example)) === CONNECTIONS);
        await write.insist(() => example.url);
        await write.send(example.url);
      }
    }
    expect(writes.every((write) => write.isAcknowledged)).toBe(true);
    expect(await judge(backend.database.ownerUrl, writes)).toEqual([]);
  });
});
