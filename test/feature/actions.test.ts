// Actions through HTTP: who may run them, on what, what they reply, and that they happen as a whole
// or not at all. The backend is test/fixtures/actions.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { newId } from "../../src/base/ids.ts";
import { type Script, scripts, ticketMoved } from "../fixtures/actions/backend.ts";
import { notes, tickets } from "../fixtures/actions/schema.ts";
import { faults, secondServer, sendTwins } from "../fixtures/twin-requests.ts";
import { withoutRequestId } from "../fixtures/refusals.ts";
import { rowCounts, storedRow } from "../fixtures/work-orders-world.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

const ROLES = ["lead", "worker", "clerk", "reader", "stranger"];
const TABLES = ["tickets", "notes"];

let backend: TestBackend;
let tenantId: string;
const people: Record<string, Person> = {};
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/actions");
  backend = await startTestBackend("actions", { directory });
  tenantId = await backend.tenant("Acme");
  for (const role of ROLES) people[role] = await backend.person(tenantId, role);
});
afterAll(() => backend?.close());
beforeEach(() => scripts.clear());

const idOf = (role: string): string => people[role]?.id ?? "";
const counts = (): Promise<Record<string, number>> => rowCounts(backend, TABLES);
const stored = async (id: string) => (await storedRow(backend, "tickets", id)) ?? {};

async function ticket(more: object = {}, tenant = tenantId): Promise<string> {
  const id = newId();
  const row = { organization_id: tenant, id, title: "Leak", ...more };
  const columns = Object.keys(row);
  const values = columns.map((_, at) => `$${at + 1}`);
  await backend.owner.query(
    `insert into tickets (${columns.join(", ")}) values (${values.join(", ")})`,
    Object.values(row),
  );
  return id;
}

interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
function run(role: string, id: string, action: string, sent: Sent = {}): Promise<Reply> {
  const key = people[role]?.key ?? "";
  return backend.request(`/v1/tickets/${id}/${action}`, { method: "POST", key, ...sent });
}
/** Runs code inside an action of a ticket. */
function perform(
  id: string,
  script: (context: Script) => Promise<unknown>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const step = randomUUID();
  scripts.set(step, script);
  return run("lead", id, "perform", { body: { step }, headers });
}

interface StoredEvent {
  readonly type: string;
  readonly sequence: number;
  readonly record: { readonly [field: string]: unknown };
}
const eventsOf = (id: string): Promise<StoredEvent[]> =>
  backend.owner.query(
    "select type, sequence, record from backwright.events where key = $1 order by sequence, position",
    [id],
  );

