// One model, two versions of its API: the older one has other names, and lacks some things, in all
// that its callers see; the audit log and events know the model's own names alone.
//
// Planted faults, each red before it was taken out again:
// - the reply of a write made of the recorded fields -> writes
// - events under the names of the version -> audit
// - the policy of an omitted resource left out of references -> references
// - cursors not bound to the version -> cursors
// - constraints by the model's own names -> errors
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backend as declare, resource } from "../../examples/work-orders/domain.ts";
import { createClient } from "../../src/client/index.ts";
import { manifest } from "../../src/model/manifest.ts";
import { exampleResources } from "../fixtures/example-resources.ts";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

const teams = resource("teams", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: { rows: { name: "Red" } } },
    technician: { read: true },
  },
});
const declared = declare({
  name: "work-orders",
  resources: { ...exampleResources, teams },
  versions: {
    v1: {
      since: "2026-12-01",
      sunset: "2027-06-01",
      resources: {
        workOrders: {
          as: "jobs",
          rename: { title: "name", status: "state", dueAt: "deadline", siteId: "placeId" },
          omit: ["priority", "internalNotes"],
          omitOperations: ["delete", "prioritize", "bulkCreate"],
        },
        sites: { rename: { name: "label" } },
        teams: false,
      },
    },
    v2: {},
  },
});

let backend: TestBackend;
let acme: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("versions", { backend: declared });
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
});
afterAll(() => backend?.close());

const get = (path: string, as = key): Promise<Reply> => backend.request(path, { key: as });
const send = (method: string, path: string, body: unknown, headers = {}): Promise<Reply> =>
  backend.request(path, { key, method, body, headers });
const detailsOf = (reply: Reply): string[] =>
  reply.json.error.details.map((one: { field: string }) => one.field);
/** What a job needs beside its name. */
const needed = () => ({
  placeId: acme.rows.sites.yard,
  requesterId: acme.people.requester.id,
});

async function job(name = "Leak"): Promise<string> {
  const made = await send("POST", "/v1/jobs", { name, ...needed() });
  expect(made.status, made.text).toBe(201);
  return made.json.data.id;
}

