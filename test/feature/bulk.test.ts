// Bulk: many records in one request and one transaction. What becomes of a record is what would
// become of it alone; what becomes of the others is not touched by it, or, atomic, is nothing.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartsWorld, type Reply } from "../fixtures/parts-world.ts";
import { expectNothingInside, expectRefusal } from "../fixtures/refusals.ts";

let world: PartsWorld;
beforeAll(async () => {
  world = await PartsWorld.start("bulk");
});
afterAll(() => world?.close());

type Verb = "create" | "update" | "delete";
const bulk = (
  verb: Verb,
  records: readonly unknown[],
  more: { atomic?: boolean; key?: string; role?: "worker" | "adder" | "reader" } = {},
): Promise<Reply> =>
  world.ask(more.role ?? "lead", `parts/bulk-${verb}`, {
    body: { records, ...(more.atomic === undefined ? {} : { atomic: more.atomic }) },
    headers: more.key === undefined ? {} : { "idempotency-key": more.key },
  });
const statuses = (reply: Reply): number[] =>
  (reply.json.data as { status: number }[]).map(({ status }) => status);
const ids = (reply: Reply): string[] =>
  (reply.json.data as { data?: { id: string } }[]).flatMap(({ data }) => data?.id ?? []);

const everything = (at: number): object => ({
  serial: `all ${at}`,
  siteId: world.site,
  code: `"{\\${at}},NULL`,
  name: `Ünïcode "${at}"`,
  status: "active",
  quantity: at,
  amount: "9007199254740993",
  price: "1.50",
  tags: at % 2 === 0 ? [] : ["a,b", 'q"', "NULL", "\\"],
  data: at % 2 === 0 ? null : { deep: [1, { NULL: null }], text: '"{}' },
  isHot: true,
  dueAt: at % 2 === 0 ? null : "2027-01-02T03:04:05.678Z",
});

