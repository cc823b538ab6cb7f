// Each change has exactly one audit entry and one event, in the order of the record's versions, and
// nothing that was refused has any, whichever plan a write is made by: counted by joins over what a
// mixed crowd of requests left.
//
// Planted faults, each red before it was taken out again:
// - the event's sequence taken from the old version -> one event per version
// - the audit entry left out of updates -> one entry per version
// - audit and event written from the request instead of the written row -> refused requests
// - the event of an update names every field -> what changed
// - the image before taken from the row after -> who did what
// - update granted on the audit log to the serving login -> the serving login
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSession } from "../../src/database/session.ts";
import { inBatches } from "../fixtures/twin-requests.ts";
import { createOrganization, type Organization, rowCounts } from "../fixtures/work-orders-world.ts";
import { type Send, through, WRITE_PLANS } from "../fixtures/write-plans.ts";
import {
  type Reply,
  type RequestOptions,
  startTestBackend,
  type TestBackend,
} from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let send: Send;
beforeAll(async () => {
  backend = await startTestBackend("effects");
  acme = await createOrganization(backend, "Acme");
});
afterAll(() => backend?.close());

const manager = (path: string, options: RequestOptions = {}): Promise<Reply> =>
  send(path, { key: acme.people.manager.key, ...options });
const order = (title: string): object => ({
  title,
  siteId: acme.rows.sites.yard,
  requesterId: acme.people.requester.id,
});

/** One line for every record whose events or audit entries do not match its version. */
const MISMATCHES = `
  with versions as (
    select 'workOrders' as resource, id, version from work_orders
    union all select 'sites', id, version from sites
    union all select 'assets', id, version from assets
    union all select 'categories', id, version from categories
    union all select 'teams', id, version from teams
  ), told as (
    select e.key as id, split_part(e.type, '.', 1) as resource, count(*)::int as events,
      array_agg(e.sequence order by e.position) as sequences,
      array_agg(split_part(e.type, '.', 2) order by e.position) as verbs,
      count(distinct e.id)::int as ids
    from backwright.events e group by 1, 2
  ), kept as (
    select a.record_id as id, a.resource, count(*)::int as entries,
      array_agg(a.operation order by a.position) as verbs
    from backwright.audit a group by 1, 2
  )
  select v.resource, v.id, v.version, told.sequences, told.verbs, kept.entries
  from versions v left join told using (resource, id) left join kept using (resource, id)
  where told.sequences is distinct from (select array_agg(n) from generate_series(1, v.version) n)
    or told.ids is distinct from v.version
    or kept.entries is distinct from v.version
    or kept.verbs is distinct from told.verbs
    or told.verbs[1] <> 'created'
    or 'created' = any(told.verbs[2:])`;

const UPDATES =
  "select count(*)::int as events from backwright.events where type = 'workOrders.updated'";

test.each(WRITE_PLANS)("after a crowd of writes %s every version is told of", async (plan) => {
  send = through(backend, plan);
  const [before] = await backend.owner.query<{ events: number }>(UPDATES);
  const made = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const reply = await manager("/v1/work-orders", { body: order(`Crowd ${at}`) });
      return reply.headers.get("location") ?? "";
    }),
  );
  const jobs = Array.from({ length: 360 }, (_, at) => at);
  const statuses = await inBatches(jobs, 30, async (at) => {
    const path = made[(at * 7) % made.length] ?? "";
    const bodies: readonly object[] = [
      { title: `Title ${at}` },
      { description: `Text ${at}`, priority: "high" },
      { status: "assigned" },
      { status: "done" },
      { siteId: randomUUID() },
      { title: 7 },
    ];
    const headers: Record<string, string> = at % 4 === 0 ? { "if-match": '"1-x"' } : {};
    if (at % 5 === 0) headers["idempotency-key"] = `${plan} ${at % 60}`;
    const reply = await manager(path, { method: "PATCH", body: bodies[at % 6], headers });
    return reply.status;
  });
  const seen = new Set(statuses);
  // The crowd met every kind of refusal, and none of the server's own.
  for (const status of [200, 400, 412, 422]) expect(seen).toContain(status);
  expect([...seen].filter((status) => status >= 500)).toEqual([]);
  expect(await backend.owner.query(MISMATCHES)).toEqual([]);
  const [orphans] = await backend.owner.query(
    `select
       (select count(*)::int from backwright.events e where type like 'workOrders.%'
          and not exists (select from work_orders w where w.id = e.key)) as events,
       (select count(*)::int from backwright.audit a where resource = 'workOrders'
          and not exists (select from work_orders w where w.id = a.record_id)) as entries`,
  );
  expect(orphans).toEqual({ events: 0, entries: 0 });
  const changed = statuses.filter((status) => status === 200).length;
  const [after] = await backend.owner.query<{ events: number }>(UPDATES);
  const updates = Number(after?.events) - Number(before?.events);
  // Replays are 200 too, so there are at most as many events.
  expect(updates).toBeLessThanOrEqual(changed);
  expect(updates).toBeGreaterThan(100);
});

