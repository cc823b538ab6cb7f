// The OpenAPI document tells the truth: what it offers a role is answered, and nothing else.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: { readonly enum?: readonly string[] };
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly Parameter[];
}
interface Schema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

let backend: TestBackend;
const people = new Map<string, Person>();
const documents = new Map<string, Document>();

beforeAll(async () => {
  backend = await startTestBackend("openapi");
  const tenantId = await backend.tenant("Acme");
  for (const role of ["manager", "technician", "requester", "viewer"]) {
    const person = await backend.person(tenantId, role);
    people.set(role, person);
    documents.set(role, (await backend.request("/openapi.json", { key: person.key })).json);
  }
});
afterAll(() => backend?.close());

const documentOf = (role: string): Document => documents.get(role) as Document;
const keyOf = (role: string): string => people.get(role)?.key ?? "";
const operations = (role: string): string[] =>
  Object.values(documentOf(role).paths)
    .flatMap((path) => Object.entries(path))
    .filter(([method]) => method !== "parameters")
    .map(([, operation]) => operation.operationId)
    .sort();

describe("the OpenAPI document", () => {
  test("needs a key, and says 3.1", async () => {
    expect((await backend.request("/openapi.json")).status).toBe(401);
    expect(documentOf("viewer").openapi).toBe("3.1.0");
  });

  // What answers before an operation is known. Planted: 431 left out, as it was once -> red.
  test("says for every operation how a request can fail that is not understood", () => {
    for (const path of Object.values(documentOf("manager").paths)) {
      for (const [method, { operationId, responses }] of Object.entries(path)) {
        if (method === "parameters") continue;
        const told = ["400", "401", "408", "414", "431", "500", "503"];
        expect([operationId, ...Object.keys(responses)]).toEqual(expect.arrayContaining(told));
      }
    }
  });

  // Written by hand from the example's policies.
  test("holds the operations of the caller's role and no others", () => {
    expect(operations("viewer")).toEqual([
      "batch",
      "categories.get",
      "categories.list",
      "sites.get",
      "sites.list",
      "workOrders.aggregate",
      "workOrders.get",
      "workOrders.list",
    ]);
    expect(operations("technician").filter((one) => !/\.(aggregate|get|list)$/.test(one))).toEqual([
      "assets.bulkUpdate",
      "assets.update",
      "batch",
      "checklistItems.bulkUpdate",
      "checklistItems.update",
      "comments.bulkCreate",
      "comments.bulkDelete",
      "comments.bulkUpdate",
      "comments.create",
      "comments.delete",
      "comments.restore",
      "comments.update",
      "meterReadings.bulkCreate",
      "meterReadings.create",
      "parts.bulkUpdate",
      "parts.update",
      "partsUsed.bulkCreate",
      "partsUsed.bulkUpdate",
      "partsUsed.create",
      "partsUsed.update",
      "partsUsed.upsert",
      "users.bulkUpdate",
      "users.update",
      "workOrders.bulkUpdate",
      "workOrders.complete",
      "workOrders.hold",
      "workOrders.start",
      "workOrders.update",
    ]);
    // 15 resources with five verbs and three in bulk; two restored, three counted, ten actions, a
    // batch. Assets, comments, checklists and schedules have no unique key to upsert by.
    expect(operations("manager")).toHaveLength(15 * 5 + 15 * 3 + 2 + 3 + 10 + 1 + 11);
  });

  test("holds the fields of the caller's role and no others", () => {
    const { schemas } = documentOf("requester").components;
    expect(Object.keys(schemas.WorkOrdersCreate?.properties ?? {})).toEqual([
      "title",
      "description",
      "siteId",
      "location",
      "assetId",
      "categoryId",
    ]);
    expect(schemas.WorkOrdersCreate?.required).toEqual(["title", "siteId"]);
    expect(JSON.stringify(documentOf("requester"))).not.toContain("internalNotes");
    expect(JSON.stringify(documentOf("manager"))).toContain("internalNotes");
    expect(schemas.WorkOrdersUpdate).toBeUndefined();
  });

  test.each(["manager", "viewer"])("offers a %s only sorts that are served", async (role) => {
    let tried = 0;
    for (const [path, { get }] of Object.entries(documentOf(role).paths)) {
      const sort = get?.parameters?.find((parameter) => parameter.name === "sort");
      for (const key of sort?.schema.enum ?? []) {
        const reply = await backend.request(`${path}?sort=${key}`, { key: keyOf(role) });
        // A sort that needs a filter before it is refused with the filter that it needs.
        if (reply.status !== 200) expect(reply.text).toContain(`sort=${key.replace("-", "")} with`);
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(role === "manager" ? 20 : 3);
  });

  test("offers a manager only parameters that are known", async () => {
    const known = ["fields", "include", "sort", "page[after]", "page[before]"];
    for (const [path, { get }] of Object.entries(documentOf("manager").paths)) {
      if (get === undefined || path.includes("{id}")) continue;
      const names = get.parameters?.map((parameter) => parameter.name) ?? [];
      expect(names).toEqual(
        expect.arrayContaining([...known.filter((one) => names.includes(one))]),
      );
      const question = path.endsWith("/aggregate") ? "count=true&" : "";
      for (const name of names.filter((one) => one.endsWith("[isNull]"))) {
        const asked = `${path}?${question}${name}=true`;
        const reply = await backend.request(asked, { key: keyOf("manager") });
        const isKnown = reply.status === 200 || reply.text.includes("No index serves");
        expect(isKnown, `${path}?${name}=true: ${reply.text}`).toBe(true);
      }
    }
  });

  // A requester reads the description, a viewer does not; only work orders are searched.
  test("offers a search of the fields that the role may read", () => {
    const about = (role: string, path: string, name: string): string | undefined =>
      documentOf(role).paths[path]?.get?.parameters?.find((one) => one.name === name)?.description;
    expect(about("requester", "/v1/work-orders", "q")).toContain("in title, description;");
    expect(about("viewer", "/v1/work-orders", "q")).toContain("in title;");
    expect(about("manager", "/v1/work-orders", "highlight")).toContain("meta.highlights");
    expect(about("manager", "/v1/work-orders", "filter[title][ilike]")).toContain("the case");
    expect(about("manager", "/v1/work-orders", "filter[description][ilike]")).toBeUndefined();
    expect(about("manager", "/v1/assets", "q")).toBeUndefined();
  });

  test("offers pages of included records, each where it is taken", async () => {
    const namesOf = (path: string): string[] =>
      (documentOf("manager").paths[path]?.get?.parameters ?? []).map(({ name }) => name);
    const size = "page[workOrders][size]";
    expect(namesOf("/v1/assets")).toEqual(expect.arrayContaining([size, "filter"]));
    expect(namesOf("/v1/assets")).not.toContain("page[workOrders][after]");
    expect(namesOf("/v1/assets/{id}")).toContain("page[workOrders][after]");
    const path = `/v1/assets?include=workOrders.team&${size}=3`;
    expect((await backend.request(path, { key: keyOf("manager") })).status).toBe(200);
    const { Assets } = documentOf("manager").components.schemas;
    expect(Object.keys(Assets?.properties ?? {})).toEqual(
      expect.arrayContaining(["site", "workOrders"]),
    );
    // The requester may not read the field of work orders that leads to the team.
    expect(JSON.stringify(documentOf("requester"))).not.toContain("page[members]");
  });

  test("holds the inputs and outputs of actions, as far as the role may run them", () => {
    const { paths, components } = documentOf("manager");
    expect(paths["/v1/work-orders/{id}/assign"]?.post?.operationId).toBe("workOrders.assign");
    expect(components.schemas.WorkOrdersAssignInput).toMatchObject({
      properties: { technicianId: { type: "string", format: "uuid" } },
      required: ["technicianId"],
      additionalProperties: false,
    });
    expect(components.schemas.WorkOrdersCompleteOutput?.properties).toMatchObject({
      closedAt: { type: "string", format: "date-time" },
    });
    expect(documentOf("technician").components.schemas.WorkOrdersAssignInput).toBeUndefined();
  });

  test("offers an upsert by the keys that are served, and no other", async () => {
    const { put } = documentOf("manager").paths["/v1/work-orders"] ?? {};
    const by = put?.parameters?.find(({ name }) => name === "by");
    expect(by?.schema.enum).toEqual(["externalId"]);
    expect(documentOf("technician").paths["/v1/work-orders"]?.put).toBeUndefined();
    const { schemas } = documentOf("requester").components;
    expect(Object.keys(schemas).filter((name) => name.startsWith("WorkOrdersBulk"))).toEqual([
      "WorkOrdersBulkCreate",
      "WorkOrdersBulkReply",
    ]);
  });

  test("describes every field of a reply", async () => {
    const key = keyOf("manager");
    const site = await backend.request("/v1/sites", { key, body: { name: "Yard" } });
    const { schemas } = documentOf("manager").components;
    expect(Object.keys(schemas.Sites?.properties ?? {})).toEqual(Object.keys(site.json.data));
  });
});
