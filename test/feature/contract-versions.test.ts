// Versions and states under concurrency: If-Match, merges of different fields, moves of a state;
// the same whichever plan a write is made by.
//
// Planted faults, each red before it was taken out again:
// - the version left out of the UPDATE's WHERE (checked by the diagnosis only) -> one winner
// - the states left out of the UPDATE's WHERE -> assign against cancel
// - the states checked in a sibling CTE (a snapshot from before the lock) -> the lock wait
// - an update writes every field of the record it read -> different fields
// - a weak tag taken for If-Match -> tags
// - the reply's version read before the update -> the new tag
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal } from "../fixtures/refusals.ts";
import { inBatches } from "../fixtures/twin-requests.ts";
import { createOrganization, type Organization, storedRow } from "../fixtures/work-orders-world.ts";
import { type Send, through, WRITE_PLANS, type WritePlan } from "../fixtures/write-plans.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let send: Send;
beforeAll(async () => {
  backend = await startTestBackend("versions");
  acme = await createOrganization(backend, "Acme");
});
afterAll(() => backend?.close());

/** For the tests of one block. */
function useOf(plan: WritePlan): void {
  beforeAll(() => {
    send = through(backend, plan);
  });
}

async function newOrder(more: object = {}): Promise<{ id: string; path: string; etag: string }> {
  const body = {
    title: "Leak",
    siteId: acme.rows.sites.yard,
    requesterId: acme.people.manager.id,
    ...more,
  };
  const made = await send("/v1/work-orders", { key: acme.people.manager.key, body });
  expect(made.status, made.text).toBe(201);
  const path = made.headers.get("location") ?? "";
  return { id: made.json.data.id, path, etag: made.headers.get("etag") ?? "" };
}

function patch(path: string, body: object, ifMatch?: string): Promise<Reply> {
  const headers: Record<string, string> = ifMatch === undefined ? {} : { "if-match": ifMatch };
  return send(path, { key: acme.people.manager.key, method: "PATCH", body, headers });
}
const versionOf = async (id: string): Promise<unknown> =>
  (await storedRow(backend, "work_orders", id))?.version;

/** Holds the row's lock until `work` has sent its requests and they wait for it. */
async function whileLocked<T>(id: string, waiters: number, work: () => Promise<T>): Promise<T> {
  const { owner } = backend;
  await owner.query("begin");
  await owner.query("select from work_orders where id = $1 for update", [id]);
  const done = work();
  const waiting = `select 1 from pg_locks l join pg_stat_activity a using (pid)
    where not l.granted and a.datname = current_database()`;
  for (;;) {
    if ((await owner.query(waiting)).length >= waiters) break;
    await sleep(5);
  }
  await owner.query("commit");
  return done;
}

describe.each(WRITE_PLANS)("If-Match, %s,", (plan) => {
  useOf(plan);

  test("with the tag of the last read or write succeeds and gives the next one", async () => {
    const { path, etag, id } = await newOrder();
    expect(etag).toMatch(/^"1-[A-Za-z0-9_-]+"$/);
    const first = await patch(path, { title: "a" }, etag);
    expect(first.status).toBe(200);
    const next = first.headers.get("etag") ?? "";
    expect(next).toBe(etag.replace('"1-', '"2-'));
    expect(first.json.data.version).toBe(2);
    const read = await backend.request(path, { key: acme.people.manager.key });
    if (plan === "by itself") expect(read.headers.get("etag")).toBe(next);
    expect((await patch(path, { title: "b" }, next)).status).toBe(200);
    expectRefusal(await patch(path, { title: "c" }, next), 412, "VERSION_CONFLICT");
    expect((await patch(path, { title: "d" }, "*")).status).toBe(200);
    expect(await versionOf(id)).toBe(4);
  });

  test("with the tag of another reader or of selected fields compares the version", async () => {
    const { path, id } = await newOrder({ assigneeId: acme.people.technician.id });
    const { key } = acme.people.technician;
    const read = await backend.request(`${path}?fields=id,status`, { key });
    const tag = read.headers.get("etag") ?? "";
    expect(tag).toBe('"1-id-status"');
    expect((await patch(path, { title: "x" }, tag)).status).toBe(200);
    expectRefusal(await patch(path, { title: "y" }, tag), 412, "VERSION_CONFLICT");
    expect(await versionOf(id)).toBe(2);
  });

  test("that is weak, of a list, of included records or no tag at all is refused", async () => {
    const { path, id, etag } = await newOrder();
    const { key } = acme.people.manager;
    const list = await backend.request("/v1/work-orders", { key });
    const included = await backend.request(`${path}?include=site`, { key });
    const bad = [
      `W/${etag}`,
      list.headers.get("etag") ?? "none",
      included.headers.get("etag") ?? "none",
      etag.slice(1, -1),
      "1",
      '"1"',
      '""',
      '"x-y"',
      '"-1-x"',
      '"1.0-x"',
      `${etag}, ${etag}`,
      '"1-x" or true',
      "**",
      '"99999999999-x"',
    ];
    for (const tag of bad) {
      expectRefusal(await patch(path, { title: "x" }, tag), 400, "PRECONDITION_INVALID");
    }
    for (const tag of ['"0-x"', '"2-x"', '"2147483647-x"', '"2147483648-x"', '"9999999999-x"']) {
      expectRefusal(await patch(path, { title: "x" }, tag), 412, "VERSION_CONFLICT");
    }
    expect(await versionOf(id)).toBe(1);
  });

  test("lets exactly one of fifty at once win", async () => {
    const { path, etag, id } = await newOrder();
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, at) => patch(path, { title: `Winner ${at}` }, etag)),
    );
    const won = replies.filter((reply) => reply.status === 200);
    expect(won).toHaveLength(1);
    for (const reply of replies) {
      if (reply.status !== 200) expectRefusal(reply, 412, "VERSION_CONFLICT");
    }
    expect(await storedRow(backend, "work_orders", id)).toMatchObject({
      version: 2,
      title: won[0]?.json.data.title,
    });
  });

  test("lets one win too when all of them waited for the row's lock", async () => {
    const { path, etag, id } = await newOrder();
    const replies = await whileLocked(id, 6, () =>
      Promise.all(Array.from({ length: 6 }, (_, at) => patch(path, { title: `${at}` }, etag))),
    );
    const statuses = replies.map((reply) => reply.status).toSorted();
    expect(statuses).toEqual([200, 412, 412, 412, 412, 412]);
    expect(await versionOf(id)).toBe(2);
  });
});

