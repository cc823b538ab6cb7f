// Every way to fail over HTTP has the same problem document (RFC 9457) for who asks for one, and
// says what is allowed where that is known.
//
// Planted faults, each red before it was taken out again:
// - the status of the catalogue entry replaced by 400 in the document -> documents
// - HEAD left out of Allow -> 405
// - /health and /ready unknown to 405 -> 405
// - only the first field of a constraint told -> rules over several fields
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { type Kernel, startKernel } from "../server/kernel.ts";
import { exchange, requestText } from "../server/raw-http.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

const PROBLEM = "application/problem+json";
const PROBLEM_TYPE = `${PROBLEM}; charset=utf-8`;
const ID = "01890a5d-ac96-774b-bcce-b302099a8057";

let backend: TestBackend;
let acme: Organization;
let key: string;
let kernel: Kernel;
beforeAll(async () => {
  backend = await startTestBackend("problems");
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
  kernel = await startKernel();
});
afterAll(async () => {
  await kernel?.server.drain(1_000);
  await backend?.close();
});

interface Case {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly anonymous?: true;
}

const CASES: readonly (readonly [status: number, code: string, one: Case])[] = [
  [400, "PARAMETER_INVALID", { path: "/v1/sites?nothing=1" }],
  [400, "VALIDATION_ERROR", { path: "/v1/sites", body: {} }],
  [400, "REQUEST_INVALID", { path: "/v1/sites/%zz" }],
  [401, "UNAUTHENTICATED", { path: "/v1/sites", anonymous: true }],
  [401, "UNAUTHENTICATED", { path: "/openapi.json", anonymous: true }],
  [404, "NOT_FOUND", { path: `/v1/sites/${ID}` }],
  [404, "ROUTE_NOT_FOUND", { path: "/v1/nothing" }],
  [404, "ROUTE_NOT_FOUND", { path: "/nothing", anonymous: true }],
  [405, "METHOD_NOT_ALLOWED", { path: "/v1/sites", method: "DELETE" }],
  [405, "METHOD_NOT_ALLOWED", { path: "/health", method: "POST" }],
  [413, "BODY_TOO_LARGE", { path: "/v1/sites", body: { name: "x".repeat(1_100_000) } }],
  [414, "URI_TOO_LONG", { path: `/v1/sites?${"x".repeat(9_000)}` }],
  [
    415,
    "UNSUPPORTED_MEDIA_TYPE",
    { path: "/v1/sites", body: {}, headers: { "content-type": "text/plain" } },
  ],
  [422, "INVALID_REFERENCE", { path: "/v1/assets", body: { name: "Pump", siteId: ID } }],
];

describe("a problem document", () => {
  test.each(CASES)("is the reply with %i %s for who asks for one", async (status, code, one) => {
    const { path, anonymous, ...rest } = one;
    const headers = { accept: PROBLEM, ...one.headers };
    const who = anonymous === true ? {} : { key };
    const reply = await backend.request(path, { ...rest, ...who, headers });
    expect([reply.status, reply.headers.get("content-type")]).toEqual([status, PROBLEM_TYPE]);
    const { json } = reply;
    const members = ["type", "title", "status", "detail", "code", "details", "requestId"];
    expect(Object.keys(json)).toEqual(members);
    expect([json.status, json.code]).toEqual([status, code]);
    expect(json.type).toBe(`urn:backwright:error:${code.toLowerCase().replaceAll("_", "-")}`);
    expect(json.requestId).toBe(reply.headers.get("x-request-id"));
    expect(reply.headers.get("cache-control")).toBe("no-store");
    const plain = await backend.request(path, { ...rest, ...who, headers: one.headers ?? {} });
    expect(plain.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(plain.json.error).toMatchObject({ code, message: json.detail, details: json.details });
  });

  test("is the reply of a bug and of an outage, too; not of what is no HTTP yet", async () => {
    const headers = { accept: PROBLEM };
    for (const [path, status] of [
      ["/v1/bug", 500],
      ["/v1/down", 503],
    ] as const) {
      const reply = await fetch(`${kernel.url}${path}`, { headers });
      expect([reply.status, reply.headers.get("content-type")]).toEqual([status, PROBLEM_TYPE]);
      expect(await reply.json()).toMatchObject({ status });
    }
    // Its headers were never read to the end, so nobody knows what it accepts.
    const large = { ...headers, "x-a": "x".repeat(5_000) };
    const reply = await exchange(kernel.url, requestText({ path: "/", headers: large }));
    expect(reply.status).toBe(431);
    expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });
});

test.each([
  ["/v1/sites", "DELETE", "GET, HEAD, POST, PUT"],
  [`/v1/sites/${ID}`, "POST", "DELETE, GET, HEAD, PATCH"],
  [`/v1/work-orders/${ID}/assign`, "GET", "POST"],
  ["/v1/work-orders/bulk-create", "PUT", "DELETE, GET, HEAD, PATCH, POST"],
  ["/openapi.json", "POST", "GET, HEAD"],
  ["/docs", "POST", "GET, HEAD"],
  ["/health", "DELETE", "GET, HEAD"],
  ["/ready", "PATCH", "GET, HEAD"],
])("405 on %s says which methods there are, HEAD among them", async (path, method, allow) => {
  const reply = await backend.request(path, { method });
  expect([reply.status, reply.json.error.code]).toEqual([405, "METHOD_NOT_ALLOWED"]);
  expect(reply.headers.get("allow")?.split(", ").toSorted().join(", ")).toBe(allow);
  for (const one of allow.split(", ").filter((name) => name !== "HEAD")) {
    const found = await backend.request(path, { method: one });
    expect([one, found.status === 405]).toEqual([one, false]);
  }
});

test("a rule over several fields is told with all of them", async () => {
  await backend.owner.query(
    "alter table work_orders add constraint in_order " +
      "check (due_at is null or due_at > reported_at)",
  );
  await backend.reload();
  const body = {
    title: "Leak",
    siteId: acme.rows.sites.yard,
    requesterId: acme.people.requester.id,
    reportedAt: "2027-01-02T00:00:00Z",
    dueAt: "2027-01-01T00:00:00Z",
  };
  const reply = await backend.request("/v1/work-orders", { key, body });
  expect([reply.status, reply.json.error.code]).toEqual([422, "UNPROCESSABLE"]);
  const message = "breaks a rule of the data";
  expect(reply.json.error.details).toEqual([
    { field: "reportedAt", message },
    { field: "dueAt", message },
  ]);
});
