// Upsert by a natural key: one record for a key, whoever asks at once; no more rights than create
// and update have together; one effect for one Idempotency-Key.
//
// Planted faults, each red before it was taken out again:
// - a unique conflict is final (no second decision) -> many at once: 409
// - the update without its key guard -> a record that was given another key meanwhile
// - the look-up without the role's read rows -> a record out of sight: 404
// - the stored reply looked up only by the statement -> repeats: 400 for a field of the create
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CreateGrant, ReadGrant } from "../../src/model/model.ts";
import { upsertKeys } from "../../src/operations/upsert.ts";
import { PartsWorld, type Reply } from "../fixtures/parts-world.ts";
import { expectRefusal } from "../fixtures/refusals.ts";

let world: PartsWorld;
beforeAll(async () => {
  world = await PartsWorld.start("upsert");
});
afterAll(() => world?.close());

type Headers = Readonly<Record<string, string>>;
const put = (body: unknown, by = "serial", headers: Headers = {}): Promise<Reply> =>
  world.ask("lead", `parts?by=${by}`, { method: "PUT", body, headers });
const putAs = (role: "worker" | "adder" | "reader", body: unknown): Promise<Reply> =>
  world.ask(role, "parts?by=serial", { method: "PUT", body });

describe("an upsert", () => {
  test("creates, then merges into what it created, with audit and events as of both", async () => {
    const made = await put({ serial: "u1", name: "Bolt", quantity: 3 });
    expect(made.status, made.text).toBe(201);
    expect(made.headers.get("location")).toBe(`/v1/parts/${made.json.data.id}`);
    expect(made.headers.get("etag")).toMatch(/^"1-/);
    const merged = await put({ serial: "u1", name: "Nut" });
    expect(merged.status, merged.text).toBe(200);
    expect(merged.json.data).toMatchObject({ id: made.json.data.id, name: "Nut", quantity: 3 });
    expect(merged.headers.get("etag")).toMatch(/^"2-/);
    const events = await world.backend.owner.query(
      "select type, fields from backwright.events where key = $1 order by position",
      [made.json.data.id],
    );
    expect(events).toMatchObject([
      { type: "parts.created" },
      { type: "parts.updated", fields: ["name"] },
    ]);
    expect(await world.mismatches()).toEqual([]);
  });

  test("goes by several fields, in any order", async () => {
    const key = { siteId: world.site, code: "c" };
    const made = await put({ ...key, name: "Bolt" }, "siteId,code");
    const merged = await put({ ...key, name: "Nut" }, "code,siteId");
    expect([made.status, merged.status]).toEqual([201, 200]);
    expect(merged.json.data.id).toBe(made.json.data.id);
  });

  test("of nothing but its key changes nothing where the record is there", async () => {
    const made = await put({ serial: "alone", name: "Bolt" });
    const again = await put({ serial: "alone" });
    expect([again.status, again.text]).toEqual([200, made.text]);
    expect(again.headers.get("etag")).toBe(made.headers.get("etag"));
    expectRefusal(await put({ serial: "new" }), 400, "VALIDATION_ERROR", "name");
  });

  // Planted: the key of a write that changes nothing was left unclaimed -> red (200, then 201).
  test("of nothing but its key keeps its Idempotency-Key, too", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const made = await put({ serial: "kept", name: "Bolt" });
    const replies = await Promise.all(
      [1, 2, 3].map(() => put({ serial: "kept" }, "serial", headers)),
    );
    for (const { status, text } of replies.filter((reply) => reply.status !== 409)) {
      expect([status, text]).toEqual([200, made.text]);
    }
    const again = await put({ serial: "kept" }, "serial", headers);
    expect([again.status, again.text]).toEqual([200, made.text]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(again.headers.get("etag")).toBe(made.headers.get("etag"));
    const other = await put({ serial: "kept", name: "Nut" }, "serial", headers);
    expectRefusal(other, 422, "IDEMPOTENCY_KEY_REUSED");
    await world.ask("lead", `parts/${made.json.data.id}`, { method: "DELETE" });
    expectRefusal(await put({ serial: "kept" }, "serial", headers), 404, "NOT_FOUND");
    expect(await world.mismatches()).toEqual([]);
  });

  test("makes a new record where the one with the key was deleted", async () => {
    const made = await put({ serial: "gone", name: "Bolt" });
    await world.ask("lead", `parts/${made.json.data.id}`, { method: "DELETE" });
    const next = await put({ serial: "gone", name: "Nut" });
    expect(next.status, next.text).toBe(201);
    expect(next.json.data.id).not.toBe(made.json.data.id);
  });

  test("names what is wrong: the parameter, the key's fields, other fields", async () => {
    for (const by of ["", "name", "id", "serial,code", "organizationId,serial"]) {
      const reply = await put({ serial: "x", name: "Bolt" }, by);
      expectRefusal(reply, 400, "PARAMETER_INVALID", "by");
      expect(reply.text).toContain("serial; siteId,code");
    }
    for (const query of ["", "?by=serial&by=serial", "?by=serial&x=1", "?by[a]=serial"]) {
      const sent = { method: "PUT", body: { serial: "x", name: "Bolt" } };
      const reply = await world.ask("lead", `parts${query}`, sent);
      expectRefusal(reply, 400, "PARAMETER_INVALID");
    }
    expectRefusal(await put({ name: "Bolt" }), 400, "VALIDATION_ERROR", "serial");
    expectRefusal(await put({ serial: null, name: "Bolt" }), 400, "VALIDATION_ERROR", "serial");
    expectRefusal(await put({ serial: 1, name: "Bolt" }), 400, "VALIDATION_ERROR", "serial");
    expectRefusal(await put([]), 400, "VALIDATION_ERROR");
    expectRefusal(await put({ serial: "u", nope: 1, name: "a" }), 400, "VALIDATION_ERROR", "nope");
  });

  test("needs the grants of create and update, and its key in both directions", async () => {
    expectRefusal(await putAs("reader", { serial: "x" }), 403, "FORBIDDEN");
    expectRefusal(await putAs("adder", { serial: "x", name: "a" }), 403, "FORBIDDEN");
    const body = { serial: "theirs", name: "Bolt" };
    const made = await putAs("worker", body);
    expect(made.status, made.text).toBe(201);
    expect(await world.stored(made.json.data.id)).toMatchObject({
      owner_id: world.people.worker.id,
    });
    // What may be given at a create may be closed to an update, and is refused there.
    expect((await putAs("worker", { ...body, code: "c" })).status).toBe(400);
    expect((await putAs("worker", { ...body, name: "Nut" })).status).toBe(200);
    const moved = await putAs("worker", { ...body, siteId: world.closedSite });
    expectRefusal(moved, 422, "INVALID_REFERENCE", "siteId");
    const state = await putAs("worker", { ...body, status: "closed" });
    expectRefusal(state, 422, "INVALID_TRANSITION", "status");
  });

  test("of a record out of sight is the conflict of a create, and shows nothing else", async () => {
    const id = await world.part({ serial: "hidden" });
    const reply = await putAs("worker", { serial: "hidden", name: "Mine" });
    expectRefusal(reply, 409, "CONFLICT");
    const created = await world.ask("worker", "parts", { body: { serial: "hidden", name: "x" } });
    expect(reply.json.error.message).toBe(created.json.error.message);
    expect(reply.json.error.details).toEqual(created.json.error.details);
    expect(await world.stored(id)).toMatchObject({ name: "Bolt", version: 1 });
  });

  test("under If-Match writes only into that version, and creates nothing", async () => {
    const absent = await put({ serial: "m", name: "Bolt" }, "serial", { "if-match": '"1-x"' });
    expectRefusal(absent, 412, "VERSION_CONFLICT");
    expect((await put({ serial: "m", name: "a" }, "serial", { "if-match": "*" })).status).toBe(412);
    await put({ serial: "m", name: "Bolt" });
    expect((await put({ serial: "m", name: "a" }, "serial", { "if-match": "*" })).status).toBe(200);
    const other = await put({ serial: "m", name: "b" }, "serial", { "if-match": '"1-x"' });
    expectRefusal(other, 412, "VERSION_CONFLICT");
    expect((await put({ serial: "m" }, "serial", { "if-match": '"1-x"' })).status).toBe(412);
    const same = await put({ serial: "m", name: "b" }, "serial", { "if-match": '"2-x"' });
    expect(same.status).toBe(200);
  });
});

describe("a repeated upsert", () => {
  test("has one effect and one reply, of the create as of the update", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const body = { serial: "once", code: "k", name: "Bolt" };
    const sent = { method: "PUT", body, headers };
    // The worker may give a code at a create alone, so deciding anew would end in 400.
    const made = await world.ask("worker", "parts?by=serial", sent);
    const again = await world.ask("worker", "parts?by=serial", sent);
    expect([made.status, again.status]).toEqual([201, 201]);
    expect(again.text).toBe(made.text);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(again.headers.get("location")).toBe(made.headers.get("location"));
    const next = { "idempotency-key": randomUUID() };
    const update = { serial: "once", name: "Nut" };
    const first = await put(update, "serial", next);
    expectRefusal(
      await put({ ...update, name: "x" }, "serial", next),
      422,
      "IDEMPOTENCY_KEY_REUSED",
    );
    await put({ ...update, name: "later" });
    const second = await put(update, "serial", next);
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect((await world.stored(made.json.data.id)).name).toBe("later");
  });

  test("sent many times at once is answered alike, or told to wait", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const body = { serial: "twins", name: "Bolt" };
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => put(body, "serial", headers)),
    );
    const done = replies.filter(({ status }) => status === 201);
    expect(done.length).toBeGreaterThan(0);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    for (const reply of replies) {
      if (reply.status !== 201) expectRefusal(reply, 409, "IDEMPOTENCY_IN_PROGRESS");
    }
    expect((await world.stored(done[0]?.json.data.id)).version).toBe(1);
  });
});