describe("bulk create", () => {
  // Planted fault: lists passed to unnest() as lists -> red.
  test("makes every record as it would be made alone, and replies in order", async () => {
    const records = Array.from({ length: 40 }, (_, at) => everything(at));
    const reply = await bulk("create", records);
    expect(reply.status, reply.text).toBe(200);
    expect(statuses(reply)).toEqual(records.map(() => 201));
    expect(reply.json.meta).toEqual({ bulk: { succeeded: 40, failed: 0 } });
    const last = { ...everything(41), serial: "by itself" };
    const alone = (await world.ask("lead", "parts", { body: last })).json.data;
    const { id, createdAt, updatedAt, ...rest } = alone;
    expect(reply.json.data[1]).toEqual({
      index: 1,
      status: 201,
      data: {
        ...rest,
        ...everything(1),
        dueAt: "2027-01-02T03:04:05.678000Z",
        id: expect.any(String),
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    });
    expect(Object.keys(reply.json.data[1].data)).toEqual(Object.keys(alone));
    for (const [at, made] of ids(reply).entries()) {
      const got = await world.ask("lead", `parts/${made}`);
      expect(got.json.data).toEqual(reply.json.data[at].data);
    }
    expect(await world.mismatches()).toEqual([]);
  });

  test("has audit entries and events as of single creates, in the records' order", async () => {
    const records = Array.from({ length: 30 }, (_, at) => ({ serial: `e${at}`, name: "Bolt" }));
    const reply = await bulk("create", records);
    const single = await world.ask("lead", "parts", { body: { serial: "e-alone", name: "Bolt" } });
    const effects = (table: string, of: string): Promise<Record<string, unknown>[]> =>
      world.backend.owner.query(
        `select to_jsonb(t) as row from backwright.${table} t where ${of} = any($1)
         order by position`,
        [[...ids(reply), single.json.data.id]],
      );
    for (const [table, of] of [
      ["events", "key"],
      ["audit", "record_id"],
    ] as const) {
      const rows = (await effects(table, of)).map(({ row }) => row as Record<string, unknown>);
      expect(rows.map((row) => row[of])).toEqual([...ids(reply), single.json.data.id]);
      const shape = (row: Record<string, unknown> = {}) => {
        const { id, position, at, request_id, record_id, key, record, after, ...rest } = row;
        return { ...rest, told: Object.keys((record ?? after) as object) };
      };
      for (const row of rows) expect(shape(row)).toEqual(shape(rows.at(-1)));
      expect(new Set(rows.map((row) => row.id ?? row.position)).size).toBe(31);
      for (const [at, row] of rows.entries()) {
        const data = at < 30 ? reply.json.data[at].data : single.json.data;
        expect(row.record ?? row.after).toEqual(data);
      }
    }
  });

  // Planted faults: a statement's failure not narrowed down -> red; placed() left out -> red.
  test("tells of each record what it would be told alone; the others stand", async () => {
    await world.part({ serial: "taken" });
    const records: unknown[] = [
      { serial: "g0", name: "Bolt" },
      { serial: "taken", name: "Bolt" },
      { serial: "g2", name: "Bolt", siteId: world.another() },
      { serial: "g3" },
      { serial: "g4", name: "Bolt" },
      { serial: "g4", name: "Bolt" },
      { serial: "g6", name: "Bolt", quantity: -1 },
      { serial: "g7", name: "Bolt", version: 7 },
      "nothing",
      null,
      { serial: "g10", name: "Bolt", status: "lost" },
      { serial: "g11", name: "Bolt" },
    ];
    const reply = await bulk("create", records);
    expect(statuses(reply)).toEqual([201, 409, 422, 400, 201, 409, 422, 400, 400, 400, 400, 201]);
    expect(reply.json.meta.bulk).toEqual({ succeeded: 3, failed: 9 });
    expectNothingInside(reply);
    for (const [index, record] of records.entries()) {
      const { status, error } = reply.json.data[index];
      if (error === undefined || record === null) continue;
      const alone = await world.ask("lead", "parts", { body: record });
      const { requestId, ...expected } = alone.json.error;
      expect([status, error]).toEqual([alone.status, expected]);
    }
    const stored = await world.backend.owner.query<{ serial: string }>(
      "select serial from parts where serial ~ '^g[0-9]+$' order by id",
    );
    expect(stored.map(({ serial }) => serial)).toEqual(["g0", "g4", "g11"]);
    expect(await world.mismatches()).toEqual([]);
  });

  test("all or nothing names the record and its field, and writes nothing", async () => {
    const good = { name: "Bolt", siteId: world.site };
    const before = await world.counts();
    const cases: [unknown[], number, string, string][] = [
      [[good, good, good, { ...good, name: 7 }], 400, "VALIDATION_ERROR", "records[3].name"],
      [
        [good, { ...good, serial: "x" }, { ...good, serial: "x" }],
        409,
        "CONFLICT",
        "records[2].serial",
      ],
      [[{ ...good, siteId: world.another() }, good], 422, "INVALID_REFERENCE", "records[0].siteId"],
      [[good, { ...good, quantity: -1 }], 422, "UNPROCESSABLE", "records[1].quantity"],
      [[good, 7], 400, "VALIDATION_ERROR", "records[1]"],
    ];
    for (const [records, status, code, field] of cases) {
      const headers = { "idempotency-key": randomUUID() };
      const body = { records, atomic: true };
      const reply = await world.ask("lead", "parts/bulk-create", { body, headers });
      expectRefusal(reply, status, code, field);
    }
    expect(await world.counts()).toEqual(before);
    const all = await bulk("create", [good, good], { atomic: true });
    expect(statuses(all)).toEqual([201, 201]);
  });

  // Planted fault: the statement of many without the look at its after-images -> red.
  test("keeps to the role's grant: forced values, fields, references, reading", async () => {
    const records = [
      { name: "a", siteId: world.site },
      { name: "b", siteId: world.closedSite },
      { name: "c", quantity: 3 },
      { name: "d", siteId: null },
      { name: "e", status: "active" },
      { name: "f", status: "closed" },
    ];
    const reply = await bulk("create", records, { role: "worker" });
    expect(statuses(reply)).toEqual([201, 422, 400, 201, 201, 403]);
    expect(Object.keys(reply.json.data[0].data)).toEqual([
      ...["id", "serial", "siteId", "code", "name", "status", "version"],
    ]);
    const row = await world.stored(reply.json.data[0].data.id);
    expect(row).toMatchObject({ owner_id: world.people.worker.id, batch: "made in Node" });
    const blind = await bulk("create", [{ name: "x" }, { name: "y" }], { role: "adder" });
    expect(statuses(blind)).toEqual([201, 201]);
    for (const { data } of blind.json.data) expect(Object.keys(data)).toEqual(["id"]);
    expectRefusal(await bulk("create", [{ name: "x" }], { role: "reader" }), 403, "FORBIDDEN");
  });

  test("refuses a request that is no list of 1 to 500 records", async () => {
    const wrong: [unknown, string][] = [
      [{ records: [] }, "records"],
      [{ records: Array(501).fill({ name: "x" }) }, "records"],
      [{ records: {} }, "records"],
      [{}, "records"],
      [{ records: [{ name: "x" }], atomic: "yes" }, "atomic"],
      [{ records: [{ name: "x" }], all: true }, "all"],
    ];
    for (const [body, field] of wrong) {
      expectRefusal(
        await world.ask("lead", "parts/bulk-create", { body }),
        400,
        "VALIDATION_ERROR",
        field,
      );
    }
    expectRefusal(
      await world.ask("lead", "parts/bulk-create", { body: [] }),
      400,
      "VALIDATION_ERROR",
    );
    const query = await world.ask("lead", "parts/bulk-create?x=1", { body: { records: [{}] } });
    expectRefusal(query, 400, "PARAMETER_INVALID");
    expect(statuses(await bulk("create", Array(500).fill({ name: "many" })))).toHaveLength(500);
  });
});

describe("bulk update and delete", () => {
  const some = async (count: number): Promise<string[]> =>
    ids(await bulk("create", Array(count).fill({ name: "Bolt", quantity: 5 })));

  test("change each record under its own version, states and checks", async () => {
    const made = await some(8);
    const foreign = world.another();
    const changes = [
      { id: made[0], name: "Nut" },
      { id: made[1], name: "Nut", version: 1 },
      { id: made[2], name: "Nut", version: 2 },
      { id: made[3], status: "closed" },
      { id: made[4], quantity: -1 },
      { id: foreign, name: "Nut" },
      { id: made[5] },
      { id: "x", name: "Nut" },
      { id: made[6]?.toUpperCase(), status: "active" },
      { id: made[0], name: "Nut again", version: 2 },
    ];
    const reply = await bulk("update", changes);
    expect(statuses(reply)).toEqual([200, 200, 412, 422, 422, 404, 400, 400, 200, 200]);
    const codes = reply.json.data.map((one: { error?: { code: string } }) => one.error?.code);
    expect(codes.filter((code?: string) => code !== undefined)).toEqual([
      ...["VERSION_CONFLICT", "INVALID_TRANSITION", "UNPROCESSABLE", "NOT_FOUND"],
      ...["VALIDATION_ERROR", "VALIDATION_ERROR"],
    ]);
    expect(await world.stored(made[0] ?? "")).toMatchObject({ name: "Nut again", version: 3 });
    expect(await world.stored(made[4] ?? "")).toMatchObject({ quantity: 5, version: 1 });
    const atomic = await bulk(
      "update",
      [
        { id: made[6], name: "x" },
        { id: made[7], name: "y", version: 9 },
      ],
      { atomic: true },
    );
    expectRefusal(atomic, 412, "VERSION_CONFLICT", "records[1]");
    expect((await world.stored(made[6] ?? "")).name).toBe("Bolt");
    expect(await world.mismatches()).toEqual([]);
  });

  test("delete what may be deleted, and tell of the rest", async () => {
    const made = await some(3);
    const reply = await bulk("delete", [
      { id: made[0] },
      { id: made[1], version: 4 },
      { id: made[0] },
      { id: made[2], name: "x" },
    ]);
    expect(reply.json.data[0]).toEqual({ index: 0, status: 204 });
    expect(statuses(reply)).toEqual([204, 412, 404, 400]);
    const [yard] = [world.site];
    const used = await world.part({ siteId: yard });
    const spare = (await world.ask("lead", "sites", { body: { name: "Spare" } })).json.data.id;
    const body = { records: [{ id: yard }, { id: spare }] };
    const sites = await world.ask("lead", "sites/bulk-delete", { body });
    expect(statuses(sites)).toEqual([409, 204]);
    expect(sites.json.data[0].error.message).toBe("Other records still refer to this one.");
    expect((await world.stored(used)).site_id).toBe(yard);
  });

  test("of a role reach only its own records", async () => {
    const hidden = await world.part();
    const own = await bulk("create", [{ name: "mine" }], { role: "worker" });
    const records = [
      { id: hidden, name: "x" },
      { id: ids(own)[0], name: "y" },
    ];
    expect(statuses(await bulk("update", records, { role: "worker" }))).toEqual([404, 200]);
    const targets = records.map(({ id }) => ({ id }));
    expect(statuses(await bulk("delete", targets, { role: "worker" }))).toEqual([404, 204]);
  });

  // Planted fault: rows not locked before the first is written -> deadlocks, some end in 503, red.
  test("of the same records in opposite orders at once all happen", async () => {
    const made = await some(20);
    const orders = [made, [...made].reverse()];
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, at) => {
        const order = orders[at % 2] ?? [];
        return bulk(
          "update",
          order.map((id) => ({ id, name: `turn ${at}` })),
        );
      }),
    );
    for (const reply of replies) expect(new Set(statuses(reply))).toEqual(new Set([200]));
    for (const id of made) expect((await world.stored(id)).version).toBe(17);
    expect(await world.mismatches()).toEqual([]);
  });
});

