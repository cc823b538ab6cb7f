// Who uses something that is declared as deprecated is told by headers, and the OpenAPI document
// says it; nobody else is told.
//
// Planted faults, each red before it was taken out again:
// - a reply that holds the field unasked counted as use -> unasked
// - names in the body not looked at -> uses
// - the first bracket of a filter taken for the field, groups too -> groups
// - the latest of several sunsets told -> earliest
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backend as declare, resource } from "../../examples/work-orders/domain.ts";
import { manifest } from "../../src/model/manifest.ts";
import type { ResourceModel } from "../../src/model/model.ts";
import { deprecationHeaders } from "../../src/rest/deprecation.ts";
import type { HttpRequest } from "../../src/server/http.ts";
import { exampleResources } from "../fixtures/example-resources.ts";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { refusalOf, users as usersTable } from "../model/declared.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

const LINK = "https://example.org/changes?page=1";
const sites = resource("sites", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true },
    requester: { read: { fields: ["id", "name"] } },
    viewer: { read: { fields: ["id", "name", "address"] } },
  },
  deprecated: {
    fields: {
      name: { since: "2026-01-01", sunset: "2027-06-30", use: "address", link: LINK },
      isPublic: { since: "2026-03-01", sunset: "2027-12-31" },
    },
    operations: { delete: { since: "2026-02-01", sunset: "2027-01-01", use: "update" } },
  },
});
const declared = declare({
  name: "work-orders",
  resources: { ...exampleResources, sites },
});

let backend: TestBackend;
let acme: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("deprecation", { backend: declared });
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
});
afterAll(() => backend?.close());

const told = ({ headers }: Reply): (string | null)[] =>
  ["deprecation", "sunset", "link"].map((name) => headers.get(name));
const NAME = [
  "@1767225600",
  "Wed, 30 Jun 2027 00:00:00 GMT",
  `<${LINK}>; rel="deprecation"; type="text/html"`,
];

const IS_PUBLIC = ["@1772323200", "Fri, 31 Dec 2027 00:00:00 GMT", null];

describe("a reply", () => {
  test.each([
    "fields=id,name",
    "sort=name",
    "sort=-name",
    "filter[name]=Yard",
    "filter[name][in]=Yard,Dock",
    "filter[not][name]=Dock",
    "filter[or][0][name]=Yard&filter[or][1][name]=Dock",
    "filter[or][0][and][0][not][name][in]=Yard,Dock",
  ])("to a list with %s, which uses a deprecated field, says so", async (query) => {
    const reply = await backend.request(`/v1/sites?${query}`, { key });
    expect([reply.status, ...told(reply)]).toEqual([200, ...NAME]);
  });

  test("to a write that uses a deprecated field says so", async () => {
    const made = await backend.request("/v1/sites", { key, body: { name: "Mill" } });
    expect([made.status, ...told(made)]).toEqual([201, ...NAME]);
    const path = made.headers.get("location") ?? "";
    const changed = await backend.request(path, { key, method: "PATCH", body: { isPublic: true } });
    expect([changed.status, ...told(changed)]).toEqual([200, ...IS_PUBLIC]);
  });

  test("that has an included record of which a deprecated field was asked says so", async () => {
    const query = "include=site&fields[site]=id,name";
    const listed = await backend.request(`/v1/work-orders?${query}`, { key });
    expect([listed.status, ...told(listed)]).toEqual([200, ...NAME]);
    const filter = "filter[status]=open&filter[site.isPublic]=true";
    const filtered = await backend.request(`/v1/work-orders?${filter}`, { key });
    expect([filtered.status, ...told(filtered)]).toEqual([200, ...IS_PUBLIC]);
    const group = "filter[status]=open&filter[or][0][site.isPublic]=true";
    const grouped = await backend.request(`/v1/work-orders?${group}`, { key });
    expect([grouped.status, ...told(grouped)]).toEqual([200, ...IS_PUBLIC]);
  });

  test("to a request that uses two says the earliest days, and each link once", async () => {
    const fields = "fields=isPublic,name";
    expect(told(await backend.request(`/v1/sites?${fields}`, { key }))).toEqual(NAME);
  });

  test("of a deprecated operation says so", async () => {
    const made = await backend.request("/v1/sites", { key, body: { name: "Quay" } });
    const path = made.headers.get("location") ?? "";
    const gone = await backend.request(path, { key, method: "DELETE" });
    expect([gone.status, ...told(gone)]).toEqual([
      204,
      "@1769904000",
      "Fri, 01 Jan 2027 00:00:00 GMT",
      null,
    ]);
  });

  // Planted: the bodies of a batch's operations not looked at -> red.
  test("to a bulk request or a batch says what its records and operations use", async () => {
    const { yard } = acme.rows.sites;
    const post = async (path: string, body: unknown) => {
      const reply = await backend.request(path, { key, body });
      return [reply.status, ...told(reply)];
    };
    const NONE = [200, null, null, null];
    const DELETE = [200, "@1769904000", "Fri, 01 Jan 2027 00:00:00 GMT", null];
    const bulk = (verb: string, records: unknown) => post(`/v1/sites/bulk-${verb}`, { records });
    expect(await bulk("create", [{ name: "A" }, { name: "B", isPublic: true }])).toEqual([
      200,
      ...NAME,
    ]);
    expect(await bulk("update", [{ id: yard, isPublic: true }])).toEqual([200, ...IS_PUBLIC]);
    expect(await bulk("update", [{ id: yard, address: "x" }])).toEqual(NONE);
    const batch = (...operations: unknown[]) => post("/v1/batch", { operations });
    const create = { operation: "sites.create", body: { name: "C" } };
    const change = { operation: "sites.update", id: yard, body: { isPublic: false } };
    const remove = { operation: "sites.delete", id: { $result: 0 } };
    const get = { operation: "sites.get", id: yard };
    const team = { operation: "teams.create", body: { name: "Not of a site" } };
    expect(await batch(change, get)).toEqual([200, ...IS_PUBLIC]);
    expect(await batch(get, change, create)).toEqual([200, ...NAME]);
    expect(await batch(team, { operation: "teams.delete", id: { $result: 0 } })).toEqual(NONE);
    expect(await batch(get)).toEqual(NONE);
    const [status, since] = await batch({ ...create, body: { name: "E" } }, remove);
    expect([status, since]).toEqual([200, NAME[0]]);
    const made = await backend.request("/v1/sites", { key, body: { name: "D" } });
    expect(await batch({ operation: "sites.delete", id: made.json.data.id })).toEqual(DELETE);
  });

  // Planted: a list in a body taken for records, whatever the operation -> red.
  test("to an action, whose input has names of its own, says nothing of them", () => {
    const { model } = backend.context;
    const resource = model.resources.get("sites") as ResourceModel;
    const request = { query: "", body: { records: [{ name: "x" }], name: "x" } } as HttpRequest;
    expect(deprecationHeaders(model, resource, "inspect", request)).toEqual({});
    expect(deprecationHeaders(model, resource, "bulkCreate", request)).not.toEqual({});
  });

  test("that holds a deprecated field unasked says nothing", async () => {
    const path = `/v1/sites/${acme.rows.sites.yard}`;
    for (const one of [
      "/v1/sites",
      path,
      "/v1/sites?fields=id,address",
      "/v1/sites?page[size]=1",
    ]) {
      const reply = await backend.request(one, { key });
      expect([one, reply.status, ...told(reply)]).toEqual([one, 200, null, null, null]);
    }
    const other = await backend.request("/v1/teams?fields=name&sort=name", { key });
    expect([other.status, ...told(other)]).toEqual([200, null, null, null]);
  });
});

