// Actions through HTTP: who may run them, on what, what they are sent and reply, what they change
// and emit. The backend is test/fixtures/actions.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { ticketMoved } from "../fixtures/actions/backend.ts";
import { ActionsWorld } from "../fixtures/actions-world.ts";
import { withoutRequestId } from "../fixtures/refusals.ts";

let world: ActionsWorld;
beforeAll(async () => {
  world = await ActionsWorld.start("actions");
});
afterAll(() => world?.close());

describe("who may run an action", () => {
  // Planted faults: decideAction gives the action of the resource; "all" without actions -> red.
  test("is said by the role's grant, by the action, or by all", async () => {
    const expected: Record<string, Record<string, number>> = {
      start: { lead: 200, worker: 200, clerk: 403, reader: 403, stranger: 403 },
      perform: { lead: 200, worker: 403, clerk: 200, reader: 403, stranger: 403 },
    };
    for (const [action, roles] of Object.entries(expected)) {
      for (const [role, status] of Object.entries(roles)) {
        const id = await world.ticket({ owner_id: world.idOf("worker") });
        const sent = action === "perform" ? { body: { step: "none" } } : {};
        const reply = await world.run(role, id, action, sent);
        expect(reply.status, `${role} ${action}: ${reply.text}`).toBe(status);
      }
    }
  });

  // Planted fault: the lock without the role's read rows -> red.
  test("reaches only records that they may read, all others look alike", async () => {
    const other = await world.backend.tenant("Umbrella");
    const before = await world.counts();
    const refused: unknown[] = [];
    for (const id of [await world.ticket(), await world.ticket({}, other), newId()]) {
      const reply = await world.run("worker", id, "start");
      expect(reply.status, reply.text).toBe(404);
      refused.push(withoutRequestId(reply));
    }
    expect(new Set(refused.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await world.counts()).toEqual({ ...before, tickets: (before.tickets ?? 0) + 2 });
  });
});

describe("what an action is sent", () => {
  // Planted fault: strict() left out in compile-actions -> red.
  test("is refused with 400 where it is not the declared input", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const wrong: [string, unknown, string][] = [
      ["perform", { step: "a", extra: 1 }, "extra"],
      ["perform", { step: 1 }, "step"],
      ["perform", {}, "step"],
      ["perform", undefined, "step"],
      ["perform", [], "body"],
      ["perform", { step: "a", times: null }, "times"],
      ["start", { now: true }, "now"],
      ["hand-over", { to: "nobody" }, "to"],
    ];
    for (const [action, body, field] of wrong) {
      const reply = await world.run("lead", id, action, body === undefined ? {} : { body });
      expect(reply.status, `${action} ${JSON.stringify(body)}: ${reply.text}`).toBe(400);
      expect(reply.json.error.code).toBe("VALIDATION_ERROR");
      expect(reply.json.error.details[0].field).toBe(field);
    }
    const query = await world.run("lead", id, "start?x=1");
    expect([query.status, query.json.error.code]).toEqual([400, "PARAMETER_INVALID"]);
    expect((await world.stored(id)).version).toBe(1);
  });

  test("may be left out, or be an empty object, where an action takes nothing", async () => {
    for (const sent of [{}, { body: {} }]) {
      const id = await world.ticket({ owner_id: world.idOf("worker") });
      expect((await world.run("worker", id, "start", sent)).status).toBe(200);
    }
  });

  // Planted fault: the comparison of versions left out of the lock -> red.
  test("may name a version, and is 412 for another", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const stale = await world.run("lead", id, "start", { headers: { "if-match": '"7-x"' } });
    expect(stale.status, stale.text).toBe(412);
    const done = await world.run("lead", id, "start", { headers: { "if-match": '"1-x"' } });
    expect(done.status, done.text).toBe(200);
    expect(done.headers.get("etag")).toMatch(/^"2-/);
  });
});

