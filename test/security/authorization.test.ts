// Check 43: every route that is registered × every kind of caller, against a table written by hand
// (route-matrix.ts). A route without a row fails; so does a row without a route. Rows and fields of
// each role are judged in depth by access-matrix, access-fields and access-actions.
//
// Planted, each red before it was taken out again:
// - a route more in restRoutes -> every route has a row
// - the upsert decided as a create alone -> PUT of the dispatcher on sites
// - decideAction finds every action -> cells of the actions
// - a scheme other than Bearer taken for one -> outsiders
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Documents } from "../../src/rest/documents.ts";
import { restRoutes } from "../../src/rest/routes.ts";
import {
  createOrganization,
  type Organization,
  type Role,
  rowCounts,
  TABLES,
} from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";
import { CALLERS, type Caller, STATUSES } from "./route-matrix.ts";

let backend: TestBackend;
let acme: Organization;
let rival: Organization;
let routes: readonly string[];
const keys = {} as Record<Caller, string>;
const outsiders: Record<string, Readonly<Record<string, string>>> = {};
beforeAll(async () => {
  backend = await startTestBackend("authorization");
  acme = await createOrganization(backend, "Acme");
  rival = await createOrganization(backend, "Rival");
  routes = restRoutes({
    contexts: [backend.context],
    authenticator: backend.authenticator,
    documents: new Documents(backend.context.model, {}),
  }).map(({ method, path }) => `${method} ${path}`);
  for (const of of [acme, rival]) await makeSpares(of);
  await backend.owner.query("update checklist_items set is_done = true");
  for (const role of CALLERS.slice(0, 5) as Role[]) keys[role] = acme.people[role].key;
  keys["a peer"] = (await backend.person(acme.tenantId, "technician")).key;
  keys["a foreign manager"] = rival.people.manager.key;
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  outsiders.nobody = {};
  outsiders["another scheme"] = { authorization: `Basic ${keys.manager}` };
  outsiders["a key in another header"] = { "x-api-key": keys.manager };
  outsiders["a key that nobody has"] = bearer(`${keys.manager.slice(0, -2)}AA`);
  for (const [name, set] of Object.entries({
    "an expired key": "expires_at = now() - interval '1 s'",
    "a revoked key": "revoked_at = now()",
    "a key of a role that is gone": "role = 'emperor'",
    "a key of a tenant that is gone": "tenant_id = gen_random_uuid()",
  })) {
    const { key, id } = await backend.person(acme.tenantId, "manager");
    outsiders[name] = bearer(key);
    await backend.owner.query(`update backwright.api_keys set ${set} where subject = $1`, [id]);
  }
});
afterAll(() => backend?.close());

test("every route has a row in the table, and every row a route", () => {
  expect(routes.toSorted()).toEqual(Object.keys(STATUSES).toSorted());
});

/* ---------- what is asked of a route ---------- */

let serial = 0;
const unique = (): string => {
  serial += 1;
  return `Value ${serial}`;
};

/** What a caller of an organization sends to make a record of a resource. */
function newRecord(resource: string, of: Organization, role: string): Record<string, unknown> {
  if (resource === "users") return { name: unique(), email: `${unique()}@example.org` };
  if (resource === "assets") return { name: unique(), siteId: of.rows.sites.yard };
  const detail = DETAILED[resource]?.(of);
  if (detail !== undefined) {
    // Managers say whose it is; of the others it is always their own.
    const isManager = /manager/.test(role);
    if (resource === "comments" && isManager) detail.authorId = of.people.technician.id;
    if (resource === "meter-readings" && isManager) detail.readerId = of.people.technician.id;
    return detail;
  }
  if (resource !== "work-orders") return { name: unique() };
  const asker = role === "requester" ? {} : { requesterId: of.people.requester.id };
  return { title: unique(), siteId: of.rows.sites.yard, ...asker };
}

