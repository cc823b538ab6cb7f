// Idempotency under concurrency (reliability check 3): identical requests at once, against two
// servers of one database. The 1,000 keys of the long form are in idempotency-load.nightly.ts.
//
// Planted faults, each red before it was taken out again:
// - the advisory lock not asked and the stored reply not checked -> create
// - a stored reply not looked for (no `prior`) -> create: 503 after four attempts
// - a refused race not tried again -> create
// - a second audit entry in the statement -> create
// - a unique violation not tried again once -> unique value
// - a failed guard diagnosed at the first attempt -> update under If-Match: 412 instead of a replay
// - the lock waited for instead of tried -> in flight
// - 409 without Retry-After -> all four
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningBackend } from "../../src/app/serve.ts";
import { faults, inBatches, secondServer, sendTwins } from "../fixtures/twin-requests.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let second: RunningBackend;
let urls: string[];
let manager: Person;
let siteId: string;
beforeAll(async () => {
  backend = await startTestBackend("twins");
  second = await secondServer(backend);
  urls = [backend.url, second.url];
  manager = await backend.person(await backend.tenant("Acme"), "manager");
  const site = { key: manager.key, body: { name: "Yard" } };
  siteId = (await backend.request("/v1/sites", site)).json.data.id;
});
afterAll(async () => {
  await second?.stop();
  await backend?.close();
});

function order(title: string, more: object = {}) {
  const body = { title, siteId, requesterId: manager.id, ...more };
  return { path: "/v1/work-orders", method: "POST" as const, key: manager.key, body };
}

/** 2 to 50, mostly few. */
const twinsOf = (at: number): number => (at % 10 === 0 ? 50 : 2 + (at % 9));

test("twins of a create have one effect, entry and event, and the same bytes", async () => {
  const names = Array.from({ length: 200 }, (_, at) => `create ${at}`);
  const outcomes = await inBatches(names, 4, (name) => {
    const twin = { ...order(name), headers: { "idempotency-key": name } };
    return sendTwins(urls, twin, twinsOf(names.indexOf(name)));
  });
  expect(faults(outcomes, 201)).toEqual([]);
  // One row in each table for each key, tied to one another by the record's id.
  const [joined] = await backend.owner.query<Record<string, number>>(
    `select count(*)::int as rows, count(distinct w.title)::int as titles,
       count(distinct w.id)::int as records,
       count(distinct i.key)::int as keys, count(distinct e.id)::int as events,
       count(distinct a.position)::int as audits
     from work_orders w
     left join backwright.idempotency i on i.record_id = w.id and i.key = w.title
     left join backwright.events e on e.key = w.id
     left join backwright.audit a on a.record_id = w.id
     where w.title like 'create %'`,
  );
  const one = { titles: 200, records: 200, keys: 200, events: 200, audits: 200 };
  expect(joined).toEqual({ rows: 200, ...one });
  const sent = outcomes.reduce((sum, outcome) => sum + outcome.sent, 0);
  expect(sent).toBeGreaterThan(2_000);
});

test("twins of an update under If-Match replay; none meets its twin's new version", async () => {
  const rounds = Array.from({ length: 40 }, (_, at) => at);
  const outcomes = await inBatches(rounds, 2, async (round) => {
    const site = { key: manager.key, body: { name: `Site ${round}` } };
    const made = await backend.request("/v1/sites", site);
    const headers = {
      "if-match": made.headers.get("etag") ?? "",
      "idempotency-key": `update ${round}`,
    };
    const path = made.headers.get("location") ?? "";
    const body = { address: `Road ${round}` };
    return sendTwins(urls, { path, method: "PATCH", key: manager.key, headers, body }, 30);
  });
  expect(faults(outcomes, 200)).toEqual([]);
  const versions = await backend.owner.query<{ version: number; count: number }>(
    "select version, count(*)::int from sites where name like 'Site %' group by version",
  );
  expect(versions).toEqual([{ version: 2, count: 40 }]);
});

test("twins that claim a unique value replay; all but one other key conflict", async () => {
  const rounds = Array.from({ length: 25 }, (_, at) => at);
  const same = await inBatches(rounds, 2, (round) => {
    const body = order(`Same ${round}`, { externalId: `same-${round}` });
    const headers = { "idempotency-key": `same ${round}` };
    return sendTwins(urls, { ...body, headers }, 20);
  });
  expect(faults(same, 201)).toEqual([]);
  for (const round of rounds.slice(0, 10)) {
    const request = order(`Other ${round}`, { externalId: `other-${round}` });
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, at) => {
        const headers = { "idempotency-key": `other ${round} ${at}` };
        return backend.request(request.path, { key: request.key, body: request.body, headers });
      }),
    );
    const made = replies.filter((reply) => reply.status === 201);
    const refused = replies.filter((reply) => reply.status === 409);
    expect([made.length, refused.length]).toEqual([1, 11]);
    for (const { json } of refused) {
      expect(json.error).toMatchObject({ code: "CONFLICT", details: [{ field: "externalId" }] });
    }
  }
  const [stored] = await backend.owner.query(
    "select count(*)::int as keys from backwright.idempotency where key like 'other %'",
  );
  expect(stored).toEqual({ keys: 10 });
});

test("while a request is in flight its twin gets 409, and its bytes afterwards", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const { path, key, body } = order("Slow");
  const send = () => backend.request(path, { key, body, headers });
  // The check of its foreign key makes the first one wait, its key claimed.
  await backend.owner.query("begin");
  await backend.owner.query("select from sites where id = $1 for update", [siteId]);
  const first = send();
  const claimed = `select 1 from pg_locks l join pg_database d on d.oid = l.database
    where l.locktype = 'advisory' and d.datname = current_database()`;
  while ((await backend.owner.query(claimed)).length === 0) await sleep(5);
  const start = performance.now();
  const twin = await fetch(`${second.url}${path}`, {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const tookMs = performance.now() - start;
  expect(twin.status).toBe(409);
  expect(twin.headers.get("retry-after")).toBe("1");
  expect(await twin.json()).toMatchObject({ error: { code: "IDEMPOTENCY_IN_PROGRESS" } });
  await backend.owner.query("commit");
  const made = await first;
  expect(made.status).toBe(201);
  const later = await send();
  expect(later.text).toBe(made.text);
  expect(tookMs).toBeLessThan(1_500);
});