describe("an older version", () => {
  test("has its own names in writes and their replies", async () => {
    const made = await send("POST", "/v1/jobs", { name: "Leak", ...needed() });
    expect(made.status, made.text).toBe(201);
    expect(made.headers.get("location")).toBe(`/v1/jobs/${made.json.data.id}`);
    expect(made.json.data).toMatchObject({ name: "Leak", state: "open", ...needed() });
    for (const strange of ["title", "status", "siteId", "priority", "internalNotes", "~priority"]) {
      expect(made.json.data).not.toHaveProperty(strange);
    }
    const path = `/v1/jobs/${made.json.data.id}`;
    const etag = made.headers.get("etag") ?? "";
    const changed = await send("PATCH", path, { name: "Flood" }, { "if-match": etag });
    expect([changed.status, changed.json.data.name]).toEqual([200, "Flood"]);
    const stale = await send("PATCH", path, { name: "Ocean" }, { "if-match": etag });
    expect(stale.status).toBe(412);
    const newest = await get(`/v2/work-orders/${made.json.data.id}`);
    expect(newest.json.data).toMatchObject({ title: "Flood", status: "open", priority: "normal" });
    const back = await send("PATCH", `/v2/work-orders/${made.json.data.id}`, { title: "Sea" });
    expect(back.json.data.title).toBe("Sea");
    expect((await get(path)).json.data.name).toBe("Sea");
  });

  test("has its own names in filters, sorts, fields and includes", async () => {
    const id = await job();
    const query = "filter[state]=open&sort=-deadline&fields=id,name,state&page[size]=100";
    const listed = await get(`/v1/jobs?${query}`);
    expect(listed.status, listed.text).toBe(200);
    const found = listed.json.data.find((one: { id: string }) => one.id === id);
    expect(found).toEqual({ id, name: "Leak", state: "open" });
    const one = await get(`/v1/jobs/${id}?include=site&fields[site]=label&fields=name`);
    expect(one.json.data).toEqual({ name: "Leak", site: { label: "Yard" } });
    const related = await get("/v1/jobs?filter[state]=open&filter[site.label]=Yard&fields=id");
    expect(related.status, related.text).toBe(200);
    for (const wrong of [
      "filter[status]=open",
      "sort=dueAt",
      "fields=title",
      "fields=priority",
      "fields=~priority",
      "filter[~priority]=low",
      "include=team",
      "filter[state]=open&filter[site.name]=Yard",
    ]) {
      const refused = await get(`/v1/jobs?${wrong}`);
      expect([wrong, refused.status]).toEqual([wrong, 400]);
      // What is allowed is told in the version's names; what was sent may be repeated.
      const told = refused.json.error.details.map((one: { message: string }) =>
        one.message.replace(/^"~?\w+"/, ""),
      );
      expect(told.join()).not.toMatch(/\b(title|status|dueAt|internalNotes)\b|~/);
    }
  });

  test("has its own names in errors", async () => {
    const id = await job();
    const missing = await send("POST", "/v1/jobs", { title: "x" });
    expect(detailsOf(missing).toSorted()).toEqual(["name", "placeId", "requesterId", "title"]);
    expect(missing.text).toContain("allowed: externalId, name, description, state,");
    const away = await send("PATCH", `/v1/jobs/${id}`, { state: "done" });
    expect([away.status, detailsOf(away)]).toEqual([422, ["state"]]);
    const nowhere = await send("PATCH", `/v1/jobs/${id}`, { placeId: id });
    expect([nowhere.status, detailsOf(nowhere)]).toEqual([422, ["placeId"]]);
    const label = { label: "Twice" };
    expect((await send("POST", "/v1/sites", label)).status).toBe(201);
    const twice = await send("POST", "/v1/sites", label);
    expect([twice.status, detailsOf(twice)]).toEqual([409, ["label"]]);
    const { key: viewer } = acme.people.viewer;
    const body = { name: "x" };
    const denied = await backend.request("/v1/jobs", { key: viewer, body });
    expect([denied.status, denied.json.error.message]).toEqual([
      403,
      "The role viewer may not create jobs.",
    ]);
  });

  test("has its own names in figures and in records of relations to many", async () => {
    await job();
    const counted = await get("/v1/jobs/aggregate?count=true&groupBy=state&max=reportedAt");
    expect(counted.status, counted.text).toBe(200);
    const states = counted.json.data.map((one: { group: object }) => Object.keys(one.group));
    expect(new Set(states.flat())).toEqual(new Set(["state"]));
    for (const wrong of ["groupBy=status", "groupBy=priority", "count=true&max=dueAt"]) {
      expect((await get(`/v1/jobs/aggregate?${wrong}`)).status, wrong).toBe(400);
    }
    const pump = `/v1/assets/${acme.rows.assets.pump}`;
    await send("POST", "/v1/jobs", { name: "Drip", ...needed(), assetId: acme.rows.assets.pump });
    const query = "include=workOrders&fields[workOrders]=name,state&fields=id";
    const included = await get(`${pump}?${query}`);
    expect(included.status, included.text).toBe(200);
    expect(Object.keys(included.json.data.workOrders.data[0])).toEqual(["name", "state"]);
    expect((await get(`${pump}?include=workOrders&fields[workOrders]=title`)).status).toBe(400);
    const newest = `/v2/assets/${acme.rows.assets.pump}`;
    expect((await get(`${newest}?include=workOrders&fields[workOrders]=title`)).status).toBe(200);
  });

  test("lacks what it omits: resources, operations, and what leads to them", async () => {
    const id = await job();
    for (const [method, path, status] of [
      ["GET", "/v1/teams", 404],
      ["GET", "/v1/work-orders", 404],
      ["GET", "/v2/jobs", 404],
      ["GET", "/v3/work-orders", 404],
      ["DELETE", `/v1/jobs/${id}`, 405],
      ["POST", `/v1/jobs/${id}/prioritize`, 404],
      ["GET", "/v2/teams", 200],
    ] as const) {
      const reply = await backend.request(path, { key, method });
      expect([method, path, reply.status]).toEqual([method, path, status]);
    }
    for (const operation of ["teams.get", "workOrders.get", "jobs.delete", "jobs.prioritize"]) {
      const body = { operations: [{ operation, id }] };
      expect((await send("POST", "/v1/batch", body)).status, operation).toBe(400);
    }
    const operations = [{ operation: "jobs.update", id, body: { name: "Together" } }];
    const together = await send("POST", "/v1/batch", { operations });
    expect(together.json.data[0]).toMatchObject({ status: 200, data: { name: "Together" } });
  });

  test("runs actions, whose code knows the model's own names", async () => {
    const technicianId = acme.people.technician.id;
    const id = await job();
    const assigned = await send("POST", `/v2/work-orders/${id}/assign`, { technicianId });
    expect(assigned.status, assigned.text).toBe(200);
    const path = `/v1/jobs/${id}/start`;
    const started = await backend.request(path, {
      key: acme.people.technician.key,
      method: "POST",
    });
    expect([started.status, started.json.data?.state]).toEqual([200, "in_progress"]);
    const done = await backend.request(`/v1/jobs/${id}/complete`, {
      key,
      body: { note: "Dry" },
    });
    expect(done.status, done.text).toBe(200);
    const newest = await get(`/v2/work-orders/${id}?fields=status,internalNotes`);
    expect(newest.json.data).toEqual({ status: "done", internalNotes: "Dry" });
    const again = await backend.request(path, { key, method: "POST" });
    expect([again.status, again.json.error.code]).toEqual([422, "INVALID_TRANSITION"]);
    const refused = await send("POST", `/v1/jobs/${id}/assign`, { technicianId });
    expect([refused.status, detailsOf(refused)]).toEqual([422, ["state"]]);
  });

  test("says that it goes, in every reply; the newest does not", async () => {
    const id = await job();
    for (const path of ["/v1/jobs", `/v1/jobs/${id}`, "/v1/users?page[size]=1"]) {
      const { headers } = await get(path);
      expect(headers.get("deprecation")).toBe("@1796083200");
      expect(headers.get("sunset")).toBe("Tue, 01 Jun 2027 00:00:00 GMT");
    }
    expect((await get("/v2/work-orders")).headers.get("deprecation")).toBeNull();
  });

  test("is another world to cursors and keys", async () => {
    await job("One");
    await job("Two");
    const first = await get("/v1/users?page[size]=1&sort=name");
    const { next } = first.json.meta.pagination;
    expect((await get(`/v1/users?page[size]=1&sort=name&page[after]=${next}`)).status).toBe(200);
    const elsewhere = await get(`/v2/users?page[size]=1&sort=name&page[after]=${next}`);
    expect([elsewhere.status, elsewhere.json.error.code]).toEqual([400, "CURSOR_INVALID"]);
    const headers = { "idempotency-key": "one-key" };
    const old = await send("POST", "/v1/sites", { label: "Old" }, headers);
    const made = await send("POST", "/v2/sites", { name: "New" }, headers);
    expect([old.status, made.status]).toEqual([201, 201]);
    const replayed = await send("POST", "/v1/sites", { label: "Old" }, headers);
    expect([replayed.text, replayed.headers.get("idempotency-replayed")]).toEqual([
      old.text,
      "true",
    ]);
  });

  test("keeps the policy of references to a resource that it does not have", async () => {
    const id = await job();
    const { blue, red } = acme.rows.teams;
    const { key: dispatcher } = acme.people.dispatcher;
    const move = (teamId: string | undefined): Promise<Reply> =>
      backend.request(`/v1/jobs/${id}`, { key: dispatcher, method: "PATCH", body: { teamId } });
    const unseen = await move(blue);
    expect([unseen.status, detailsOf(unseen)]).toEqual([422, ["teamId"]]);
    expect((await move(red)).status).toBe(200);
  });
});