type Details = Readonly<Record<string, (of: Organization) => Record<string, unknown>>>;
const DETAILED: Details = {
  comments: (of) => ({ workOrderId: of.rows["work-orders"].leak, body: unique() }),
  "checklist-items": (of) => ({
    workOrderId: of.rows["work-orders"].leak,
    position: 1,
    text: unique(),
  }),
  parts: () => ({ sku: unique(), name: unique() }),
  "parts-used": (of) => ({
    workOrderId: of.rows["work-orders"].leak,
    partId: spare("parts", of),
    quantity: 1,
  }),
  meters: (of) => ({ assetId: of.rows.assets.pump, name: unique(), unit: "h" }),
  "meter-readings": (of) => ({ meterId: of.rows.meters.pump, value: 1, readAt: instant() }),
  schedules: (of) => ({
    assetId: of.rows.assets.pump,
    title: unique(),
    intervalDays: 7,
    nextDueOn: "2027-01-31",
  }),
  "user-skills": (of) => ({ userId: of.people.technician.id, skillId: spare("skills", of) }),
};

/** Parts and skills that nothing refers to yet, each for one record. */
const spares = { parts: new Map<string, string[]>(), skills: new Map<string, string[]>() };
const spare = (kind: keyof typeof spares, { tenantId }: Organization): string =>
  spares[kind].get(tenantId)?.pop() ?? "";

async function makeSpares(of: Organization): Promise<void> {
  for (const kind of ["parts", "skills"] as const) {
    const records = Array.from({ length: 150 }, () =>
      kind === "parts" ? { sku: unique(), name: "Spare" } : { name: unique() },
    );
    const path = `/v1/${kind}/bulk-create`;
    const made = await backend.request(path, { key: of.people.manager.key, body: { records } });
    const ids = made.json.data.map((one: { data: { id: string } }) => one.data.id);
    spares[kind].set(of.tenantId, ids);
  }
}
/** Another one every time. */
const instant = (): string => {
  serial += 1;
  return new Date(Date.UTC(2026, 0, 1) + serial * 1_000).toISOString();
};

const CHANGES: Readonly<Record<string, () => object>> = {
  "work-orders": () => ({ description: unique() }),
  assets: () => ({ serialNumber: unique() }),
  sites: () => ({ address: unique() }),
  categories: () => ({ name: unique() }),
  teams: () => ({ name: unique() }),
  users: () => ({ phone: unique() }),
  comments: () => ({ body: unique() }),
  "checklist-items": () => ({ isDone: true }),
  parts: () => ({ stock: 7 }),
  "parts-used": () => ({ quantity: 7 }),
  meters: () => ({ unit: "kWh" }),
  "meter-readings": () => ({ value: 7 }),
  schedules: () => ({ nextDueOn: "2027-02-28" }),
  skills: () => ({ name: unique() }),
  "user-skills": () => ({ skillId: spare("skills", acme) }),
};
/** The keys to upsert by, where it is not the name. */
const KEYS: Readonly<Record<string, string>> = {
  "work-orders": "externalId",
  users: "email",
  parts: "sku",
  "parts-used": "workOrderId,partId",
  meters: "assetId,name",
  "meter-readings": "meterId,readAt",
  "user-skills": "userId,skillId",
};
const reason = "Said by hand";
const INPUTS: Readonly<Record<string, (of: Organization) => object>> = {
  assign: (of) => ({ technicianId: of.people.technician.id }),
  prioritize: () => ({ priority: "high" }),
  hold: () => ({ reason }),
  cancel: () => ({ reason }),
  reopen: () => ({ reason }),
  "add-member": (of) => ({ userId: of.people.viewer.id }),
  "remove-member": (of) => ({ userId: of.people.viewer.id }),
};

