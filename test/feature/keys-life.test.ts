// The life of an API key: its form, what is kept of it, how soon its end is felt (in real time).
//
// Planted faults, each red before it was taken out again:
// - the key stored beside its hash (in `name`) -> nowhere in the database
// - the hint as long as the key -> nowhere in the database
// - a verified key believed for 8 s -> within five seconds
// - each use of a key begins its time anew -> within five seconds
// - the role not looked up in the model -> a role that is gone
// - the tenant not looked up -> a tenant that is gone
// - a cached key believed on while the database cannot be asked -> not longer than five seconds
// - the Authorization header written to the log -> logs
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { createApiKey } from "../../src/identity/api-keys.ts";
import { Authenticator } from "../../src/identity/authenticate.ts";
import { fieldOf, type TableModel } from "../../src/model/model.ts";
import { expectRefusal } from "../fixtures/refusals.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let tenantId: string;
beforeAll(async () => {
  backend = await startTestBackend("keys");
  tenantId = await backend.tenant("Acme");
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => backend?.close());

const ask = (key: string, path = "/v1/sites"): Promise<Reply> => backend.request(path, { key });

test("a key is bw_ and 256 random bits, and never twice the same", async () => {
  const keys = [];
  for (let at = 0; at < 20; at += 1) keys.push((await backend.person(tenantId, "viewer")).key);
  for (const key of keys) {
    expect(key).toMatch(/^bw_[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(key.slice(3), "base64url")).toHaveLength(32);
  }
  expect(new Set(keys).size).toBe(20);
  // Every position varies: no fixed part, no counter.
  for (let at = 3; at < 45; at += 1)
    expect(new Set(keys.map((key) => key[at])).size).toBeGreaterThan(3);
});

test("nothing but a whole, living key opens anything", async () => {
  const { key } = await backend.person(tenantId, "manager");
  expect((await ask(key)).status).toBe(200);
  const wrong = [
    undefined,
    "",
    "Bearer",
    "Bearer ",
    `Bearer  ${key}`,
    `Bearer ${key} x`,
    `Bearer ${key},`,
    `Basic ${Buffer.from(`${key}:`).toString("base64")}`,
    `Token ${key}`,
    key,
    `Bearer ${key.slice(0, -1)}`,
    `Bearer ${key}A`,
    `Bearer ${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`,
    `Bearer ${key.toUpperCase()}`,
    `Bearer ${key.replace("bw_", "bw-")}`,
    `Bearer bw_${"A".repeat(43)}`,
    `Bearer bw_${"%".repeat(43)}`,
    "Bearer undefined",
    "Bearer null",
    `Bearer ${"x".repeat(8_000)}`,
  ];
  for (const authorization of wrong) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const reply = await backend.request("/v1/sites", { headers });
    expectRefusal(reply, 401, "UNAUTHENTICATED");
    expect(reply.headers.get("www-authenticate")).toBe('Bearer realm="backwright"');
  }
  for (const query of [`?key=${key}`, `?access_token=${key}`, `?api_key=${key}`]) {
    expect((await backend.request(`/v1/sites${query}`)).status).toBe(401);
  }
  const cookie = { cookie: `key=${key}; authorization=Bearer ${key}`, "x-api-key": key };
  expect((await backend.request("/v1/sites", { headers: cookie })).status).toBe(401);
  const lower = await backend.request("/v1/sites", { headers: { authorization: `bearer ${key}` } });
  expect(lower.status).toBe(200); // The scheme has no case (RFC 9110, 11.1).
});

test("a key is nowhere in the database, in no form but its hash", async () => {
  const { key, id } = await backend.person(tenantId, "manager");
  const secret = Buffer.from(key.slice(3), "base64url");
  const headers = { "idempotency-key": "dump" };
  const body = { name: "Dumped" };
  expect((await backend.request("/v1/sites", { key, body, headers })).status).toBe(201);
  const forms = [key.slice(9), secret.toString("hex"), secret.toString("base64").slice(9, -1)];
  const tables = await backend.owner.query<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  expect(tables.length).toBeGreaterThan(10);
  let dumped = "";
  for (const { name } of tables) {
    const rows = await backend.owner.query<{ row: string }>(`select t::text as row from ${name} t`);
    dumped += rows.map(({ row }) => row).join("\n");
  }
  // The dump holds what it should: the subject's id, the name that was written.
  for (const known of [id, "Dumped"]) expect(dumped).toContain(known);
  for (const form of forms) expect(dumped).not.toContain(form);
  const hinted = await backend.owner.query<{ hint: string; hash: Buffer }>(
    "select hint, hash from backwright.api_keys where subject = $1",
    [id],
  );
  expect(hinted[0]?.hint).toBe(key.slice(0, 9));
  expect(hinted[0]?.hash).toHaveLength(32);
});

// Planted: claimStatement without livingCondition -> red.
test("a claim is not looked up in rows that are marked as deleted", async () => {
  const { database, model } = backend.context;
  const { key, id } = await backend.person(tenantId, "manager");
  const make = async (path: string, body: object): Promise<string> =>
    (await backend.request(path, { key, body })).json.data.id;
  const siteId = await make("/v1/sites", { name: `Yard ${id}` });
  const workOrderId = await make("/v1/work-orders", { title: "Leak", siteId, requesterId: id });
  const comment = { workOrderId, authorId: id };
  const deleted = await make("/v1/comments", { ...comment, body: "No" });
  const living = await make("/v1/comments", { ...comment, body: "Yes" });
  const path = `/v1/comments/${deleted}`;
  expect((await backend.request(path, { method: "DELETE", key })).status).toBe(204);
  const table = model.tables.get("comments") as TableModel;
  const lookup = { table, column: fieldOf(table, "id"), where: fieldOf(table, "authorId") };
  const claims = new Map([["mine", { name: "mine", sql: "uuid[]", lookup }]]);
  const authenticator = new Authenticator(database as Database, { ...model, claims });
  const actor = await authenticator.authenticate(`Bearer ${key}`);
  expect(actor.claims.mine).toBe(`{${living}}`);
});

describe("the end of a key", () => {
  const change = (subject: string, set: string) =>
    backend.owner.query(`update backwright.api_keys set ${set} where subject = $1`, [subject]);
  const ends: Readonly<Record<string, string>> = {
    revoked: "revoked_at = now()",
    expired: "expires_at = now()",
    "of a role that is gone": "role = 'admin'",
    "of a role of another spelling": "role = 'Manager'",
    "moved to another tenant": "tenant_id = (select id from organizations where name = 'Other')",
    "of a tenant that is gone": "tenant_id = gen_random_uuid()",
  };

  test("is felt within five seconds, however busy the key is", { timeout: 15_000 }, async () => {
    await backend.tenant("Other");
    const busy: { name: string; set: string; person: Person }[] = [];
    for (const [name, set] of Object.entries(ends)) {
      busy.push({ name, set, person: await backend.person(tenantId, "manager") });
    }
    const site = await ask(busy[0]?.person.key ?? "");
    expect(site.status).toBe(200);
    for (const { person } of busy) expect((await ask(person.key)).status).toBe(200);
    const asleep = await backend.person(tenantId, "manager");
    expect((await ask(asleep.key)).status).toBe(200);
    for (const { person, set } of busy) await change(person.id, set);
    await change(asleep.id, "revoked_at = now()");
    const start = performance.now();
    await Promise.all(busy.map(({ name, person }) => untilOver(name, person, start)));
    await sleep(Math.max(0, 5_000 - (performance.now() - start)));
    expectRefusal(await ask(asleep.key), 401, "UNAUTHENTICATED");
    // It does not come back with a later refresh.
    for (const { name, person } of busy) {
      const reply = await ask(person.key);
      if (name === "moved to another tenant") expect(reply.json.data).toEqual([]);
      else expect(reply.status, name).toBe(401);
    }
  });

  /** Asks every 50 ms; a key that has moved is over when it sees nothing of its old tenant. */
  async function untilOver(name: string, { key }: Person, start: number): Promise<void> {
    for (;;) {
      const reply = await ask(key);
      const isOver = reply.status === 401 || (reply.status === 200 && reply.json.data.length === 0);
      if (isOver) return;
      expect(performance.now() - start, name).toBeLessThan(5_000);
      await sleep(50);
    }
  }

  test("set beforehand is the database's: a key expires by its clock", async () => {
    const of = { tenantId, role: "manager", subject: randomUUID(), name: "short" };
    const past = await createApiKey(backend.owner, { ...of, expiresAt: new Date(Date.now() - 1) });
    expect((await ask(past)).status).toBe(401);
    const later = new Date(Date.now() + 3_600_000);
    const future = await createApiKey(backend.owner, { ...of, expiresAt: later });
    vi.spyOn(Date, "now").mockReturnValue(later.getTime() + 1);
    expect((await ask(future)).status).toBe(200);
  });

  test("a role that the model never had opens nothing", async () => {
    for (const role of ["admin", "", "MANAGER", "__proto__", "constructor"]) {
      const { key } = await backend.person(tenantId, role);
      expectRefusal(await ask(key), 401, "UNAUTHENTICATED");
    }
  });

  test("a verified key is believed for five seconds when nobody can be asked", async () => {
    const { key } = await backend.person(tenantId, "manager");
    // A clock that stands, so that no request of a slow machine takes of the five seconds.
    const start = performance.now();
    const clock = vi.spyOn(performance, "now").mockReturnValue(start);
    expect((await ask(key)).status).toBe(200);
    await backend.owner.query("begin");
    await backend.owner.query("lock table backwright.api_keys in access exclusive mode");
    try {
      clock.mockReturnValue(start + 4_999);
      expect((await ask(key)).status).toBe(200);
      clock.mockReturnValue(start + 5_001);
      const reply = await ask(key);
      expectRefusal(reply, 503, "UNAVAILABLE");
      expect(reply.headers.get("retry-after")).toBe("1");
    } finally {
      await backend.owner.query("rollback");
    }
    expect((await ask(key)).status).toBe(200);
  });
});