describe("what an action replies", () => {
  test("is the record as the caller may read it, with its version", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const done = await world.run("worker", id, "start");
    expect(done.json.data).toEqual({
      id,
      title: "Leak",
      status: "active",
      ownerId: world.idOf("worker"),
    });
    const got = await world.backend.request(`/v1/tickets/${id}`, {
      key: world.people.worker?.key ?? "",
    });
    expect(done.text).toBe(got.text);
    expect(done.headers.get("etag")).toBe(got.headers.get("etag"));
  });

  // Planted fault: the reply read without the role's rows -> red.
  test("is the id alone where the action took the record out of sight", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const body = { to: world.idOf("lead") };
    const headers = { "idempotency-key": "away" };
    const done = await world.run("worker", id, "hand-over", { body, headers });
    expect(done.text).toBe(`{"data":{"id":"${id}"}}`);
    const again = await world.run("worker", id, "hand-over", { body, headers });
    expect([again.status, again.text]).toEqual([200, done.text]);
  });

  // Planted fault: the result passed on unparsed -> red.
  test("is its output as declared, and nothing else of what it returned", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const done = await world.run("worker", id, "weigh", { body: {} });
    expect(done.json.data).toEqual({ weight: 4, at: "2026-01-02T03:04:05.000Z" });
    expect(done.headers.get("etag")).toBeNull();
  });

  test("is 500 with nothing written where it returned something else", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const before = await world.counts();
    const body = { to: world.idOf("lead"), fail: "shape" };
    const reply = await world.run("lead", id, "weigh", { body });
    expect([reply.status, reply.json.error.code]).toEqual([500, "INTERNAL"]);
    expect(reply.text).not.toContain("weight");
    const logged = world.backend.log.filter(
      (line) => line.requestId === reply.json.error.requestId,
    );
    expect(logged.some(({ level }) => level === "error")).toBe(true);
    expect(await world.counts()).toEqual(before);
    expect((await world.stored(id)).owner_id).toBe(world.idOf("worker"));
  });

  // Planted: the output joined whatever its size -> 200 with 33 MB, red.
  test("is refused with nothing written where it is larger than a reply may be", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const before = await world.counts();
    const body = { to: world.idOf("lead"), fail: "size" };
    const reply = await world.run("lead", id, "weigh", { body });
    expect([reply.status, reply.json.error.code]).toEqual([400, "REPLY_TOO_LARGE"]);
    expect(reply.json.error.details[0].field).toBe("weigh");
    expect(await world.counts()).toEqual(before);
    expect((await world.stored(id)).owner_id).toBe(world.idOf("worker"));
  });
});

