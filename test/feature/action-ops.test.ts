// `ops` in an action: operations as its caller, in its transaction. What the caller may not do
// through the API is refused, what is written is undone with the action, what fails by itself.
import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { BackwrightError } from "../../src/base/errors.ts";
import { queryString } from "../../src/client/query.ts";
import { queryText } from "../../src/operations/parsing.ts";
import type { Script } from "../fixtures/parts/backend.ts";
import { notes, parts } from "../fixtures/parts/schema.ts";
import { PartsWorld } from "../fixtures/parts-world.ts";

let world: PartsWorld;
beforeAll(async () => {
  world = await PartsWorld.start("action_ops");
});
afterAll(() => world?.close());

const ofWorker = async (): Promise<string> => {
  const reply = await world.ask("worker", "parts", { body: { name: "Bolt", siteId: world.site } });
  return reply.json.data.id;
};
const codeOf = (error: unknown): string => (error as BackwrightError).code;

describe("operations in an action", () => {
  test("read and write as the API would, with audit and events, and see each other", async () => {
    const id = await world.part({ dueAt: "2027-01-02T03:04:05Z" });
    const seen: unknown[] = [];
    const reply = await world.perform("lead", id, async ({ ops, change, tx }) => {
      await change({ name: "Nut" });
      const read = await ops.parts.get(id);
      seen.push(read.name, read.dueAt);
      const site = await ops.sites.create({ name: "Quay" });
      const made = await ops.parts.create({ name: "Cog", siteId: site.id, amount: "5" });
      const changed = await ops.parts.update(made.id, { code: "c" }, { ifVersion: 1 });
      seen.push(made.version, changed.version, changed.amount);
      const page = await ops.parts.list({
        filter: { name: { in: ["Cog", "Nut"] } },
        sort: "-name",
        page: { size: 1 },
      });
      seen.push(
        page.data.map(({ name }) => name),
        typeof page.next,
      );
      const [row] = await tx.select().from(parts).where(eq(parts.id, made.id));
      seen.push(row?.code);
      const gone = await ops.parts.create({ name: "Gone" });
      await ops.parts.delete(gone.id);
    });
    expect(reply.status, reply.text).toBe(200);
    expect(seen).toEqual([
      ...["Nut", "2027-01-02T03:04:05.000000Z", 1, 2, "5"],
      ...[["Nut"], "string", "c"],
    ]);
    const entries = await world.backend.owner.query<{ operation: string }>(
      "select operation from backwright.audit where request_id = $1 order by position",
      [reply.headers.get("x-request-id")],
    );
    expect(entries.map(({ operation }) => operation)).toEqual([
      ...["perform", "created", "created", "updated", "created", "deleted"],
    ]);
  });

  // Planted fault: operations in the name of nobody in particular (grants of "all") -> red.
  test("have the rights of the caller, not those of the action", async () => {
    const id = await ofWorker();
    const hidden = await world.part();
    const codes: string[] = [];
    const reply = await world.perform("worker", id, async ({ ops, change }) => {
      const attempt = async (work: Promise<unknown>): Promise<void> => {
        await work.then(
          () => codes.push("done"),
          (error: unknown) => codes.push(codeOf(error)),
        );
      };
      await attempt(ops.parts.get(hidden));
      await attempt(ops.parts.update(hidden, { name: "x" }));
      await attempt(ops.parts.delete(hidden));
      await attempt(ops.sites.create({ name: "x" }));
      await attempt(ops.parts.update(id, { quantity: 3 }));
      await attempt(ops.parts.create({ name: "x", siteId: world.closedSite }));
      await attempt(ops.parts.create({ name: "x", status: "closed" }));
      await attempt(ops.parts.update(id, { status: "closed" }));
      await attempt(ops.parts.update(id, { name: "y" }, { ifVersion: 7 }));
      await attempt(ops.parts.get("no id"));
      await attempt(ops.parts.list({ filter: { quantity: 1 } }));
      await attempt(ops.parts.list({ filter: { name: undefined } as object }));
      const own = await ops.parts.create({ name: "mine" });
      codes.push(Object.keys(own).join());
      await change({ quantity: 7 });
      codes.push((await ops.parts.list()).data.every((one) => one.id !== hidden) ? "own" : "all");
    });
    expect(reply.status, reply.text).toBe(200);
    expect(codes).toEqual([
      ...["NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "FORBIDDEN", "VALIDATION_ERROR"],
      ...["INVALID_REFERENCE", "FORBIDDEN", "INVALID_TRANSITION", "VERSION_CONFLICT"],
      ...["VALIDATION_ERROR", "PARAMETER_INVALID", "PARAMETER_INVALID"],
      ...["id,serial,siteId,code,name,status,version", "own"],
    ]);
    expect(await world.stored(hidden)).toMatchObject({ name: "Bolt", version: 1 });
  });

  // Planted fault: writes without their savepoint -> red (500).
  test("that fail and are caught are undone by themselves, and nothing beside them", async () => {
    const id = await world.part();
    await world.part({ serial: "ops-taken" });
    const reply = await world.perform("lead", id, async ({ ops, change, tx, actor }) => {
      const [failed, ...others] = await Promise.allSettled([
        ops.parts.create({ name: "x", serial: "ops-taken" }),
        change({ name: "beside" }),
        ops.parts.create({ name: "y", serial: "ops-new" }),
        tx.insert(notes).values({
          organizationId: actor.tenantId,
          id: randomUUID(),
          text: "beside",
        }),
      ]);
      expect(failed.status).toBe("rejected");
      expect(others.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
    });
    expect(reply.status, reply.text).toBe(200);
    expect((await world.stored(id)).name).toBe("beside");
    const [count] = await world.backend.owner.query(
      `select (select count(*)::int from parts where serial = 'ops-new') as made,
              (select count(*)::int from notes where text = 'beside') as noted`,
    );
    expect(count).toEqual({ made: 1, noted: 1 });
    expect((await world.mismatches()).length).toBe(0);
  });

  test("are undone with the action, also those that it did not wait for", async () => {
    const id = await world.part();
    const before = await world.counts();
    const scripts: ((context: Script) => Promise<unknown>)[] = [
      async ({ ops }) => {
        await ops.parts.create({ name: "x" });
        throw new BackwrightError("CONFLICT");
      },
      async ({ ops }) => {
        await ops.parts.create({ name: "x" });
        await ops.parts.update(id, { quantity: -1 });
      },
      async ({ ops }) => {
        await ops.parts.create({ name: "x" });
        void ops.parts.create({ name: "x", siteId: randomUUID() });
      },
      async ({ ops }) => {
        await ops.parts.create({ name: "x" });
        await (ops as unknown as Record<string, typeof ops.parts>).notes?.create({ name: "x" });
      },
    ];
    const replies: number[] = [];
    for (const script of scripts) replies.push((await world.perform("lead", id, script)).status);
    expect(replies).toEqual([409, 422, 422, 500]);
    expect(await world.counts()).toEqual(before);
  });

  // Planted: values joined as they are -> red (a comma made two of one).
  test("list by values with commas and backslashes in them, as the client does", async () => {
    const id = await world.part();
    const names = ["Smith, John", "back\\slash", "\\,"];
    for (const name of names) await world.part({ name });
    const found: unknown[] = [];
    const reply = await world.perform("lead", id, async ({ ops }) => {
      for (const list of [names, ...names.map((name) => [name])]) {
        const page = await ops.parts.list({ filter: { name: { in: list } } });
        found.push(page.data.length);
      }
    });
    expect(reply.status, reply.text).toBe(200);
    expect(found).toEqual([3, 1, 1, 1]);
    for (const value of [names, [...names, ","], "a,b\\", 7, true, { a: ["x,y"] }, []]) {
      const text = `?filter[x][in]=${encodeURIComponent(queryText(value))}`;
      expect(queryString({ filter: { x: { in: value } } })).toBe(text);
    }
  });

  // Planted: an object without tests gave no condition -> red (a list of everything).
  test("refuse a condition that tests nothing", async () => {
    const id = await world.part();
    const codes: string[] = [];
    const reply = await world.perform("lead", id, async ({ ops }) => {
      for (const test of [{}, new Date(), [], { in: null }, null]) {
        const query = { filter: { name: test } } as object;
        await ops.parts.list(query).then(
          () => codes.push("listed"),
          (error: unknown) => codes.push(codeOf(error)),
        );
      }
    });
    expect(reply.status, reply.text).toBe(200);
    expect(codes).toEqual(new Array(5).fill("PARAMETER_INVALID"));
  });

  test("that its code did not wait for belong to it", async () => {
    const id = await world.part();
    const name = randomUUID();
    const reply = await world.perform("lead", id, async ({ ops }) => {
      void ops.parts.create({ name });
    });
    expect(reply.status, reply.text).toBe(200);
    expect(
      await world.backend.owner.query("select 1 from parts where name = $1", [name]),
    ).toHaveLength(1);
  });

  test("run again with the whole action after a deadlock, with one effect", async () => {
    const [one, other] = [await world.part(), await world.part()];
    let runs = 0;
    const crossing =
      (id: string) =>
      async ({ ops }: Script): Promise<void> => {
        runs += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
        await ops.parts.update(id, { code: `crossed ${id}` });
      };
    const replies = await Promise.all([
      world.perform("lead", one, crossing(other)),
      world.perform("lead", other, crossing(one)),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(runs).toBeGreaterThan(2);
    for (const id of [one, other]) expect((await world.stored(id)).version).toBe(2);
    expect(await world.mismatches()).toEqual([]);
  });

  test("are typed as the API's JSON, with fields that may be missing", () => {
    expectTypeOf<Awaited<ReturnType<Script["ops"]["parts"]["get"]>>["amount"]>().toEqualTypeOf<
      string | null | undefined
    >();
    expectTypeOf<
      Awaited<ReturnType<Script["ops"]["parts"]["get"]>>["id"]
    >().toEqualTypeOf<string>();
  });
});
