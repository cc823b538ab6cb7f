// PostgreSQL dies under load, again and again: clients repeat with the same key, and what was
// acknowledged is there, once. The API lives on throughout.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KeyedWrite } from "./keyed-client.ts";
import { type OwnServer, startOwnServer } from "./own-server.ts";
import { type ServedExample, serveExample } from "./served-example.ts";
import { judge } from "./write-judge.ts";

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
    const make = (key: string): KeyedWrite => KeyedWrite.create(key, example.apiKey, example.order);
    const again = (last: KeyedWrite, key: string): KeyedWrite => {
      const [reply] = last.acknowledgements;
      const { data } = JSON.parse(reply?.body ?? "") as { data: { id: string } };
      return KeyedWrite.update(key, example.apiKey, data.id, reply?.headers.get("etag") ?? "");
    };
    /** Waits for so many new acknowledgements, and then a random moment. */
    const more = async (count: number): Promise<void> => {
      const acknowledged = (): number => writes.filter((write) => write.isAcknowledged).length;
      const wanted = acknowledged() + count;
      while (acknowledged() < wanted) await sleep(5);
      await sleep(Math.random() * 50);
    };
    const writers = Array.from({ length: 12 }, (_, number) => writer(number));
    for (const how of ["kill", "immediate", "fast", "kill", "immediate"] as const) {
      await more(60);
      await server.stop(how);
      await server.start();
    }
    await more(60);
    isOver = true;
    await Promise.all(writers);
    console.info(`${writes.length} acknowledged writes, 5 stops`);
    expect(writes.filter((write) => !write.isAcknowledged)).toEqual([]);
    expect(await judge(server.ownerUrl, writes)).toEqual([]);
  });
});
