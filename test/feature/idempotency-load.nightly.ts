// Reliability check 3 in full: 1,000 keys, 2 to 50 identical creates each, at two servers.
//
// Planted fault: the advisory lock not asked and the stored reply not checked -> red.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningBackend } from "../../src/app/serve.ts";
import { faults, inBatches, secondServer, sendTwins } from "../fixtures/twin-requests.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { nightlyPart } from "../support/nightly-part.ts";

const KEYS = nightlyPart(1_000);

let backend: TestBackend;
let second: RunningBackend;
let manager: Person;
beforeAll(async () => {
  backend = await startTestBackend("twinload");
  second = await secondServer(backend);
  manager = await backend.person(await backend.tenant("Acme"), "manager");
});
afterAll(async () => {
  await second?.stop();
  await backend?.close();
});

test(`${KEYS} keys have ${KEYS} effects, whatever the number of twins`, async () => {
  const site = await backend.request("/v1/sites", { key: manager.key, body: { name: "Yard" } });
  const siteId = site.json.data.id;
  const keys = Array.from({ length: KEYS }, (_, at) => at);
  const outcomes = await inBatches(keys, 4, (at) => {
    const headers = { "idempotency-key": `load ${at}` };
    const body = { title: `load ${at}`, siteId, requesterId: manager.id };
    const twin = { path: "/v1/work-orders", method: "POST" as const, key: manager.key };
    const count = 2 + Math.floor(Math.random() * 49);
    return sendTwins([backend.url, second.url], { ...twin, headers, body }, count);
  });
  expect(faults(outcomes, 201)).toEqual([]);
  const [stored] = await backend.owner.query(
    `select count(*)::int as rows, count(distinct title)::int as titles,
       (select count(*)::int from backwright.events where type = 'workOrders.created') as events,
       (select count(*)::int from backwright.audit where resource = 'workOrders') as audits,
       (select count(*)::int from backwright.idempotency) as keys
     from work_orders`,
  );
  expect(stored).toEqual({ rows: KEYS, titles: KEYS, events: KEYS, audits: KEYS, keys: KEYS });
});