// A key that is not shown would be one to try values with. Planted: isShown not asked -> red.
test("the keys of a role are those that it gives and is shown", () => {
  const parts = world.backend.project.model.resources.get("parts");
  const grants = parts?.access.get("worker");
  const [create, read] = [grants?.create as CreateGrant, grants?.read as ReadGrant];
  const fields = read.fields.filter(({ name }) => name !== "serial");
  const keysOf = (shown: ReadGrant | undefined): readonly string[] =>
    parts === undefined
      ? []
      : upsertKeys(parts, create, shown).map((key) => key.map(({ name }) => name).join());
  expect(keysOf(read)).toEqual(["serial", "siteId,code"]);
  expect(keysOf({ ...read, fields })).toEqual(["siteId,code"]);
  expect(keysOf(undefined)).toEqual([]);
});

describe("many at once", () => {
  test("50 of one key make one record and lose no field", async () => {
    const fields = ["name", "code", "isHot", "quantity", "amount"];
    const given = (field: string, at: number): unknown => {
      if (field === "isHot") return true;
      return field === "quantity" ? at : String(at);
    };
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, at) => {
        const field = fields[at % fields.length] ?? "name";
        return put({ serial: "crowd", name: "Bolt", [field]: given(field, at) });
      }),
    );
    const count = (status: number): number =>
      replies.filter((reply) => reply.status === status).length;
    expect([count(201), count(200)]).toEqual([1, 49]);
    const ids = new Set(replies.map((reply) => reply.json.data.id));
    expect(ids.size).toBe(1);
    const [id = ""] = ids;
    const row = await world.stored(id);
    expect(row).toMatchObject({ version: 50, is_hot: true });
    for (const column of ["code", "amount"]) expect(row[column]).not.toBeNull();
    expect(await world.mismatches()).toEqual([]);
  });

  test("upserts beside deletes and renames end in a record each, never in a 500", async () => {
    const jobs = Array.from({ length: 60 }, async (_, at) => {
      const reply = await put({ serial: `r${at % 3}`, name: `Part ${at}` });
      const path = `parts/${reply.json.data?.id}`;
      if (reply.status >= 300) return reply.status;
      if (at % 4 === 0) await world.ask("lead", path, { method: "DELETE" });
      if (at % 4 === 1) {
        await world.ask("lead", path, { method: "PATCH", body: { serial: `moved ${at}` } });
      }
      return reply.status;
    });
    const statuses = new Set(await Promise.all(jobs));
    for (const status of statuses) expect([200, 201, 409]).toContain(status);
    const doubles = await world.backend.owner.query(
      "select serial from parts where deleted_at is null and serial ~ '^r' group by 1 " +
        "having count(*) > 1",
    );
    expect(doubles).toEqual([]);
    expect(await world.mismatches()).toEqual([]);
  });

  test("a record that was given another key meanwhile is left alone", async () => {
    const id = await world.part({ serial: "old" });
    const { owner } = world.backend;
    await owner.query("begin");
    await owner.query("update parts set serial = 'new' where id = $1", [id]);
    const waiting = put({ serial: "old", name: "Nut" });
    const blocked = `select 1 from pg_locks l join pg_stat_activity a using (pid)
      where not l.granted and a.datname = current_database()`;
    while ((await owner.query(blocked)).length === 0);
    await owner.query("commit");
    const reply = await waiting;
    expect([reply.status, reply.json.data?.serial]).toEqual([201, "old"]);
    expect(await world.stored(id)).toMatchObject({ serial: "new", name: "Bolt" });
  });
});
