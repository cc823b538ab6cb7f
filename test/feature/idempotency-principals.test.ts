// A stored reply never crosses a principal (reliability check 5): the same key of another tenant,
// user or role is another key, or is decided anew for who asks now.
//
// Planted faults, each red before it was taken out again:
// - the scope without the subject -> users
// - the claim without the tenant, behind no wall -> tenants
// - a replay before the verb is decided -> a verb that was lost
// - a replay without looking whether the row is visible -> a row that became invisible
// - a replay of the stored bytes whatever the mask -> a mask that changed
// - row security of the table of replies switched off -> the wall
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession } from "../../src/database/session.ts";
import { expectRefusal } from "../fixtures/refusals.ts";
import {
  createOrganization,
  type Organization,
  rowCounts,
  storedRow,
} from "../fixtures/work-orders-world.ts";
import {
  type Person,
  type Reply,
  type RequestOptions,
  startTestBackend,
  type TestBackend,
} from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let rival: Organization;
beforeAll(async () => {
  backend = await startTestBackend("principals");
  acme = await createOrganization(backend, "Acme");
  rival = await createOrganization(backend, "Rival");
});
afterAll(() => backend?.close());

const headers = () => ({ "idempotency-key": randomUUID() });
const isReplay = (reply: Reply): boolean => reply.headers.get("idempotency-replayed") === "true";
const ask = (who: Person, path: string, options: RequestOptions): Promise<Reply> =>
  backend.request(path, { key: who.key, ...options });
/** The same subject with a key of another role: what a change of role leaves behind. */
const now = (who: Person, role: string): Promise<Person> =>
  backend.person(who.tenantId, role, who.id);

describe("the same key and body", () => {
  test("of two users of a tenant have two results", async () => {
    const colleague = await backend.person(acme.tenantId, "requester");
    const options = {
      body: { title: "Leak", siteId: acme.rows.sites.yard },
      headers: headers(),
    };
    const first = await ask(acme.people.requester, "/v1/work-orders", options);
    const second = await ask(colleague, "/v1/work-orders", options);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.json.data.id).not.toBe(first.json.data.id);
    expect(second.json.data.requesterId).toBe(colleague.id);
    expect(isReplay(second)).toBe(false);
    // Each has its own from now on.
    const again = await ask(acme.people.requester, "/v1/work-orders", options);
    expect(again.text).toBe(first.text);
  });

  test("of two tenants have two results, also for the same subject", async () => {
    const twin = await backend.person(rival.tenantId, "manager", acme.people.manager.id);
    const options = { body: { name: "Shared name" }, headers: headers() };
    const replies = [];
    for (const who of [acme.people.manager, rival.people.manager, twin]) {
      const other = who === twin ? { name: "Shared name 2" } : options.body;
      replies.push(await ask(who, "/v1/sites", { ...options, body: other }));
    }
    expect(replies.map((reply) => [reply.status, isReplay(reply)])).toEqual([
      [201, false],
      [201, false],
      [201, false],
    ]);
    expect(new Set(replies.map((reply) => reply.json.data.id)).size).toBe(3);
  });

  test("of another tenant tell nothing: neither by a conflict nor by a reused key", async () => {
    const options = { headers: headers() };
    const twin = await backend.person(rival.tenantId, "manager", acme.people.manager.id);
    const body = { name: "Told to nobody" };
    expect((await ask(acme.people.manager, "/v1/sites", { ...options, body })).status).toBe(201);
    const other = { name: "Another body" };
    const reply = await ask(twin, "/v1/sites", { ...options, body: other });
    expect(reply.status, reply.text).toBe(201);
  });

  test("of a user's two keys (credentials) are one request", async () => {
    const options = { body: { name: "Two keys" }, headers: headers() };
    const first = await ask(acme.people.manager, "/v1/sites", options);
    const other = await now(acme.people.manager, "manager");
    const again = await ask(other, "/v1/sites", options);
    expect(again.text).toBe(first.text);
    expect(isReplay(again)).toBe(true);
  });
});