describe("the OpenAPI document", () => {
  test("marks fields, parameters and operations, and nothing else", async () => {
    const document = (await backend.request("/openapi.json", { key })).json;
    const about = "Deprecated since 2026-01-01, to go on 2027-06-30. Use address.";
    for (const name of ["Sites", "SitesCreate", "SitesUpdate"]) {
      const { properties } = document.components.schemas[name];
      expect(properties.name).toMatchObject({ deprecated: true, description: about });
      expect(properties.address.deprecated).toBeUndefined();
    }
    const { get } = document.paths["/v1/sites"];
    const marked = get.parameters.filter((one: { deprecated?: true }) => one.deprecated);
    expect(marked.length).toBeGreaterThan(1);
    for (const one of marked) {
      expect(one.name).toMatch(/^filter\[name\]/);
      expect(one.description).toContain(about);
    }
    const operations = document.paths["/v1/sites/{id}"];
    expect(operations.delete).toMatchObject({ deprecated: true });
    expect(operations.delete.description).toContain("Use update.");
    expect(operations.patch.deprecated).toBeUndefined();
    expect(JSON.stringify(document.components.schemas.Teams)).not.toContain("deprecated");
  });
});

test("the manifest holds what is deprecated", () => {
  const { resources } = manifest(backend.project.model) as {
    resources: Record<string, { deprecated: unknown }>;
  };
  expect(resources.sites?.deprecated).toEqual(sites.options.deprecated);
  expect(resources.teams?.deprecated).toEqual({ fields: {}, operations: {} });
});

describe("a start is refused", () => {
  const DAY = "2026-01-01";
  const cases: readonly (readonly [mistake: string, deprecated: object, ...said: string[]])[] = [
    [
      "for a name that there is not",
      { fields: { nmae: { since: DAY } }, operations: { assign: { since: DAY } } },
      "  users.deprecated.fields.nmae: there is no such name; names are id, name",
      "  users.deprecated.operations.assign: there is no such name; names are list, get, create, " +
        "update, delete, upsert, bulkCreate, bulkUpdate, bulkDelete",
    ],
    [
      "for what is no day",
      { fields: { name: { since: "2026", sunset: "2027-02-30" } } },
      "  users.deprecated.fields.name.since: must be a day",
      '    write: since: "2027-01-31"',
      "  users.deprecated.fields.name.sunset: must be a day",
      '    write: sunset: "2027-01-31"',
    ],
    [
      "for an end before the beginning",
      { operations: { list: { since: "2026-02-01", sunset: DAY } } },
      "  users.deprecated.operations.list.sunset: is before 2026-02-01, since when it is " +
        "deprecated",
    ],
    [
      "for a successor that there is not, and for a misspelt key",
      { fields: { name: { since: DAY, use: "title", sunst: DAY } }, feilds: {} },
      "  users.deprecated.feilds: is not known here; write fields or operations",
      "  users.deprecated.fields.name.sunst: write one of since, sunset, use, link",
      '  users.deprecated.fields.name.use: "title" cannot take its place; names are id, name',
    ],
    [
      "for a link that would end the header",
      { fields: { name: { since: DAY, link: "https://example.org/>; rel=x" } } },
      "  users.deprecated.fields.name.link: is not the address of a page",
      '    write: "https://…"',
    ],
  ];
  test.each(cases)("%s", (_mistake, deprecated, ...said) => {
    const refusal = refusalOf({
      schema: { users: usersTable },
      resources: { users: { scope: "tenant", access: { boss: "all" }, deprecated } },
    });
    expect(refusal.slice(1)).toEqual(said);
  });
});
