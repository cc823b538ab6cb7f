// Check 45: what nobody may write, under every name that it could be tried by, in every operation
// that takes a body: refused with 400 and the name, and nothing changes. Which role may write which
// field is judged cell by cell in access-matrix.test.ts.
//
// Planted, each red before it was taken out again:
// - parseBody with z.object instead of z.strictObject -> every operation but actions
// - the input of an action not strict (strictInput) -> actions
// - a managed field left among the grant's fields -> id, version and the moments
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, namedFields } from "../fixtures/refusals.ts";
import {
  createOrganization,
  type Organization,
  rowCounts,
  storedRow,
  TABLES,
} from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let rival: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("assignment");
  acme = await createOrganization(backend, "Acme");
  rival = await createOrganization(backend, "Rival");
  ({ key } = acme.people.manager);
});
afterAll(() => backend?.close());

const moment = '"2020-01-01T00:00:00Z"';

/** Names and JSON values: of the inside, of Drizzle, of SQL, of other ways to write them. */
const NEVER: readonly (readonly [name: string, json: () => string])[] = [
  ["id", () => `"${randomUUID()}"`],
  ["Id", () => `"${randomUUID()}"`],
  ["ID", () => `"${randomUUID()}"`],
  ["_id", () => `"${randomUUID()}"`],
  ["id ", () => `"${randomUUID()}"`],
  ["organizationId", () => `"${rival.tenantId}"`],
  ["organization_id", () => `"${rival.tenantId}"`],
  ["OrganizationId", () => `"${rival.tenantId}"`],
  ["organization", () => `{"id":"${rival.tenantId}"}`],
  ["tenantId", () => `"${rival.tenantId}"`],
  ["tenant_id", () => `"${rival.tenantId}"`],
  ["tenant", () => `"${rival.tenantId}"`],
  ["role", () => '"manager"'],
  ["roles", () => '["manager"]'],
  ["isAdmin", () => "true"],
  ["claims", () => '{"teamIds":[]}'],
  ["actor", () => `"${rival.people.manager.id}"`],
  ["createdBy", () => `"${rival.people.manager.id}"`],
  ["createdAt", () => moment],
  ["created_at", () => moment],
  ["updatedAt", () => moment],
  ["deletedAt", () => moment],
  ["version", () => "99"],
  ["Version", () => "99"],
  ["sequence", () => "99"],
  ["requesterid", () => `"${rival.people.manager.id}"`],
  ["requester_id", () => `"${rival.people.manager.id}"`],
  ["requester", () => `{"id":"${rival.people.manager.id}"}`],
  ["site", () => '{"name":"Nested","isPublic":true}'],
  ["site.name", () => '"Dotted"'],
  ["site[name]", () => '"Bracketed"'],
  ["site/name", () => '"Slashed"'],
  ["members", () => "[]"],
  ["fields", () => '{"title":"Enveloped"}'],
  ["data", () => '{"title":"Enveloped"}'],
  ["attributes", () => '{"title":"Enveloped"}'],
  ["$set", () => '{"title":"Operated"}'],
  ["op", () => '"replace"'],
  ["__proto__", () => '{"title":"Polluted"}'],
  ["constructor", () => '{"prototype":{"title":"Polluted"}}'],
  ["prototype", () => '{"title":"Polluted"}'],
  ["toString", () => '"x"'],
  ["hasOwnProperty", () => "true"],
  ["", () => '"x"'],
  ["title\u200b", () => '"x"'],
];