describe("a replay is decided for who asks now", () => {
  test("a verb that was lost: 403", async () => {
    const options = {
      body: { title: "Leak", siteId: acme.rows.sites.yard },
      headers: headers(),
    };
    const first = await ask(acme.people.requester, "/v1/work-orders", options);
    expect(first.status).toBe(201);
    for (const role of ["viewer", "technician"]) {
      const demoted = await now(acme.people.requester, role);
      expectRefusal(await ask(demoted, "/v1/work-orders", options), 403, "FORBIDDEN");
    }
  });

  test("a row that became invisible, by policy or by its end: 404", async () => {
    const made = async (): Promise<[Reply, RequestOptions]> => {
      const options = {
        body: { title: "Leak", siteId: acme.rows.sites.yard },
        headers: headers(),
      };
      return [await ask(acme.people.requester, "/v1/work-orders", options), options];
    };
    const [moved, movedOptions] = await made();
    await backend.owner.query("update work_orders set requester_id = $1 where id = $2", [
      acme.people.manager.id,
      moved.json.data.id,
    ]);
    const [gone, goneOptions] = await made();
    await ask(acme.people.manager, `/v1/work-orders/${gone.json.data.id}`, { method: "DELETE" });
    const before = await rowCounts(backend, ["work_orders"]);
    for (const options of [movedOptions, goneOptions]) {
      const reply = await ask(acme.people.requester, "/v1/work-orders", options);
      expectRefusal(reply, 404, "NOT_FOUND");
    }
    expect(await rowCounts(backend, ["work_orders"])).toEqual(before);
  });

  test("a mask that changed: today's record under today's mask, and nothing written", async () => {
    const person = await backend.person(acme.tenantId, "requester");
    const path = `/v1/users/${person.id}`;
    const options = { method: "PATCH", body: { phone: "1" }, headers: headers() };
    const first = await ask(person, path, options);
    expect(first.json.data.email).toMatch(/@/);
    await backend.owner.query("update users set name = 'Renamed' where id = $1", [person.id]);
    const before = await rowCounts(backend, ["users"]);
    const technician = await now(person, "technician");
    const reply = await ask(technician, path, options);
    expect(reply.status, reply.text).toBe(200);
    expect(isReplay(reply)).toBe(true);
    expect(reply.json.data).toEqual({ id: person.id, name: "Renamed" });
    expect(reply.headers.get("etag")).not.toBe(first.headers.get("etag"));
    expect(await rowCounts(backend, ["users"])).toEqual(before);
    expect((await storedRow(backend, "users", person.id))?.version).toBe(2);
    // Back in the old role the old bytes are right again.
    const back = await ask(person, path, options);
    expect(back.text).toBe(first.text);
  });

  test("a field that the role may no longer write: 400 before any replay", async () => {
    const person = await backend.person(acme.tenantId, "requester");
    const options = { method: "PATCH", body: { name: "Own" }, headers: headers() };
    expect((await ask(person, `/v1/users/${person.id}`, options)).status).toBe(200);
    const technician = await now(person, "technician");
    const reply = await ask(technician, `/v1/users/${person.id}`, options);
    expectRefusal(reply, 400, "VALIDATION_ERROR", "name");
  });

  test("a deletion: 204 again, and 403 without the verb", async () => {
    const site = await ask(acme.people.manager, "/v1/sites", { body: { name: "Short-lived" } });
    const path = site.headers.get("location") ?? "";
    const options = { method: "DELETE", headers: headers() };
    for (let again = 0; again < 2; again += 1) {
      const reply = await ask(acme.people.manager, path, options);
      expect([reply.status, reply.text, isReplay(reply)]).toEqual([204, "", again === 1]);
    }
    const dispatcher = await now(acme.people.manager, "dispatcher");
    expectRefusal(await ask(dispatcher, path, options), 403, "FORBIDDEN");
    const without = await ask(acme.people.manager, path, { method: "DELETE" });
    expectRefusal(without, 404, "NOT_FOUND");
  });
});

test("stored replies stand behind the tenant's wall", async () => {
  const options = { body: { name: "Walled" }, headers: headers() };
  await ask(acme.people.manager, "/v1/sites", options);
  await ask(rival.people.manager, "/v1/sites", options);
  const app = await openSession(backend.database.appUrl);
  try {
    const tenants = "select distinct tenant_id::text as id from backwright.idempotency";
    expect(await app.query(tenants)).toEqual([]);
    await app.query("begin");
    await app.query("select set_config('backwright.tenant_id', $1, true)", [rival.tenantId]);
    expect(await app.query(tenants)).toEqual([{ id: rival.tenantId }]);
    await app.query("rollback");
  } finally {
    await app.close();
  }
});
