// Batch: several operations, one transaction. All of it happens or nothing, and each operation is
// decided as it would be alone.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartsWorld, type Reply } from "../fixtures/parts-world.ts";
import { expectRefusal } from "../fixtures/refusals.ts";

let world: PartsWorld;
beforeAll(async () => {
  world = await PartsWorld.start("batch");
});
afterAll(() => world?.close());

type Role = "lead" | "worker" | "reader";
const batch = (operations: unknown, headers = {}, role: Role = "lead"): Promise<Reply> =>
  world.ask(role, "batch", { body: { operations }, headers });
const statuses = (reply: Reply): number[] =>
  (reply.json.data as { status: number }[]).map(({ status }) => status);
const created = (body: object) => ({ operation: "parts.create", body: { name: "Bolt", ...body } });

describe("a batch", () => {
  test("does each operation in turn, and replies as each would alone", async () => {
    const [changed, removed, marked, moved] = await Promise.all(
      Array.from({ length: 4 }, () => world.part()),
    );
    await world.ask("lead", `parts/${marked}`, { method: "DELETE" });
    const reply = await batch([
      created({ serial: "b1" }),
      { operation: "parts.update", id: changed, version: 1, body: { name: "Nut" } },
      { operation: "parts.delete", id: removed, version: 1 },
      { operation: "parts.restore", id: marked },
      { operation: "parts.move", id: moved, body: { siteId: world.site } },
      { operation: "parts.get", id: changed },
      { operation: "sites.create", body: { name: "Quay" } },
    ]);
    expect(reply.status, reply.text).toBe(200);
    expect(statuses(reply)).toEqual([201, 200, 204, 200, 200, 200, 201]);
    const { data } = reply.json;
    expect(data[2]).toEqual({ status: 204 });
    expect(data[4]).toEqual({ status: 200, data: { to: world.site } });
    expect(data[5].data).toEqual(data[1].data);
    for (const at of [0, 1, 3]) {
      const got = await world.ask("lead", `parts/${data[at].data.id}`);
      expect(got.json.data).toEqual(data[at].data);
    }
    expect(await world.mismatches()).toEqual([]);
    const operations = await world.backend.owner.query<{ operation: string }>(
      "select operation, request_id from backwright.audit where request_id = $1 order by position",
      [reply.headers.get("x-request-id")],
    );
    expect(operations.map(({ operation }) => operation)).toEqual([
      ...["created", "updated", "deleted", "restored", "move", "created"],
    ]);
  });

  // Planted fault: the body's members not resolved -> red.
  test("names the record of an earlier operation where an id is meant", async () => {
    const reply = await batch([
      { operation: "sites.create", body: { name: "Pier" } },
      created({ siteId: { $result: 0 }, data: { $result: 0 } }),
      { operation: "parts.update", id: { $result: 1 }, version: 1, body: { code: "c" } },
      { operation: "parts.move", id: { $result: 1 }, body: { siteId: { $result: 0 } } },
      { operation: "parts.delete", id: { $result: 1 }, version: 3 },
    ]);
    expect(reply.status, reply.text).toBe(200);
    const [site, part] = reply.json.data;
    expect(part.data).toMatchObject({ siteId: site.data.id, data: { $result: 0 } });
    expect(reply.json.data[3].data).toEqual({ to: site.data.id });
    for (const $result of [1, 2, -1, 0.5, "0", null]) {
      const wrong = await batch([created({}), created({ siteId: { $result } })]);
      expectRefusal(wrong, 400, "VALIDATION_ERROR", "operations[1].siteId");
    }
  });

  // Planted fault: operations run on the lanes, each a transaction of its own -> red.
  test("of which one is refused is refused with its place, and writes nothing", async () => {
    const id = await world.part({ serial: "b-taken" });
    const first = created({ serial: "undone" });
    const cases: [object, number, string, string][] = [
      [created({ serial: "b-taken" }), 409, "CONFLICT", "operations[1].serial"],
      [created({ name: 7 }), 400, "VALIDATION_ERROR", "operations[1].name"],
      [created({ siteId: world.another() }), 422, "INVALID_REFERENCE", "operations[1].siteId"],
      [created({ quantity: -1 }), 422, "UNPROCESSABLE", "operations[1].quantity"],
      [{ operation: "parts.get", id: world.another() }, 404, "NOT_FOUND", "operations[1]"],
      [
        { operation: "parts.update", id, version: 9, body: { name: "x" } },
        412,
        "VERSION_CONFLICT",
        "operations[1]",
      ],
      [
        { operation: "parts.update", id, body: { status: "closed" } },
        422,
        "INVALID_TRANSITION",
        "operations[1].status",
      ],
      [{ operation: "parts.delete", id: world.another() }, 404, "NOT_FOUND", "operations[1]"],
      [{ operation: "parts.move", id, body: {} }, 400, "VALIDATION_ERROR", "operations[1].siteId"],
      [{ operation: "sites.delete", id: world.site }, 409, "CONFLICT", "operations[1]"],
      [{ operation: "parts.delete", id: "x" }, 400, "VALIDATION_ERROR", "operations[1].id"],
      [
        { operation: "parts.update", id, version: "1", body: { name: "x" } },
        400,
        "VALIDATION_ERROR",
        "operations[1].version",
      ],
    ];
    await world.part({ siteId: world.site });
    const before = await world.counts();
    for (const [operation, status, code, field] of cases) {
      const headers = { "idempotency-key": randomUUID() };
      expectRefusal(await batch([first, operation], headers), status, code, field);
    }
    expect(await world.counts()).toEqual(before);
  });

  test("refuses what is no list of operations that there are, before anything runs", async () => {
    const one = created({});
    const wrong: [unknown, string][] = [
      [[], "operations"],
      [{}, "operations"],
      [undefined, "operations"],
      [Array(51).fill(one), "operations"],
      [[one, { ...one, operation: "parts.list" }], "operations[1].operation"],
      [[{ ...one, operation: "sites.restore" }], "operations[0].operation"],
      [[{ ...one, operation: "nothing.create" }], "operations[0].operation"],
      [[{ ...one, operation: 7 }], "operations[0].operation"],
      [[{ ...one, id: world.another() }], "operations[0].id"],
      [[{ operation: "parts.delete", id: world.another(), body: {} }], "operations[0].body"],
      [["x"], "operations[0]"],
    ];
    for (const [operations, field] of wrong) {
      expectRefusal(await batch(operations), 400, "VALIDATION_ERROR", field);
    }
    const more = await world.ask("lead", "batch", { body: { operations: [one], atomic: false } });
    expectRefusal(more, 400, "VALIDATION_ERROR", "atomic");
    expect((await batch(Array(50).fill(one))).status).toBe(200);
  });

  test("keeps to the role: grants, rows, fields, references", async () => {
    const hidden = await world.part();
    const own = { operation: "parts.create", body: { name: "mine", siteId: world.site } };
    const update = (id: unknown) => ({ operation: "parts.update", id, body: { name: "x" } });
    const as = (operations: unknown) => batch(operations, {}, "worker");
    const done = await as([own, update({ $result: 0 })]);
    expect(statuses(done)).toEqual([201, 200]);
    expect(Object.keys(done.json.data[1].data)).not.toContain("quantity");
    expectRefusal(await as([own, update(hidden)]), 404, "NOT_FOUND", "operations[1]");
    const vault = { ...own, body: { name: "mine", siteId: world.closedSite } };
    expectRefusal(await as([vault]), 422, "INVALID_REFERENCE", "operations[0].siteId");
    const site = { operation: "sites.create", body: { name: "x" } };
    expectRefusal(await as([own, site]), 403, "FORBIDDEN", "operations[1]");
    const act = { operation: "parts.move", id: hidden, body: { siteId: world.site } };
    expectRefusal(await as([act]), 403, "FORBIDDEN", "operations[0]");
    const get = { operation: "parts.get", id: hidden };
    expect(statuses(await batch([get], {}, "reader"))).toEqual([200]);
    expectRefusal(await batch([get, update(hidden)], {}, "reader"), 403, "FORBIDDEN");
  });

  test("that is repeated has one effect and one reply, to who may still see it", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const operations = [
      { operation: "parts.create", body: { name: "kept" } },
      { operation: "parts.create", body: { name: "given away" } },
    ];
    const first = await batch(operations, headers, "worker");
    const again = await batch(operations, headers, "worker");
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const [, away] = first.json.data;
    const body = { ownerId: null };
    await world.ask("lead", `parts/${away.data.id}`, { method: "PATCH", body });
    const later = await batch(operations, headers, "worker");
    expect(statuses(later)).toEqual([201, 404]);
    const other = await batch(operations.slice(1), headers, "worker");
    expectRefusal(other, 422, "IDEMPOTENCY_KEY_REUSED");
  });

  test("crossing another in the opposite order happens, as does the other", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => world.part()));
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, at) => {
        const order = at % 2 === 0 ? ids : [...ids].reverse();
        const update = (id: string) => ({
          operation: "parts.update",
          id,
          body: { name: `t${at}` },
        });
        return batch(order.map(update));
      }),
    );
    for (const reply of replies) expect(reply.status, reply.text).toBe(200);
    const rows: Record<string, unknown>[] = [];
    for (const id of ids) rows.push(await world.stored(id));
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([13]));
    expect(new Set(rows.map(({ name }) => name)).size).toBe(1);
  });
});