describe("who may run an action", () => {
  // Planted faults: decideAction gives the action of the resource; "all" without actions -> red.
  test("is said by the role's grant, by the action, or by all", async () => {
    const expected: Record<string, Record<string, number>> = {
      start: { lead: 200, worker: 200, clerk: 403, reader: 403, stranger: 403 },
      perform: { lead: 200, worker: 403, clerk: 200, reader: 403, stranger: 403 },
    };
    for (const [action, roles] of Object.entries(expected)) {
      for (const [role, status] of Object.entries(roles)) {
        const id = await ticket({ owner_id: idOf("worker") });
        const sent = action === "perform" ? { body: { step: "none" } } : {};
        const reply = await run(role, id, action, sent);
        expect(reply.status, `${role} ${action}: ${reply.text}`).toBe(status);
      }
    }
  });

  // Planted fault: the lock without the role's read rows -> red.
  test("reaches only records that they may read, all others look alike", async () => {
    const other = await backend.tenant("Umbrella");
    const before = await counts();
    const refused: unknown[] = [];
    for (const id of [await ticket(), await ticket({}, other), newId()]) {
      const reply = await run("worker", id, "start");
      expect(reply.status, reply.text).toBe(404);
      refused.push(withoutRequestId(reply));
    }
    expect(new Set(refused.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await counts()).toEqual({ ...before, tickets: (before.tickets ?? 0) + 2 });
  });
});

describe("what an action is sent", () => {
  // Planted fault: strict() left out in compile-actions -> red.
  test("is refused with 400 where it is not the declared input", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const wrong: [string, unknown, string][] = [
      ["perform", { step: "a", extra: 1 }, "extra"],
      ["perform", { step: 1 }, "step"],
      ["perform", {}, "step"],
      ["perform", undefined, "step"],
      ["perform", [], ""],
      ["perform", { step: "a", times: null }, "times"],
      ["start", { now: true }, "now"],
      ["hand-over", { to: "nobody" }, "to"],
    ];
    for (const [action, body, field] of wrong) {
      const reply = await run("lead", id, action, body === undefined ? {} : { body });
      expect(reply.status, `${action} ${JSON.stringify(body)}: ${reply.text}`).toBe(400);
      expect(reply.json.error.code).toBe("VALIDATION_ERROR");
      expect(reply.json.error.details[0].field).toBe(field);
    }
    const query = await run("lead", id, "start?x=1");
    expect([query.status, query.json.error.code]).toEqual([400, "PARAMETER_INVALID"]);
    expect((await stored(id)).version).toBe(1);
  });

  test("may be left out, or be an empty object, where an action takes nothing", async () => {
    for (const sent of [{}, { body: {} }]) {
      const id = await ticket({ owner_id: idOf("worker") });
      expect((await run("worker", id, "start", sent)).status).toBe(200);
    }
  });

  // Planted fault: the comparison of versions left out of the lock -> red.
  test("may name a version, and is 412 for another", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const stale = await run("worker", id, "start", { headers: { "if-match": '"7-x"' } });
    expect(stale.status, stale.text).toBe(412);
    const done = await run("worker", id, "start", { headers: { "if-match": '"1-x"' } });
    expect(done.status, done.text).toBe(200);
    expect(done.headers.get("etag")).toMatch(/^"2-/);
  });
});

describe("what an action replies", () => {
  test("is the record as the caller may read it, with its version", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const done = await run("worker", id, "start");
    expect(done.json.data).toEqual({
      id,
      title: "Leak",
      status: "active",
      ownerId: idOf("worker"),
    });
    const got = await backend.request(`/v1/tickets/${id}`, { key: people.worker?.key ?? "" });
    expect(done.text).toBe(got.text);
    expect(done.headers.get("etag")).toBe(got.headers.get("etag"));
  });

  // Planted fault: the reply read without the role's rows -> red.
  test("is the id alone where the action took the record out of sight", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const body = { to: idOf("lead") };
    const headers = { "idempotency-key": "away" };
    const done = await run("worker", id, "hand-over", { body, headers });
    expect(done.text).toBe(`{"data":{"id":"${id}"}}`);
    const again = await run("worker", id, "hand-over", { body, headers });
    expect([again.status, again.text]).toEqual([200, done.text]);
  });

  // Planted fault: the result passed on unparsed -> red.
  test("is its output as declared, and nothing else of what it returned", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const done = await run("worker", id, "weigh", { body: {} });
    expect(done.json.data).toEqual({ weight: 4, at: "2026-01-02T03:04:05.000Z" });
    expect(done.headers.get("etag")).toBeNull();
  });

  test("is 500 with nothing written where it returned something else", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const before = await counts();
    const body = { to: idOf("lead"), fail: "shape" };
    const reply = await run("lead", id, "weigh", { body });
    expect([reply.status, reply.json.error.code]).toEqual([500, "INTERNAL"]);
    expect(reply.text).not.toContain("weight");
    const logged = backend.log.filter((line) => line.requestId === reply.json.error.requestId);
    expect(logged.some(({ level }) => level === "error")).toBe(true);
    expect(await counts()).toEqual(before);
    expect((await stored(id)).owner_id).toBe(idOf("worker"));
  });
});

