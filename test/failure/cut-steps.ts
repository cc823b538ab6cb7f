// The network cuts a write off at each point, while the process lives: the client must hear that it
// may try again, never a success or a final failure that is not true.
import { expect } from "vitest";
import type { TestBackend } from "../support/backend.ts";
import { KeyedWrite } from "./keyed-client.ts";
import { POINTS, startProxy } from "./postgres-proxy.ts";
import { countConnections, secondsUntil, serveExample } from "./served-example.ts";
import type { SentWrite } from "./write-judge.ts";

const CONNECTIONS = { DATABASE_READ_CONNECTIONS: "1", DATABASE_WRITE_CONNECTIONS: "2" };
const CONNECTIONS_COUNT = 3;
/** Everything has been sent: the reply may overtake the cut. */
const RACES = ["sent", "answered"];

/** Cuts at each point equally often. Stops the backend's own server, so that its connections go. */
export async function cutAtPoints(backend: TestBackend, cutsAPoint: number): Promise<SentWrite[]> {
  const { ownerUrl, appUrl } = backend.database;
  await backend.stop();
  const proxy = await startProxy(appUrl);
  const example = await serveExample({ ownerUrl, appUrl: proxy.url(appUrl) }, CONNECTIONS);
  const writes: SentWrite[] = [];
  try {
    for (let round = 0; round < cutsAPoint; round += 1) {
      for (const point of POINTS) {
        const key = `${point} ${round}`.replace(/\W+/g, "-");
        const write = KeyedWrite.create(key, example.apiKey, example.order);
        writes.push(write);
        const reached = proxy.stopAt(key, point);
        const sending = write.send(example.url);
        await reached;
        proxy.cut();
        const reply = await sending;
        const allowed = RACES.includes(point) ? [201, 503] : [503];
        expect([point, reply?.status]).toEqual([point, expect.toBeOneOf(allowed)]);
        await secondsUntil(async () => (await countConnections(example)) === CONNECTIONS_COUNT);
        await write.insist(() => example.url);
        await write.send(example.url);
      }
    }
    return writes;
  } finally {
    await proxy.close();
    await example.stop();
  }
}