describe("the audit log and events", () => {
  test("hold the model's own names and all of its fields, whatever the version", async () => {
    const id = await job();
    await send("PATCH", `/v1/jobs/${id}`, { name: "Flood", deadline: "2027-01-31T12:00:00Z" });
    const newest = (await get(`/v2/work-orders/${id}`)).json.data;
    const events = await backend.owner.query<{ type: string; fields: string[]; record: object }>(
      "select type, fields, record from backwright.events where key = $1 order by position",
      [id],
    );
    const fields = Object.keys(newest);
    expect(events.map(({ type }) => type)).toEqual(["workOrders.created", "workOrders.updated"]);
    expect(events[0]?.fields).toEqual(fields);
    expect(events[1]?.fields).toEqual(["title", "dueAt"]);
    for (const { record } of events) expect(Object.keys(record)).toEqual(fields);
    const audits = await backend.owner.query<{ resource: string; before: object; after: object }>(
      "select resource, before, after from backwright.audit where record_id = $1 order by position",
      [id],
    );
    expect(audits.map(({ resource }) => resource)).toEqual(["workOrders", "workOrders"]);
    expect(Object.keys(audits[0]?.after ?? {})).toEqual(fields);
    expect(audits[1]).toMatchObject({
      before: { title: "Leak", dueAt: null },
      after: { title: "Flood" },
    });
  });
});