/** A record of Acme that no other cell has met. */
async function freshRecord(resource: string, action: string | undefined): Promise<string> {
  const body = newRecord(resource, acme, "manager");
  if (resource === "sites") body.isPublic = true;
  if (resource === "work-orders") {
    const before = { start: "assigned", complete: "in_progress", reopen: "done" };
    const status = before[action as keyof typeof before];
    Object.assign(body, { assigneeId: acme.people.technician.id, ...(status && { status }) });
  }
  const made = await backend.request(`/v1/${resource}`, { key: keys.manager, body });
  expect(made.status, made.text).toBe(201);
  const { id } = made.json.data;
  if (action === "restore") {
    await backend.request(`/v1/${resource}/${id}`, { key: keys.manager, method: "DELETE" });
  }
  return id;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** The request of a cell, on a record that is its own. */
async function requestOf(route: string, caller: Caller | "nobody"): Promise<Asked> {
  const [method = "", path = ""] = route.split(" ");
  const [, , resource = "", second, action] = path.split("/");
  const own = caller === "a foreign manager" ? rival : acme;
  const record = () => newRecord(resource, own, caller);
  if (path.endsWith("/openapi.json") || (method === "GET" && second === undefined)) {
    return { method, path };
  }
  if (second === "aggregate") return { method, path: `${path}?count=true` };
  if (resource === "batch") {
    const id = await freshRecord("work-orders", undefined);
    return { method, path, body: { operations: [{ operation: "workOrders.get", id }] } };
  }
  if (method === "PUT") {
    const body = record();
    if (resource === "work-orders") body.externalId = unique();
    return { method, path: `${path}?by=${KEYS[resource] ?? "name"}`, body };
  }
  if (method === "POST" && second === undefined) return { method, path, body: record() };
  if (second === "bulk-create") return { method, path, body: { records: [record()] } };
  const id = await freshRecord(resource, action);
  const change = CHANGES[resource]?.() ?? {};
  const atomic = true; // So that the one record's refusal is the reply's.
  if (second === "bulk-update")
    return { method, path, body: { atomic, records: [{ id, ...change }] } };
  if (second === "bulk-delete") return { method, path, body: { atomic, records: [{ id }] } };
  const at = path.replace(":id", id);
  if (method === "PATCH") return { method, path: at, body: change };
  const input = INPUTS[action ?? ""]?.(own) ?? {};
  return method === "POST" ? { method, path: at, body: input } : { method, path: at };
}

const everything = (): Promise<Record<string, number>> => rowCounts(backend, Object.values(TABLES));

/* ---------- the cells ---------- */

describe.each(Object.entries(STATUSES))("%s", (route, statuses) => {
  const expected = statuses.split(" ").map(Number);

  test.each(CALLERS.map((caller, at) => [caller, expected[at] ?? 0] as const))(
    "answers %s %i",
    async (caller, status) => {
      const { path, ...options } = await requestOf(route, caller);
      const before = await everything();
      const reply = await backend.request(path, { ...options, key: keys[caller] });
      expect(reply.status, reply.text).toBe(status);
      if (status >= 400) expect(await everything()).toEqual(before);
      expectNothingForeign(reply, caller);
    },
  );

  test("answers 401 to whoever has no living key, and does nothing", async () => {
    const { path, ...options } = await requestOf(route, "nobody");
    const before = await everything();
    for (const [name, headers] of Object.entries(outsiders)) {
      const reply = await backend.request(path, { ...options, headers });
      expect(reply.status, `${name}: ${reply.text}`).toBe(401);
    }
    const wrong = await backend.request(path.replace(/[0-9a-f-]{36}/, randomUUID()), options);
    expect(wrong.status).toBe(401);
    expect(await everything()).toEqual(before);
  });
});

/** The notes of the two organizations carry their names. */
function expectNothingForeign(reply: Reply, caller: Caller): void {
  const other = caller === "a foreign manager" ? "Acme" : "Rival";
  expect(reply.text).not.toContain(`${other}: not for requesters`);
  const id = caller === "a foreign manager" ? acme.tenantId : rival.tenantId;
  expect(reply.text).not.toContain(id);
}
