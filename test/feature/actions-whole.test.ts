// Actions happen as a whole or not at all: whatever is thrown, lost, locked or repeated.
// The backend is test/fixtures/actions.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { openSession } from "../../src/database/session.ts";
import { createApiKey } from "../../src/identity/api-keys.ts";
import { type Script, scripts, ticketMoved } from "../fixtures/actions/backend.ts";
import { notes, tickets } from "../fixtures/actions/schema.ts";
import { ActionsWorld } from "../fixtures/actions-world.ts";
import { faults, secondServer, sendTwins } from "../fixtures/twin-requests.ts";

let world: ActionsWorld;
beforeAll(async () => {
  world = await ActionsWorld.start("actions_whole");
});
afterAll(() => world?.close());

describe("an action that throws", () => {
  // Planted fault: COMMIT in place of ROLLBACK in the lane -> red.
  test("leaves no row, audit entry, event, note or stored reply", async () => {
    const id = await world.ticket();
    const before = await world.counts();
    const headers = { "idempotency-key": "thrown" };
    const reply = await world.perform(
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
    expect(await world.counts()).toEqual(before);
    expect(await world.stored(id)).toMatchObject({ title: "Leak", version: 1 });
  });

  test("replies with the BackwrightError that it throws", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const reply = await world.run("worker", id, "weigh", {
      body: { to: world.idOf("lead"), fail: "words" },
    });
    expect([reply.status, reply.json.error.message]).toEqual([409, "It is too heavy."]);
    expect((await world.stored(id)).owner_id).toBe(world.idOf("worker"));
  });

  test("or only swallows what PostgreSQL threw, is refused all the same", async () => {
    const id = await world.ticket();
    const before = await world.counts();
    const reply = await world.perform(id, async ({ record, change, tx }) => {
      await change({ title: "Flood" });
      const note = { organizationId: record.organizationId, text: "same" };
      await tx.insert(notes).values(note);
      await tx
        .insert(notes)
        .values(note)
        .catch(() => undefined);
    });
    expect(reply.status, reply.text).toBe(500);
    expect(await world.counts()).toEqual(before);
  });
});