describe("what describes the API", () => {
  test("has a document for each version, and the newest one at the old address", async () => {
    const [newest, v2, v1] = await Promise.all(
      ["/openapi.json", "/v2/openapi.json", "/v1/openapi.json"].map(
        async (path) => (await get(path)).json,
      ),
    );
    expect(newest.info).toEqual(v2.info);
    expect(Object.keys(newest.paths)).toEqual(Object.keys(v2.paths));
    expect([v1.info.version, v2.info.version]).toEqual(["v1", "v2"]);
    const paths = Object.keys(v1.paths);
    expect(paths.filter((path) => !path.startsWith("/v1/"))).toEqual([]);
    expect(paths.some((path) => /teams|work-orders|prioritize/.test(path))).toBe(false);
    expect(v1.paths["/v1/jobs"].get).toMatchObject({ operationId: "jobs.list", deprecated: true });
    expect(v1.paths["/v1/jobs/{id}"].delete).toBeUndefined();
    expect(v1.info.description).toContain("to go on 2027-06-01");
    expect(Object.keys(v1.components.schemas.Jobs.properties)).toEqual(
      expect.arrayContaining(["name", "state", "deadline", "placeId"]),
    );
    const { Jobs, JobsCreate, JobsUpdate } = v1.components.schemas;
    const parameters = v1.paths["/v1/jobs"].get.parameters;
    const text = JSON.stringify([Jobs.properties, JobsCreate, JobsUpdate, parameters]);
    const strange = /internalNotes|"priority|filter\[title|"title"|dueAt|~[a-z]/;
    expect(strange.exec(text)?.[0]).toBeUndefined();
    expect(/"jobs|\/v1\//.exec(JSON.stringify(v2))?.[0]).toBeUndefined();
  });

  test("has the differences in the manifest", () => {
    const { version, older, resources } = manifest(backend.project.model) as {
      version: string;
      older: Record<string, { resources: Record<string, unknown> }>;
      resources: Record<string, { path: string }>;
    };
    expect([version, Object.keys(older)]).toEqual(["v2", ["v1"]]);
    expect(resources.workOrders?.path).toBe("/v2/work-orders");
    expect(older.v1).toMatchObject({
      deprecated: { since: "2026-12-01", sunset: "2027-06-01" },
      resources: {
        workOrders: {
          path: "/v1/jobs",
          fields: {
            title: "name",
            status: "state",
            dueAt: "deadline",
            siteId: "placeId",
            priority: null,
            internalNotes: null,
          },
          omittedOperations: ["bulkCreate", "delete", "prioritize"],
        },
        sites: { fields: { name: "label" } },
        teams: null,
        users: { fields: {} },
      },
    });
  });

  test("has a client for each version", async () => {
    interface Newest {
      sites: {
        fields: { id: string; name: string };
        write: object;
        links: object;
        actions: object;
      };
    }
    const client = createClient<Newest>({ url: backend.url, key, version: "v2" });
    const page = await client.sites.list({ sort: "name" });
    expect(page.data[0]).toHaveProperty("name");
  });
});