describe("a change of an action", () => {
  test("moves the version, and has its audit entry under the action's name and its event", async () => {
    const id = await ticket();
    const seen: unknown[] = [];
    const reply = await perform(id, async ({ record, change }) => {
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
    expect(await stored(id)).toMatchObject({ version: 3, title: "Flood", is_hot: true });
    const audit = await backend.owner.query(
      "select operation, actor, role, before, after from backwright.audit where record_id = $1 " +
        "order by position",
      [id],
    );
    expect(audit).toMatchObject([
      { operation: "perform", actor: idOf("lead"), role: "lead", before: { status: "open" } },
      { operation: "perform", before: { title: "Leak" }, after: { title: "Flood", isHot: true } },
    ]);
    const events = await eventsOf(id);
    expect(events).toMatchObject([
      { type: "tickets.updated", sequence: 2, record: { status: "active" } },
      { type: "tickets.updated", sequence: 3, record: { title: "Flood" } },
    ]);
  });

  // Planted fault: no state guard (states: []) -> red.
  test("keeps to the states, 422 otherwise, and everything before it is undone", async () => {
    const id = await ticket();
    const before = await counts();
    const reply = await perform(id, async ({ change }) => {
      await change({ title: "Flood" });
      await change({ status: "closed" });
    });
    expect([reply.status, reply.json.error.code]).toEqual([422, "INVALID_TRANSITION"]);
    expect(reply.json.error.details).toEqual([
      { field: "status", message: 'is "open", which may move to active' },
    ]);
    expect(await stored(id)).toMatchObject({ version: 1, title: "Leak" });
    expect(await counts()).toEqual(before);
  });

  test("refers to what the tenant has, seen by the caller or not, and to nothing else", async () => {
    const hidden = await ticket();
    const foreign = await ticket({}, await backend.tenant("Umbrella"));
    const cases = [
      [hidden, 200],
      [foreign, 422],
      [newId(), 422],
    ] as const;
    for (const [parentId, status] of cases) {
      const reply = await perform(await ticket(), ({ change }) => change({ parentId }));
      expect(reply.status, reply.text).toBe(status);
      if (status === 422) expect(reply.json.error.details[0].field).toBe("parentId");
    }
  });

  test("writes neither hidden fields nor those that Backwright keeps", async () => {
    for (const patch of [{ secret: "x" }, { version: 9 }, { nothing: 1 }, { organizationId: "x" }]) {
      const id = await ticket();
      const reply = await perform(id, ({ change }) => change(patch as object));
      expect(reply.status).toBe(500);
      expect(await stored(id)).toMatchObject({ version: 1, secret: null });
    }
    const reply = await perform(await ticket(), ({ change }) => change({ title: "\0" }));
    expect([reply.status, reply.json.error.code]).toEqual([422, "UNPROCESSABLE"]);
  });
});

describe("an event that an action emits", () => {
  // Planted fault: the sequence taken from the record as it was locked -> red.
  test("comes after the change before it and before the change after it", async () => {
    const id = await ticket();
    const at = new Date("2026-01-02T03:04:05Z");
    const reply = await perform(id, async ({ change, emit }) => {
      await emit(ticketMoved, { to: "nowhere", at });
      await change({ status: "active" });
      await emit(ticketMoved, { to: "active", at });
      await change({ title: "Flood" });
      await emit(ticketMoved, { to: "flood", at });
    });
    expect(reply.status, reply.text).toBe(200);
    const events = (await eventsOf(id)).map(({ type, sequence, record }) => [
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
    const id = await ticket();
    const before = await counts();
    const reply = await perform(id, async ({ change, emit }) => {
      await change({ title: "Flood" });
      await emit(ticketMoved, { to: "x" } as unknown as { to: string; at: Date });
    });
    expect(reply.status).toBe(500);
    expect(await counts()).toEqual(before);
  });
});

describe("an action that throws", () => {
  // Planted fault: COMMIT in place of ROLLBACK in the lane -> red.
  test("leaves no row, audit entry, event, note or stored reply", async () => {
    const id = await ticket();
    const before = await counts();
    const headers = { "idempotency-key": "thrown" };
    const reply = await perform(
      id,
      async ({ record, change, emit, tx }) => {
        await change({ title: "Flood" });
        await emit(ticketMoved, { to: "x", at: new Date() });
        await tx.insert(notes).values({ organizationId: record.organizationId, text: "gone" });
        throw new Error("a secret of the log");
      },
      headers,
    );
    expect([reply.status, reply.json.error.code]).toEqual([500, "INTERNAL"]);
    expect(reply.text).not.toContain("secret");
    expect(await counts()).toEqual(before);
    expect(await stored(id)).toMatchObject({ title: "Leak", version: 1 });
  });

  test("replies with the BackwrightError that it throws", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const reply = await run("worker", id, "weigh", { body: { to: idOf("lead"), fail: "words" } });
    expect([reply.status, reply.json.error.message]).toEqual([409, "It is too heavy."]);
    expect((await stored(id)).owner_id).toBe(idOf("worker"));
  });

  // Planted fault: the answer of COMMIT not looked at -> red (200, and nothing written).
  test("or only swallows what PostgreSQL threw, is refused all the same", async () => {
    const id = await ticket();
    const before = await counts();
    const reply = await perform(id, async ({ record, change, tx }) => {
      await change({ title: "Flood" });
      const note = { organizationId: record.organizationId, text: "same" };
      await tx.insert(notes).values(note);
      await tx.insert(notes).values(note).catch(() => undefined);
    });
    expect(reply.status, reply.text).toBe(500);
    expect(await counts()).toEqual(before);
  });
});

describe("the tx of an action", () => {
  // Planted fault: no tenant in BEGIN -> red (no rows at all).
  test("sees and writes the tenant's rows only, without a condition", async () => {
    const other = await backend.tenant("Umbrella");
    await ticket({ title: "Foreign" }, other);
    const id = await ticket();
    let seen = new Set<string>();
    let raw = 0;
    const reply = await perform(id, async ({ record, tx }) => {
      const rows = await tx.select().from(tickets);
      seen = new Set(rows.map((row) => row.organizationId));
      const counted = await tx.execute<{ n: number }>("select count(*)::int as n from tickets");
      raw = (counted.rows[0]?.n ?? 0) - rows.length;
      const found = await tx.query.tickets.findMany({ with: { parent: true } });
      expect(found).toHaveLength(rows.length);
      await tx.transaction(async (inner) => {
        const text = `note of ${id}`;
        await inner.insert(notes).values({ organizationId: record.organizationId, text });
      });
    });
    expect(reply.status, reply.text).toBe(200);
    expect([...seen]).toEqual([tenantId]);
    expect(raw).toBe(0);
    const kept = await backend.owner.query("select 1 from notes where text = $1", [`note of ${id}`]);
    expect(kept).toHaveLength(1);
    const foreign = await perform(id, ({ tx }) =>
      tx.insert(notes).values({ organizationId: other, text: "over the wall" }),
    );
    expect(foreign.status).toBe(500);
  });

  // Planted fault: buildUpdateQuery not overridden -> red.
  test("does not write a table that the API serves", async () => {
    const writes: ((context: Script) => PromiseLike<unknown>)[] = [
      ({ tx, record }) =>
        tx.insert(tickets).values({ organizationId: record.organizationId, title: "x" }),
      ({ tx }) => tx.update(tickets).set({ title: "x" }),
      ({ tx }) => tx.delete(tickets),
      ({ tx }) => tx.transaction((inner) => inner.update(tickets).set({ title: "x" })),
      ({ tx }) => tx.with(tx.$with("n").as(tx.select().from(notes))).delete(tickets),
    ];
    for (const write of writes) {
      const id = await ticket();
      const before = await counts();
      const reply = await perform(id, async (context) => {
        await write(context);
      });
      expect(reply.status, reply.text).toBe(500);
      const line = backend.log.find((one) => one.requestId === reply.json.error.requestId);
      expect(String(line?.err)).toContain("tx may not write tickets, which the API serves");
      expect(await counts()).toEqual(before);
    }
  });

  test("cannot end the transaction, and nothing can be used after it", async () => {
    for (const text of ["commit", " ROLLBACK ", "begin", "start transaction", "end"]) {
      const reply = await perform(await ticket(), async ({ tx }) => tx.execute(text));
      expect(reply.status, text).toBe(500);
    }
    let late: Script | undefined;
    const id = await ticket();
    await perform(id, async (context) => {
      late = context;
    });
    await expect(late?.change({ title: "late" })).rejects.toThrow();
    await expect(late?.emit(ticketMoved, { to: "x", at: new Date() })).rejects.toThrow(/over/);
    expect(await stored(id)).toMatchObject({ title: "Leak", version: 1 });
  });
});

describe("an action under an Idempotency-Key", () => {
  test("happens once, and the repeat has the same bytes", async () => {
    const id = await ticket({ owner_id: idOf("worker") });
    const sent = { body: {}, headers: { "idempotency-key": "weigh" } };
    const first = await run("worker", id, "weigh", sent);
    const again = await run("worker", id, "weigh", sent);
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const other = await run("worker", id, "weigh", { ...sent, body: { to: idOf("lead") } });
    expect([other.status, other.json.error.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    const elsewhere = await run("worker", id, "start", { headers: sent.headers });
    expect(elsewhere.headers.get("idempotency-replayed")).toBeNull();
  });

  // Planted fault: OUTPUT stored in place of OUTPUT_UNSEEN -> red.
  test("is replayed where the record may be seen, or where the action itself hid it", async () => {
    const hidden = await ticket({ owner_id: idOf("worker") });
    const headers = { "idempotency-key": "hides" };
    const body = { to: idOf("lead") };
    const first = await run("worker", hidden, "weigh", { body, headers });
    const again = await run("worker", hidden, "weigh", { body, headers });
    expect([again.status, again.text]).toEqual([200, first.text]);
    const lost = await ticket({ owner_id: idOf("worker") });
    const seen = await run("worker", lost, "weigh", { body: {}, headers });
    expect(seen.status).toBe(200);
    await backend.owner.query("update tickets set owner_id = null where id = $1", [lost]);
    expect((await run("worker", lost, "weigh", { body: {}, headers })).status).toBe(404);
  });

  // Planted fault: the claim's lock not taken -> red (several effects).
  test("has one effect for twins that arrive at once, at two servers", async () => {
    const second = await secondServer(backend);
    try {
      const id = await ticket();
      let runs = 0;
      scripts.set("slow", async ({ change }) => {
        runs += 1;
        await new Promise((resolve) => setTimeout(resolve, 30));
        await change({ isHot: true });
      });
      const twin = {
        path: `/v1/tickets/${id}/perform`,
        method: "POST" as const,
        key: people.lead?.key ?? "",
        headers: { "idempotency-key": "twins" },
        body: { step: "slow" },
      };
      const outcome = await sendTwins([backend.url, second.url], twin, 12);
      expect(faults([outcome], 200)).toEqual([]);
      expect(runs).toBe(1);
      expect((await stored(id)).version).toBe(2);
      expect(await eventsOf(id)).toHaveLength(1);
    } finally {
      await second.stop();
    }
  });

  test("stores nothing when it is refused", async () => {
    const id = await ticket({ status: "closed" });
    const headers = { "idempotency-key": "refused" };
    expect((await run("lead", id, "start", { headers })).status).toBe(422);
    await backend.owner.query("update tickets set status = 'open' where id = $1", [id]);
    expect((await run("lead", id, "start", { headers })).status).toBe(200);
  });
});

test("an action knows its caller's claims as values", async () => {
  const { createApiKey } = await import("../../src/identity/api-keys.ts");
  const claims = { region: "north", level: 3, onCall: true, tags: ["a,b", 'c"d', "e\\f"] };
  const subject = newId();
  const key = await createApiKey(backend.owner, {
    ...{ tenantId, role: "lead", subject, name: "claims" },
    claims,
  });
  const seen: unknown[] = [];
  scripts.set("claims", async ({ actor }) => seen.push(actor));
  const id = await ticket();
  const options = { key, body: { step: "claims" } };
  const reply = await backend.request(`/v1/tickets/${id}/perform`, options);
  expect(reply.status, reply.text).toBe(200);
  expect(seen).toEqual([{ ...claims, id: subject, tenantId, role: "lead" }]);
  await perform(id, async ({ actor }) => seen.push(actor));
  expect(seen[1]).toMatchObject({ region: null, level: null, onCall: null, tags: [] });
});
