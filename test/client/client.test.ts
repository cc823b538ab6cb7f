// The typed client against the served example: types, retries, pages, errors, aborts.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import type { Api } from "../../examples/work-orders/backend.ts";
import { ApiError, type Client, createClient } from "../../src/client/index.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let manager: Person;
let client: Client<Api>;
let siteId: string;

beforeAll(async () => {
  backend = await startTestBackend("client");
  manager = await backend.person(await backend.tenant("Acme"), "manager");
  client = createClient<Api>({ url: `${backend.url}/`, key: () => manager.key });
  siteId = (await client.sites.create({ name: "Yard" })).id;
});
afterAll(() => backend?.close());

const order = (title: string) => ({ title, siteId, requesterId: manager.id });

describe("the typed client", () => {
  test("counts and sums up with the types of what is declared and asked", async () => {
    const reader = createClient<Api>({ url: backend.url, key: manager.key });
    await reader.workOrders.create(order("Counted"));
    const { data, meta } = await reader.workOrders.aggregate({
      groupBy: ["siteId", "reportedAt.year"],
      count: true,
      min: ["reportedAt"],
      filter: { "site.name": "Yard", title: { eq: "Counted" } },
      sort: ["-count", "siteId"],
      page: { size: 5 },
      timeZone: "America/New_York",
    });
    expectTypeOf(data).toEqualTypeOf<
      {
        group: { siteId: string; "reportedAt.year": string | null };
        count: number;
        min: { reportedAt: string | null };
      }[]
    >();
    expect(data).toEqual([
      {
        group: { siteId, "reportedAt.year": expect.stringMatching(/^\d{4}-01-01$/) },
        count: 1,
        min: { reportedAt: expect.stringMatching(/Z$/) },
      },
    ]);
    expect(meta).toEqual({ groups: 1, hasMore: false, timeZone: "America/New_York" });
  });

  test("creates, reads, changes and lists with the types of the declared tables", async () => {
    const made = await client.workOrders.create(order("Leak"));
    expectTypeOf(made.status).toEqualTypeOf<
      "open" | "assigned" | "in_progress" | "on_hold" | "done" | "cancelled"
    >();
    const read = await client.workOrders.get(made.id, {
      fields: ["id", "title", "dueAt"],
      include: { site: { fields: ["name"] }, asset: true },
    });
    expectTypeOf(read.dueAt).toEqualTypeOf<string | null>();
    expectTypeOf(read.site).toEqualTypeOf<{ name: string } | null>();
    expect(read).toEqual({
      id: made.id,
      title: "Leak",
      dueAt: null,
      site: { name: "Yard" },
      asset: null,
    });
    const changed = await client.workOrders.update(
      made.id,
      { status: "assigned" },
      { ifVersion: made.version },
    );
    expect(changed.version).toBe(made.version + 1);
    const assigned = await client.workOrders.assign(changed.id, { technicianId: manager.id });
    expectTypeOf(assigned).toEqualTypeOf<Api["workOrders"]["fields"]>();
    expect(assigned).toMatchObject({ assigneeId: manager.id, version: changed.version + 1 });
    await client.workOrders.start(made.id, undefined, { ifVersion: assigned.version });
    const done = await client.workOrders.complete(made.id, { note: "Tight again" });
    expectTypeOf(done).toEqualTypeOf<{ id: string; closedAt: string; partsTaken: number }>();
    const closedAt = expect.stringMatching(/Z$/);
    expect(done).toEqual({ id: made.id, closedAt, partsTaken: 0 });
    await expect(client.workOrders.start(made.id)).rejects.toMatchObject({
      code: "INVALID_TRANSITION",
    });
    const page = await client.workOrders.list({
      filter: { status: { in: ["assigned", "done"] } },
      sort: "-id",
      page: { size: 5 },
    });
    expect(page.data.map((one) => one.id)).toEqual([made.id]);
  });

  test("asks for groups, includes of includes and pages of many", async () => {
    const dock = await client.sites.create({ name: "Dock" });
    const asset = await client.assets.create({ name: "Pump", siteId: dock.id });
    for (const title of ["one", "two", "three"]) {
      await client.workOrders.create({ ...order(title), assetId: asset.id });
    }
    const read = await client.assets.get(asset.id, {
      fields: ["name"],
      include: {
        workOrders: {
          fields: ["title"],
          include: { site: { fields: ["name"] } },
          page: { size: 2 },
        },
      },
    });
    expectTypeOf(read.workOrders.data).toEqualTypeOf<
      { title: string; site: { name: string } | null }[]
    >();
    const site = { name: "Yard" };
    expect(read).toMatchObject({
      name: "Pump",
      workOrders: {
        data: [
          { title: "three", site },
          { title: "two", site },
        ],
      },
    });
    const { next } = read.workOrders.meta.pagination;
    expect(next).not.toBeNull();
    const on = await client.assets.get(asset.id, {
      include: { workOrders: { fields: ["title"], page: { size: 2, after: next ?? "" } } },
    });
    expect(on.workOrders.data).toEqual([{ title: "one" }]);
    const found = await client.workOrders.list({
      filter: {
        assetId: asset.id,
        or: [
          { id: { in: [asset.id] } },
          { not: { or: [{ status: "done" }, { "site.name": "x" }] } },
        ],
      },
      sort: "id",
      fields: ["title"],
    });
    expect(found.data.map(({ title }) => title)).toEqual(["one", "two", "three"]);
  });

  // Planted fault: the client's values joined as they are -> finds none of the three, red.
  test("asks for values with commas and backslashes among several", async () => {
    const names = ["a,b", "c\\", "\\,d", "e"];
    const teams = await Promise.all(names.map((name) => client.teams.create({ name })));
    const query = { filter: { name: { in: names } }, sort: "name" } as const;
    const found = await client.teams.list(query);
    expect(found.data.map(({ name }) => name).sort()).toEqual([...names].sort());
    await Promise.all(teams.map(({ id }) => client.teams.delete(id)));
  });

  test("walks every page in order", async () => {
    for (let at = 0; at < 7; at += 1) await client.categories.create({ name: `c${at}` });
    const names: string[] = [];
    const query = { sort: "name", fields: ["name"], page: { size: 3 } } as const;
    for await (const { name } of client.categories.all(query)) names.push(name);
    expect(names).toEqual(["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
  });

  test("asks for several sort keys, related fields, an offset and a count", async () => {
    for (const name of ["b", "a", "c"]) await client.assets.create({ name, siteId });
    const query = {
      filter: { siteId: { nin: [manager.id] }, "site.name": { in: ["Yard"] } },
      sort: ["-siteId", "-name"],
      page: { size: 1, offset: 1, count: "exact" },
    } as const;
    const page = await client.assets.list(query);
    expect(page.data.map(({ name }) => name)).toEqual(["b"]);
    expect(page.meta.pagination).toMatchObject({ total: 3, totalIs: "exact" });
    expectTypeOf(page.meta.pagination.totalIs).toEqualTypeOf<"exact" | "atLeast" | undefined>();
    const names: string[] = [];
    for await (const { name } of client.assets.all(query)) names.push(name);
    expect(names).toEqual(["b", "a"]);
    const misspelt = async () => {
      // @ts-expect-error: sites have no such field
      await client.assets.list({ filter: { "site.colour": "red" } });
      // @ts-expect-error: a name is text
      await client.assets.list({ filter: { "site.name": 1 } });
      // @ts-expect-error: assets have no such field
      await client.assets.list({ sort: ["name", "colour"] });
    };
    await expect(misspelt()).rejects.toMatchObject({ code: "PARAMETER_INVALID" });
  });

  test("finds by a pattern and by words, with marks around them", async () => {
    const requesterId = manager.id;
    const leak = await client.workOrders.create({ title: "Leak in hall 7", siteId, requesterId });
    const pattern = { filter: { title: { ilike: "%HALL 7%" } }, fields: ["id"] } as const;
    expect((await client.workOrders.list(pattern)).data).toEqual([{ id: leak.id }]);
    const words = { q: "leaking halls", highlight: true, fields: ["id"] } as const;
    const page = await client.workOrders.list(words);
    expect(page.data).toEqual([{ id: leak.id }]);
    expect(page.meta.highlights).toEqual({
      [leak.id]: { title: "<mark>Leak</mark> in <mark>hall</mark> 7" },
    });
    const found: string[] = [];
    for await (const { id } of client.workOrders.all({ q: "leaking halls", page: { size: 1 } })) {
      found.push(id);
    }
    expect(found).toEqual([leak.id]);
    const mistaken = async () => {
      // @ts-expect-error: an instant is no text to look into
      await client.workOrders.list({ filter: { version: { like: 1 } } });
      // @ts-expect-error: a pattern is text
      await client.workOrders.list({ filter: { title: { ilike: 7 } } });
    };
    await expect(mistaken()).rejects.toMatchObject({ code: "PARAMETER_INVALID" });
  });

  test("upserts by a key, and writes many records at once", async () => {
    const body = { externalId: "X-1", title: "Leak", siteId, requesterId: manager.id };
    const made = await client.workOrders.upsert("externalId", body);
    expectTypeOf(made).toEqualTypeOf<Api["workOrders"]["fields"]>();
    const merged = await client.workOrders.upsert(["externalId"], { ...body, title: "Flood" });
    expect(merged).toMatchObject({ id: made.id, title: "Flood", version: 2 });
    const stale = client.workOrders.upsert("externalId", body, { ifVersion: 1 });
    await expect(stale).rejects.toMatchObject({ status: 412 });
    const teams = await client.teams.bulkCreate([{ name: "B1" }, { name: "B1" }, { name: "B2" }]);
    expect(teams.meta.bulk).toEqual({ succeeded: 2, failed: 1 });
    expectTypeOf(teams.data[0]?.data).toEqualTypeOf<Api["teams"]["fields"] | undefined>();
    expect(teams.data[1]).toMatchObject({ index: 1, status: 409, error: { code: "CONFLICT" } });
    const ids = teams.data.flatMap(({ data }) => data?.id ?? []);
    const renamed = await client.teams.bulkUpdate(
      ids.map((id, at) => ({ id, version: 1, name: `Renamed ${at}` })),
      { atomic: true },
    );
    expect(renamed.data.map(({ data }) => data?.name)).toEqual(["Renamed 0", "Renamed 1"]);
    const gone = await client.teams.bulkDelete(ids.map((id) => ({ id })));
    expect(gone.data.map(({ status }) => status)).toEqual([204, 204]);
    const misspelt = async () => {
      // @ts-expect-error: work orders have no such field
      await client.workOrders.upsert("external", body);
      // @ts-expect-error: an update names its record
      await client.teams.bulkUpdate([{ name: "x" }]);
    };
    await expect(misspelt()).rejects.toMatchObject({ code: "PARAMETER_INVALID" });
  });

  test("runs several operations as one transaction", async () => {
    const done = await client.batch([
      { operation: "sites.create", body: { name: "Quay" } },
      {
        operation: "workOrders.create",
        body: { title: "Leak", siteId: { $result: 0 }, requesterId: manager.id },
      },
      { operation: "workOrders.assign", id: { $result: 1 }, body: { technicianId: manager.id } },
      { operation: "workOrders.start", id: { $result: 1 }, version: 2 },
      { operation: "workOrders.complete", id: { $result: 1 }, body: { note: "Done" } },
      { operation: "workOrders.delete", id: { $result: 1 } },
    ]);
    expectTypeOf(done[0].data).toEqualTypeOf<Api["sites"]["fields"]>();
    expectTypeOf(done[2].data).toEqualTypeOf<Api["workOrders"]["fields"]>();
    expectTypeOf(done[4].data).toEqualTypeOf<{
      id: string;
      closedAt: string;
      partsTaken: number;
    }>();
    expectTypeOf(done[5].data).toEqualTypeOf<undefined>();
    expect(done.map(({ status }) => status)).toEqual([201, 201, 200, 200, 200, 204]);
    expect(done[1].data.siteId).toBe(done[0].data.id);
    const wrong = async () => {
      // @ts-expect-error: sites have no such operation
      await client.batch([{ operation: "sites.assign", id: "x" }]);
      // @ts-expect-error: a name is text
      await client.batch([{ operation: "sites.create", body: { name: 1 } }]);
    };
    await expect(wrong()).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
  });

  test("deletes", async () => {
    const { id } = await client.categories.create({ name: "gone" });
    await client.categories.delete(id, { ifVersion: 1 });
    await expect(client.categories.get(id)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("throws the server's error with its code, status, details and request id", async () => {
    const refused = await client.workOrders.create({ title: "x" }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 400, code: "VALIDATION_ERROR" });
    expect((refused as ApiError).details.map((one) => one.field)).toEqual([
      "siteId",
      "requesterId",
    ]);
    const stale = client.sites.update(siteId, { address: "Quay 1" }, { ifVersion: 99 });
    await expect(stale).rejects.toMatchObject({ status: 412, code: "VERSION_CONFLICT" });
  });

  // Planted fault: without the key of its own, the retry creates a second record -> red.
  test("repeats a write whose reply was lost, with one effect", async () => {
    let seen = 0;
    const losing: typeof fetch = async (input, init) => {
      const reply = await fetch(input, init);
      seen += 1;
      if (seen > 1) return reply;
      await reply.text();
      throw new TypeError("connection reset");
    };
    const fragile = createClient<Api>({ url: backend.url, key: manager.key, fetch: losing });
    const made = await fragile.teams.create({ name: "Night" });
    const found = await client.teams.list({ filter: { name: "Night" } });
    expect(found.data.map((one) => one.id)).toEqual([made.id]);
    expect(seen).toBe(2);
  });

  test("waits as Retry-After says, gives up after its retries, and stops on abort", async () => {
    let calls = 0;
    const busy = createServer((_request, reply) => {
      calls += 1;
      reply.writeHead(503, { "retry-after": "0" }).end("<html>busy</html>");
    });
    await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`;
    const impatient = createClient<Api>({ url, retries: 2 });
    await expect(impatient.sites.list()).rejects.toMatchObject({
      status: 503,
      code: "UNAVAILABLE",
    });
    expect(calls).toBe(3);
    const controller = new AbortController();
    const aborted = impatient.sites.list({}, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    await new Promise((resolve) => busy.close(resolve));
    await expect(impatient.sites.list()).rejects.toMatchObject({ status: 0, code: "UNREACHABLE" });
  });
});