describe("a change of an action", () => {
  test("moves the version, with an audit entry named after the action and an event", async () => {
    const id = await world.ticket();
    const seen: unknown[] = [];
    const reply = await world.perform(id, async ({ record, change }) => {
      seen.push(record.version, record.amount, record.secret, Object.isFrozen(record));
      const dueAt = new Date("2027-01-02T03:04:05.678Z");
      const first = await change({ status: "active", amount: 9007199254740993n, dueAt });
      seen.push(first.version, first.status, first.amount, first.dueAt?.toISOString());
      await change({});
      const second = await change({ title: "Flood", isHot: true, dueAt: null });
      seen.push(second.version, second.title, second.dueAt);
    });
    expect(reply.status, reply.text).toBe(200);
    expect(seen.slice(0, 4)).toEqual([1, null, null, true]);
    expect(seen.slice(4, 8)).toEqual([2, "active", 9007199254740993n, "2027-01-02T03:04:05.678Z"]);
    expect(seen.slice(8)).toEqual([3, "Flood", null]);
    expect(await world.stored(id)).toMatchObject({ version: 3, title: "Flood", is_hot: true });
    const audit = await world.backend.owner.query(
      "select operation, actor, role, before, after from backwright.audit where record_id = $1 " +
        "order by position",
      [id],
    );
    expect(audit).toMatchObject([
      { operation: "perform", actor: world.idOf("lead"), role: "lead", before: { status: "open" } },
      { operation: "perform", before: { title: "Leak" }, after: { title: "Flood", isHot: true } },
    ]);
    const events = await world.eventsOf(id);
    expect(events).toMatchObject([
      { type: "tickets.updated", sequence: 2, record: { status: "active" } },
      { type: "tickets.updated", sequence: 3, record: { title: "Flood" } },
    ]);
  });

  // Planted fault: `unanswered` not waited for -> red (200 without the second change).
  test("belongs to the action though its code did not wait for it", async () => {
    const id = await world.ticket();
    const both = await world.perform(id, async ({ change, emit }) => {
      void change({ title: "Flood" });
      void change({ isHot: true });
      void emit(ticketMoved, { to: "x", at: new Date() });
    });
    expect(both.status, both.text).toBe(200);
    expect(await world.stored(id)).toMatchObject({ title: "Flood", is_hot: true, version: 3 });
    expect(await world.eventsOf(id)).toHaveLength(3);
    const wrong = await world.perform(id, async ({ change }) => {
      void change({ status: "closed" });
    });
    expect(wrong.status, wrong.text).toBe(422);
  });

  // Planted fault: no state guard (states: []) -> red.
  test("keeps to the states, 422 otherwise, and everything before it is undone", async () => {
    const id = await world.ticket();
    const before = await world.counts();
    const reply = await world.perform(id, async ({ change }) => {
      await change({ title: "Flood" });
      await change({ status: "closed" });
    });
    expect([reply.status, reply.json.error.code]).toEqual([422, "INVALID_TRANSITION"]);
    expect(reply.json.error.details).toEqual([
      { field: "status", message: 'is "open", which may move to active' },
    ]);
    expect(await world.stored(id)).toMatchObject({ version: 1, title: "Leak" });
    expect(await world.counts()).toEqual(before);
  });

  test("refers to what the tenant has, seen by the caller or not, and nothing else", async () => {
    const hidden = await world.ticket();
    const foreign = await world.ticket({}, await world.backend.tenant("Umbrella"));
    const cases = [
      [hidden, 200],
      [foreign, 422],
      [newId(), 422],
    ] as const;
    for (const [parentId, status] of cases) {
      const reply = await world.perform(await world.ticket(), ({ change }) => change({ parentId }));
      expect(reply.status, reply.text).toBe(status);
      if (status === 422) expect(reply.json.error.details[0].field).toBe("parentId");
    }
  });

  test("writes neither hidden fields nor those that Backwright keeps", async () => {
    for (const patch of [
      { secret: "x" },
      { version: 9 },
      { nothing: 1 },
      { organizationId: "x" },
    ]) {
      const id = await world.ticket();
      const reply = await world.perform(id, ({ change }) => change(patch as object));
      expect(reply.status).toBe(500);
      expect(await world.stored(id)).toMatchObject({ version: 1, secret: null });
    }
    const reply = await world.perform(await world.ticket(), ({ change }) =>
      change({ title: "\0" }),
    );
    expect([reply.status, reply.json.error.code]).toEqual([422, "UNPROCESSABLE"]);
  });
});

describe("an event that an action emits", () => {
  // Planted fault: the sequence taken from the record as it was locked -> red.
  test("comes after the change before it and before the change after it", async () => {
    const id = await world.ticket();
    const at = new Date("2026-01-02T03:04:05Z");
    const reply = await world.perform(id, async ({ change, emit }) => {
      await emit(ticketMoved, { to: "nowhere", at });
      await change({ status: "active" });
      await emit(ticketMoved, { to: "active", at });
      await change({ title: "Flood" });
      await emit(ticketMoved, { to: "flood", at });
    });
    expect(reply.status, reply.text).toBe(200);
    const events = (await world.eventsOf(id)).map(({ type, sequence, record }) => [
      sequence,
      type,
      record.to,
    ]);
    expect(events).toEqual([
      [1, "ticket.moved", "nowhere"],
      [2, "tickets.updated", undefined],
      [2, "ticket.moved", "active"],
      [3, "tickets.updated", undefined],
      [3, "ticket.moved", "flood"],
    ]);
  });

  test("is refused with everything else when its payload is not what it declares", async () => {
    const id = await world.ticket();
    const before = await world.counts();
    const reply = await world.perform(id, async ({ change, emit }) => {
      await change({ title: "Flood" });
      await emit(ticketMoved, { to: "x" } as unknown as { to: string; at: Date });
    });
    expect(reply.status).toBe(500);
    expect(await world.counts()).toEqual(before);
  });
});