test.each(WRITE_PLANS)("an entry of a write %s says who changed what, and how", async (plan) => {
  send = through(backend, plan);
  const requestId = `trace-${randomUUID()}`;
  const made = await manager("/v1/work-orders", { body: order("Traced") });
  const { id } = made.json.data;
  const reply = await manager(`/v1/work-orders/${id}`, {
    method: "PATCH",
    body: { title: "Traced twice", description: null, priority: "high" },
    headers: { "x-request-id": requestId },
  });
  expect(reply.headers.get("x-request-id")).toBe(requestId);
  const [credential] = await backend.owner.query<{ id: string }>(
    "select id::text from backwright.api_keys where subject = $1",
    [acme.people.manager.id],
  );
  const entries = await backend.owner.query(
    `select tenant_id, request_id, actor, credential, role, operation, resource, before, after
     from backwright.audit where record_id = $1 order by position`,
    [id],
  );
  expect(entries).toHaveLength(2);
  expect(entries[0]).toMatchObject({ operation: "created", before: null, after: made.json.data });
  expect(entries[1]).toEqual({
    tenant_id: acme.tenantId,
    request_id: requestId,
    actor: acme.people.manager.id,
    credential: credential?.id,
    role: "manager",
    operation: "updated",
    resource: "workOrders",
    before: { title: "Traced", description: null, priority: "normal" },
    after: { title: "Traced twice", description: null, priority: "high" },
  });
  const events = await backend.owner.query(
    `select tenant_id, type, sequence, fields, record, actor, request_id, sent_at
     from backwright.events where key = $1 order by position`,
    [id],
  );
  expect(events[1]).toEqual({
    tenant_id: acme.tenantId,
    type: "workOrders.updated",
    sequence: 2,
    fields: ["title", "description", "priority"],
    record: reply.json.data,
    actor: acme.people.manager.id,
    request_id: requestId,
    sent_at: null,
  });
});

// A bulk that is no "all or nothing" is not refused for its records: it keeps what it told of them.
const REFUSING = WRITE_PLANS.filter((plan) => plan !== "in bulk");

test.each(REFUSING)("a request refused %s writes nothing, whatever the reason", async (plan) => {
  send = through(backend, plan);
  await backend.owner.query("update work_orders set external_id = null");
  const tables = ["work_orders", "sites", "assets", "categories", "teams", "users"];
  const made = await manager("/v1/work-orders", { body: { ...order("Kept"), externalId: "one" } });
  const path = made.headers.get("location") ?? "";
  const before = await rowCounts(backend, tables);
  const keyed = () => ({ "idempotency-key": randomUUID() });
  const asks: readonly [status: number, path: string, options: RequestOptions][] = [
    [400, "/v1/work-orders", { body: { title: "No site" } }],
    [403, "/v1/teams", { body: { name: "x" }, key: acme.people.viewer.key }],
    [401, "/v1/teams", { body: { name: "x" }, key: "bw_nobody" }],
    [409, "/v1/work-orders", { body: { ...order("Again"), externalId: "one" } }],
    [409, "/v1/sites", { body: { name: "Yard" } }],
    [422, "/v1/work-orders", { body: { ...order("Lost"), teamId: randomUUID() } }],
    [404, `/v1/sites/${randomUUID()}`, { method: "PATCH", body: { name: "x" } }],
    [412, path, { method: "PATCH", body: { title: "x" }, headers: { "if-match": '"9-x"' } }],
    [422, path, { method: "PATCH", body: { status: "done" } }],
    [409, path.replace(/.*/, `/v1/sites/${acme.rows.sites.yard}`), { method: "DELETE" }],
    [404, `/v1/sites/${randomUUID()}`, { method: "DELETE" }],
    [403, path, { method: "DELETE", key: acme.people.requester.key }],
  ];
  for (const [status, where, options] of asks) {
    for (const headers of [options.headers ?? {}, { ...options.headers, ...keyed() }]) {
      const reply = await manager(where, { ...options, headers });
      expect(reply.status, reply.text).toBe(status);
    }
  }
  expect(await rowCounts(backend, tables)).toEqual(before);
});

test("events and audit entries cannot be changed or read by the serving login", async () => {
  const app = await openSession(backend.database.appUrl);
  try {
    await app.query("select set_config('backwright.tenant_id', $1, false)", [acme.tenantId]);
    for (const table of ["audit", "events"]) {
      for (const text of [
        `select from backwright.${table}`,
        `update backwright.${table} set actor = gen_random_uuid()`,
        `delete from backwright.${table}`,
        `truncate backwright.${table}`,
        `drop table backwright.${table}`,
        `alter table backwright.${table} disable row level security`,
      ]) {
        await expect(app.query(text), text).rejects.toThrow(/permission denied|must be owner/);
      }
    }
  } finally {
    await app.close();
  }
});