test.each(WRITE_PLANS)("changes of different fields at once, %s, all stay", async (plan) => {
  send = through(backend, plan);
  const changes: Readonly<Record<string, string>> = {
    title: "T",
    description: "D",
    priority: "urgent",
    internalNotes: "N",
    externalId: `E-${randomUUID()}`,
    dueAt: "2027-01-01T00:00:00.000000Z",
    reportedAt: "2026-01-01T00:00:00.000000Z",
  };
  const { path, id } = await newOrder();
  const replies = await whileLocked(id, 7, () =>
    Promise.all(Object.entries(changes).map(([field, value]) => patch(path, { [field]: value }))),
  );
  expect(replies.map((reply) => reply.status)).toEqual(replies.map(() => 200));
  const read = await backend.request(path, { key: acme.people.manager.key });
  expect(read.json.data).toMatchObject({ ...changes, version: 8 });
});

describe.each(WRITE_PLANS)("the state machine, %s,", (plan) => {
  useOf(plan);

  const assign = { status: "assigned" };
  const cancel = { status: "cancelled" };
  const statesOf = async (id: string): Promise<string[]> => {
    const rows = await backend.owner.query<{ status: string }>(
      "select record->>'status' as status from backwright.events where key = $1 order by position",
      [id],
    );
    return rows.map((row) => row.status);
  };

  test("allows exactly the declared moves, and staying", async () => {
    const all = ["open", "assigned", "in_progress", "on_hold", "done", "cancelled"];
    // By hand, as the example says them.
    const moves: Readonly<Record<string, readonly string[]>> = {
      open: ["assigned", "on_hold", "cancelled"],
      assigned: ["open", "in_progress", "on_hold", "cancelled"],
      in_progress: ["on_hold", "done", "cancelled"],
      on_hold: ["open", "assigned", "in_progress", "cancelled"],
      done: ["open"],
      cancelled: ["open"],
    };
    for (const from of all) {
      for (const to of all) {
        const { path, id } = await newOrder({ status: from });
        const reply = await patch(path, { status: to, title: "Moved" });
        if (from === to || moves[from]?.includes(to) === true) {
          expect(reply.status, `${from} to ${to}: ${reply.text}`).toBe(200);
          expect(reply.json.data.status).toBe(to);
        } else {
          expectRefusal(reply, 422, "INVALID_TRANSITION", "status");
          expect(await storedRow(backend, "work_orders", id)).toMatchObject({
            status: from,
            title: "Leak",
            version: 1,
          });
        }
      }
    }
  });

  test("never assigns a cancelled order, however the two meet", async () => {
    const rounds = Array.from({ length: 40 }, (_, at) => at);
    const ids = await inBatches(rounds, 4, async () => {
      const { path, id } = await newOrder();
      const replies = await Promise.all([
        patch(path, assign),
        patch(path, cancel),
        patch(path, assign),
      ]);
      expect(replies[1]?.status).toBe(200);
      for (const reply of replies) expect([200, 422]).toContain(reply.status);
      return id;
    });
    for (const id of ids) {
      const states = await statesOf(id);
      expect(states.indexOf("cancelled")).toBe(states.length - 1);
      expect((await storedRow(backend, "work_orders", id))?.status).toBe("cancelled");
    }
  });

  test("looks at the state again after it has waited for the row's lock", async () => {
    const { path, id } = await newOrder();
    const { owner } = backend;
    await owner.query("begin");
    await owner.query("update work_orders set status = 'cancelled' where id = $1", [id]);
    const waiting = patch(path, assign);
    const blocked = `select 1 from pg_locks l join pg_stat_activity a using (pid)
      where not l.granted and a.datname = current_database()`;
    while ((await owner.query(blocked)).length === 0) await sleep(5);
    await owner.query("commit");
    expectRefusal(await waiting, 422, "INVALID_TRANSITION", "status");
    expect((await storedRow(backend, "work_orders", id))?.status).toBe("cancelled");
  });
});
