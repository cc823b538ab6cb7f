// An older version that leaves out the fields which Backwright keeps, and actions that are run
// through it: what is written is the same, whichever version wrote it.
//
// Planted faults, each red before it was taken out again:
// - version and updatedAt looked up by their names in the version of the API -> writes, reads
// - `ops` that speak the names of the version that called the action -> actions
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { backend as declare, resource } from "../../examples/work-orders/domain.ts";
import { exampleResources } from "../fixtures/example-resources.ts";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

const access = {
  manager: "all",
  dispatcher: { read: true },
  technician: { read: true },
  requester: { read: true },
  viewer: { read: true },
} as const;
const sites = resource("sites", { scope: "tenant", access });
const teams = resource("teams", {
  scope: "tenant",
  access,
  actions: {
    probe: {
      access: ["manager"],
      output: z.array(z.string()),
      async run({ ops }) {
        const made = await ops.sites.create({ name: "Mill", address: "here" });
        const changed = await ops.sites.update(made.id, { address: "there" }, { ifVersion: 1 });
        const { data } = await ops.sites.list({ filter: { name: "Mill" }, sort: "name" });
        const { name } = await ops.sites.get(made.id);
        await ops.sites.delete(made.id);
        await ops.categories.list({ filter: { name: "Water" } });
        return [name, ...data.map((one) => one.name), changed.address].map(String);
      },
    },
  },
});
const declared = declare({
  name: "work-orders",
  resources: { ...exampleResources, sites, teams },
  versions: {
    v1: { resources: { assets: { omit: ["version"], rename: { serialNumber: "version" } } } },
    v2: {
      resources: {
        sites: { omit: ["updatedAt"], rename: { name: "label" } },
        assets: { omit: ["updatedAt", "createdAt", "version"] },
        categories: false,
      },
    },
    v3: {},
  },
});

let backend: TestBackend;
let acme: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("versions_omit", { backend: declared });
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
});
afterAll(() => backend?.close());

const get = (path: string): Promise<Reply> => backend.request(path, { key });
const send = (method: string, path: string, body?: unknown, headers = {}): Promise<Reply> =>
  backend.request(path, { key, method, body, headers });

describe("a version without what Backwright keeps", () => {
  test("keeps updatedAt up in its writes", async () => {
    const path = `sites/${acme.rows.sites.yard}`;
    const before = (await get(`/v3/${path}`)).json.data;
    const changed = await send("PATCH", `/v2/${path}`, { address: "x" });
    expect(changed.status, changed.text).toBe(200);
    expect(changed.json.data).not.toHaveProperty("updatedAt");
    const after = (await get(`/v3/${path}`)).json.data;
    expect(after.version).toBe(before.version + 1);
    expect(after.updatedAt > before.updatedAt).toBe(true);
  });

  test("counts versions in its writes, and its reads are those of any version", async () => {
    const siteId = acme.rows.sites.yard;
    const made = await send("POST", "/v2/assets", { name: "Pump", siteId });
    expect(made.status, made.text).toBe(201);
    const { id } = made.json.data;
    const read = await get(`/v2/assets/${id}`);
    expect([read.status, read.json.data.name, "version" in read.json.data]).toEqual([
      ...[200, "Pump", false],
    ]);
    const tag = { "if-match": read.headers.get("etag") ?? "" };
    const changed = await send("PATCH", `/v2/assets/${id}`, { name: "Fan" }, tag);
    expect([changed.status, changed.json.data?.name]).toEqual([200, "Fan"]);
    const stale = await send("PATCH", `/v2/assets/${id}`, { name: "Jet" }, tag);
    expect([stale.status, stale.json.error.code]).toEqual([412, "VERSION_CONFLICT"]);
    expect((await get(`/v3/assets/${id}`)).json.data).toMatchObject({ name: "Fan", version: 2 });
    const listed = await get("/v2/assets?include=site&page[size]=1");
    expect(listed.status, listed.text).toBe(200);
    expect((await send("DELETE", `/v2/assets/${id}`)).status).toBe(204);
    const events = await backend.owner.query<{ sequence: number }>(
      "select sequence from backwright.events where key = $1 order by position",
      [id],
    );
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test("gives no meaning to another field that has the name", async () => {
    const siteId = acme.rows.sites.yard;
    const body = { name: "Belt", siteId, version: "B-7" };
    const made = await send("POST", "/v1/assets", body);
    expect(made.status, made.text).toBe(201);
    const path = `assets/${made.json.data.id}`;
    const changed = await send("PATCH", `/v1/${path}`, { version: "B-8" });
    expect([changed.status, changed.json.data?.version]).toEqual([200, "B-8"]);
    expect((await get(`/v3/${path}`)).json.data).toMatchObject({ serialNumber: "B-8", version: 2 });
  });
});

test.each(["v3", "v2"])(
  "an action that is run through %s has the names of the declaration",
  async (version) => {
    const path = `/${version}/teams/${acme.rows.teams.red}/probe`;
    const reply = await send("POST", path, {});
    expect(reply.status, reply.text).toBe(200);
    expect(reply.json.data).toEqual(["Mill", "Mill", "there"]);
  },
);