async function send(method: string, path: string, json: string): Promise<Reply> {
  const reply = await fetch(`${backend.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: json,
  });
  const text = await reply.text();
  return { status: reply.status, headers: reply.headers, text, json: JSON.parse(text) };
}

interface Way {
  readonly method: string;
  readonly path: () => string;
  /** The whole body, around members that are allowed and one that is not. */
  readonly body: (member: string) => string;
  /** What stands before the field's name in a refusal. */
  readonly at?: string;
  /** Names that mean something else here. */
  readonly allowed?: readonly string[];
}

const leak = (): string => `/v1/work-orders/${acme.rows["work-orders"].leak}`;
const made = (): string =>
  `"title":"Made","siteId":"${acme.rows.sites.yard}","requesterId":"${acme.people.manager.id}"`;
const one = (): string => `"id":"${acme.rows["work-orders"].leak}"`;

const WAYS: Readonly<Record<string, Way>> = {
  create: {
    method: "POST",
    path: () => "/v1/work-orders",
    body: (member) => `{${made()},${member}}`,
  },
  update: {
    method: "PATCH",
    path: leak,
    body: (member) => `{"description":"Changed",${member}}`,
  },
  upsert: {
    method: "PUT",
    path: () => "/v1/work-orders?by=externalId",
    body: (member) => `{"externalId":"${randomUUID()}",${made()},${member}}`,
  },
  "bulk create": {
    method: "POST",
    path: () => "/v1/work-orders/bulk-create",
    body: (member) => `{"atomic":true,"records":[{${made()},${member}}]}`,
    at: "records[0].",
  },
  "bulk update": {
    method: "POST",
    path: () => "/v1/work-orders/bulk-update",
    body: (member) => `{"atomic":true,"records":[{${one()},"description":"Changed",${member}}]}`,
    at: "records[0].",
    allowed: ["id", "version"],
  },
  "bulk delete": {
    method: "POST",
    path: () => "/v1/work-orders/bulk-delete",
    body: (member) => `{"atomic":true,"records":[{${one()},${member}}]}`,
    at: "records[0].",
    allowed: ["id", "version"],
  },
  "the envelope of bulk": {
    method: "POST",
    path: () => "/v1/work-orders/bulk-update",
    body: (member) => `{"records":[{${one()},"description":"Changed"}],${member}}`,
  },
  "an action with input": {
    method: "POST",
    path: () => `${leak()}/assign`,
    body: (member) => `{"technicianId":"${acme.people.technician.id}",${member}}`,
  },
  "an action without input": {
    method: "POST",
    path: () => `${leak()}/start`,
    body: (member) => `{${member}}`,
  },
};

describe.each(Object.entries(WAYS))(
  "%s",
  (_name, { method, path, body, at = "", allowed = [] }) => {
    test.each(NEVER.filter(([name]) => !allowed.includes(name)))(
      "refuses %j by its name, and changes nothing",
      async (name, json) => {
        const id = acme.rows["work-orders"].leak ?? "";
        const stored = await storedRow(backend, "work_orders", id);
        const before = await rowCounts(backend, Object.values(TABLES));
        const reply = await send(method, path(), body(`${JSON.stringify(name)}:${json()}`));
        expect([reply.status, reply.json.error.code]).toEqual([400, "VALIDATION_ERROR"]);
        expect(namedFields(reply), reply.text).toContain(`${at}${name}`);
        expect(await storedRow(backend, "work_orders", id)).toEqual(stored);
        expect(await rowCounts(backend, Object.values(TABLES))).toEqual(before);
      },
    );
  },
);

test("neither a header nor the query writes a field", async () => {
  const body = { name: "Plain" };
  const headers = {
    "x-tenant-id": rival.tenantId,
    "x-organization-id": rival.tenantId,
    "x-user-id": rival.people.manager.id,
    "x-role": "manager",
    id: randomUUID(),
    version: "99",
  };
  const reply = await backend.request("/v1/sites", { key, body, headers });
  expect(reply.status, reply.text).toBe(201);
  expect(reply.json.data.version).toBe(1);
  const stored = await storedRow(backend, "sites", reply.json.data.id);
  expect(stored?.organization_id).toBe(acme.tenantId);
  for (const query of [`id=${randomUUID()}`, `organizationId=${rival.tenantId}`, "version=9"]) {
    const other = await backend.request(`/v1/sites?${query}`, { key, body: { name: query } });
    expectRefusal(other, 400, "PARAMETER_INVALID", "query");
  }
});