describe("a repeated bulk request", () => {
  test("has one effect and one reply, refusals included", async () => {
    const key = randomUUID();
    const records = [{ name: "once" }, { name: 7 }, { name: "twice", serial: "again" }];
    const first = await bulk("create", records, { key });
    const second = await bulk("create", records, { key });
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expectRefusal(await bulk("create", [{ name: "x" }], { key }), 422, "IDEMPOTENCY_KEY_REUSED");
    const elsewhere = await bulk("update", [{ id: ids(first)[0], name: "x" }], { key });
    expect(statuses(elsewhere)).toEqual([200]);
    const twins = await Promise.all(
      Array.from({ length: 8 }, () => bulk("create", [{ name: "twin" }], { key: `${key} twin` })),
    );
    const done = twins.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    for (const reply of twins) {
      if (reply.status !== 200) expectRefusal(reply, 409, "IDEMPOTENCY_IN_PROGRESS");
    }
  });

  // Planted fault: the stored outcomes shown without looking -> red.
  test("shows a record that is out of sight by now as not found", async () => {
    const key = randomUUID();
    const records = [{ name: "kept" }, { name: "given away" }];
    const first = await bulk("create", records, { key, role: "worker" });
    const [, away] = ids(first);
    await world.ask("lead", `parts/${away}`, { method: "PATCH", body: { ownerId: null } });
    const again = await bulk("create", records, { key, role: "worker" });
    expect(statuses(again)).toEqual([201, 404]);
    expect(again.json.data[0]).toEqual(first.json.data[0]);
    expect(again.text).not.toContain("given away");
  });
});
