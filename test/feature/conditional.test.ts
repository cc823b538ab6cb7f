// Conditional requests and problem documents (RFC 9110 section 13, RFC 9457).
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let manager: Person;
let path: string;

beforeAll(async () => {
  backend = await startTestBackend("conditional");
  manager = await backend.person(await backend.tenant("Acme"), "manager");
  const made = await backend.request("/v1/sites", { key: manager.key, body: { name: "Yard" } });
  path = made.headers.get("location") ?? "";
});
afterAll(() => backend?.close());

const get = (address: string, headers: Readonly<Record<string, string>> = {}) =>
  backend.request(address, { key: manager.key, headers });

describe("a conditional read", () => {
  // Planted fault: the tag made of the mask alone -> the second reply after a change is 304, red.
  test.each(["record", "list"])("of a %s is 304 until something changes", async (what) => {
    const address = what === "record" ? path : "/v1/sites?sort=name";
    const first = await get(address);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(what === "record" ? /^"\d+-/ : /^W\/"/);
    const same = await get(address, { "if-none-match": `"other", ${etag}` });
    expect(same.status).toBe(304);
    expect(same.text).toBe("");
    expect(same.headers.get("etag")).toBe(etag);
    const body = { address: `Quay ${what}` };
    await backend.request(path, { key: manager.key, method: "PATCH", body });
    const changed = await get(address, { "if-none-match": etag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).not.toBe(etag);
  });

  test("is decided anew: a record that is no longer visible is 404, not 304", async () => {
    const other = await backend.person(await backend.tenant("Other"), "manager");
    const etag = (await get(path)).headers.get("etag") ?? "";
    const headers = { "if-none-match": etag };
    expect((await backend.request(path, { key: other.key, headers })).status).toBe(404);
  });

  test("of a weak tag is no precondition for a write", async () => {
    const etag = (await get("/v1/sites")).headers.get("etag") ?? "";
    const options = { key: manager.key, method: "PATCH", body: { address: "x" } };
    const refused = await backend.request(path, { ...options, headers: { "if-match": etag } });
    expect(refused.status).toBe(400);
    expect(refused.json.error.code).toBe("PRECONDITION_INVALID");
  });
});

test("an error is a problem document for who asks for one, else the envelope", async () => {
  const accept = "application/problem+json, application/json;q=0.5";
  const problem = await get("/v1/sites?colour=red", { accept });
  expect(problem.headers.get("content-type")).toContain("application/problem+json");
  expect(problem.json).toMatchObject({
    type: "urn:backwright:error:parameter-invalid",
    status: 400,
    code: "PARAMETER_INVALID",
    details: [{ field: "colour" }],
  });
  expect(problem.json.requestId).toBe(problem.headers.get("x-request-id"));
  const envelope = await get("/v1/sites?colour=red");
  expect(envelope.json.error.code).toBe("PARAMETER_INVALID");
});