describe("the tx of an action", () => {
  // Planted fault: row security of tickets switched off in the database -> red.
  test("sees and writes the tenant's rows only, without a condition", async () => {
    const other = await world.backend.tenant("Umbrella");
    await world.ticket({ title: "Foreign" }, other);
    const id = await world.ticket();
    let seen = new Set<string>();
    let raw = 0;
    const reply = await world.perform(id, async ({ record, tx }) => {
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
    expect([...seen]).toEqual([world.tenantId]);
    expect(raw).toBe(0);
    const kept = await world.backend.owner.query("select 1 from notes where text = $1", [
      `note of ${id}`,
    ]);
    expect(kept).toHaveLength(1);
    const foreign = await world.perform(id, ({ tx }) =>
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
      const id = await world.ticket();
      const before = await world.counts();
      const reply = await world.perform(id, async (context) => {
        await write(context);
      });
      expect(reply.status, reply.text).toBe(500);
      const line = world.backend.log.find((one) => one.requestId === reply.json.error.requestId);
      expect(String(line?.err)).toContain("tx may not write tickets, which the API serves");
      expect(await world.counts()).toEqual(before);
    }
  });

  test("cannot end the transaction, and nothing can be used after it", async () => {
    for (const text of ["commit", " ROLLBACK ", "begin", "start transaction", "end"]) {
      const reply = await world.perform(await world.ticket(), async ({ tx }) => tx.execute(text));
      expect(reply.status, text).toBe(500);
    }
    let late: Script | undefined;
    const id = await world.ticket();
    await world.perform(id, async (context) => {
      late = context;
    });
    await expect(late?.change({ title: "late" })).rejects.toThrow();
    await expect(late?.emit(ticketMoved, { to: "x", at: new Date() })).rejects.toThrow(/over/);
    expect(await world.stored(id)).toMatchObject({ title: "Leak", version: 1 });
  });
});

describe("an action under an Idempotency-Key", () => {
  test("happens once, and the repeat has the same bytes", async () => {
    const id = await world.ticket({ owner_id: world.idOf("worker") });
    const sent = { body: {}, headers: { "idempotency-key": "weigh" } };
    const first = await world.run("worker", id, "weigh", sent);
    const again = await world.run("worker", id, "weigh", sent);
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const other = await world.run("worker", id, "weigh", {
      ...sent,
      body: { to: world.idOf("lead") },
    });
    expect([other.status, other.json.error.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    const elsewhere = await world.run("worker", id, "start", { headers: sent.headers });
    expect(elsewhere.headers.get("idempotency-replayed")).toBeNull();
  });

  // Planted fault: OUTPUT stored in place of OUTPUT_UNSEEN -> red.
  test("is replayed where the record may be seen, or where the action itself hid it", async () => {
    const hidden = await world.ticket({ owner_id: world.idOf("worker") });
    const headers = { "idempotency-key": "hides" };
    const body = { to: world.idOf("lead") };
    const first = await world.run("worker", hidden, "weigh", { body, headers });
    const again = await world.run("worker", hidden, "weigh", { body, headers });
    expect([again.status, again.text]).toEqual([200, first.text]);
    const lost = await world.ticket({ owner_id: world.idOf("worker") });
    const seen = await world.run("worker", lost, "weigh", { body: {}, headers });
    expect(seen.status).toBe(200);
    await world.backend.owner.query("update tickets set owner_id = null where id = $1", [lost]);
    expect((await world.run("worker", lost, "weigh", { body: {}, headers })).status).toBe(404);
  });

  // Planted fault: the claim's lock not taken -> red (several effects).
  test("has one effect for twins that arrive at once, at two servers", async () => {
    const second = await secondServer(world.backend);
    try {
      const id = await world.ticket();
      let runs = 0;
      scripts.set("slow", async ({ change }) => {
        runs += 1;
        await sleep(30);
        await change({ isHot: true });
      });
      const twin = {
        path: `/v1/tickets/${id}/perform`,
        method: "POST" as const,
        key: world.people.lead?.key ?? "",
        headers: { "idempotency-key": "twins" },
        body: { step: "slow" },
      };
      const outcome = await sendTwins([world.backend.url, second.url], twin, 12);
      expect(faults([outcome], 200)).toEqual([]);
      expect(runs).toBe(1);
      expect((await world.stored(id)).version).toBe(2);
      expect(await world.eventsOf(id)).toHaveLength(1);
    } finally {
      await second.stop();
    }
  });

  test("stores nothing when it is refused", async () => {
    const id = await world.ticket({ status: "closed" });
    const headers = { "idempotency-key": "refused" };
    expect((await world.run("lead", id, "start", { headers })).status).toBe(422);
    await world.backend.owner.query("update tickets set status = 'open' where id = $1", [id]);
    expect((await world.run("lead", id, "start", { headers })).status).toBe(200);
  });
});

describe("trouble in the middle of an action", () => {
  // Planted fault: no repeats (TRANSACTION_RETRIES_MAX = 0) -> red (503 for one of them).
  test("two that lock each other's records both happen, once each", async () => {
    const [one, two] = [await world.ticket(), await world.ticket()];
    let runs = 0;
    const lockToo = (other: string) => async (context: Script) => {
      runs += 1;
      await sleep(runs > 2 ? 0 : 100); // Until both have their own record.
      await context.tx.execute(sql`select 1 from tickets where id = ${other} for update`);
      await context.change({ isHot: true });
      await context.emit(ticketMoved, { to: other, at: new Date() });
    };
    const headers = { "idempotency-key": "deadlock" };
    const replies = await Promise.all([
      world.perform(one, lockToo(two), headers),
      world.perform(two, lockToo(one), headers),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(runs).toBe(3);
    for (const id of [one, two]) {
      expect((await world.stored(id)).version).toBe(2);
      expect((await world.eventsOf(id)).map(({ type }) => type)).toEqual([
        "tickets.updated",
        "ticket.moved",
      ]);
    }
  });

  test("a lost connection is 503, leaves nothing, and the repeat succeeds", async () => {
    const id = await world.ticket();
    const before = await world.counts();
    const admin = await openSession(world.backend.database.adminUrl);
    let isKilled = false;
    const step = randomUUID();
    scripts.set(step, async ({ change, emit, tx }) => {
      await change({ title: "Flood" });
      await emit(ticketMoved, { to: "x", at: new Date() });
      if (isKilled) return;
      isKilled = true;
      const { rows } = await tx.execute<{ pid: number }>("select pg_backend_pid() as pid");
      await admin.query("select pg_terminate_backend($1)", [rows[0]?.pid]);
      await change({ title: "Ocean" });
    });
    const sent = { body: { step }, headers: { "idempotency-key": "killed" } };
    const lost = await world.run("lead", id, "perform", sent);
    expect([lost.status, lost.json.error.code]).toEqual([503, "UNAVAILABLE"]);
    expect(lost.headers.get("retry-after")).not.toBeNull();
    expect(await world.counts()).toEqual(before);
    expect(await world.stored(id)).toMatchObject({ title: "Leak", version: 1 });
    const again = await world.run("lead", id, "perform", sent);
    expect(again.status, again.text).toBe(200);
    expect(await world.stored(id)).toMatchObject({ title: "Flood", version: 2 });
    await admin.close();
    // More than there are connections, so that each is used again.
    const ids: string[] = [];
    for (let at = 0; at < 20; at += 1) ids.push(await world.ticket());
    const all = await Promise.all(ids.map((one) => world.run("lead", one, "start")));
    expect(all.every(({ status }) => status === 200)).toBe(true);
  });
});

test("an action knows its caller's claims as values", async () => {
  const claims = { region: "north", level: 3, onCall: true, tags: ["a,b", 'c"d', "e\\f"] };
  const subject = newId();
  const key = await createApiKey(world.backend.owner, {
    ...{ tenantId: world.tenantId, role: "lead", subject, name: "claims" },
    claims,
  });
  const seen: unknown[] = [];
  scripts.set("claims", async ({ actor }) => seen.push(actor));
  const id = await world.ticket();
  const options = { key, body: { step: "claims" } };
  const reply = await world.backend.request(`/v1/tickets/${id}/perform`, options);
  expect(reply.status, reply.text).toBe(200);
  expect(seen).toEqual([{ ...claims, id: subject, tenantId: world.tenantId, role: "lead" }]);
  await world.perform(id, async ({ actor }) => seen.push(actor));
  expect(seen[1]).toMatchObject({ region: null, level: null, onCall: null, tags: [] });
});
