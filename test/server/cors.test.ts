// Pages of other origins, and compression: off, or for whom it is meant.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../src/base/settings.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let manager: Person;
const APP = "https://app.example.org";

beforeAll(async () => {
  backend = await startTestBackend("cors", { environment: { CORS_ORIGINS: APP } });
  manager = await backend.person(await backend.tenant("Acme"), "manager");
});
afterAll(() => backend?.close());

const preflight = (origin: string) =>
  backend.request("/v1/sites", {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,idempotency-key",
    },
  });

describe("cross-origin requests", () => {
  test("are allowed to the named origin, without cookies", async () => {
    const allowed = await preflight(APP);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(APP);
    expect(allowed.headers.get("access-control-allow-credentials")).toBeNull();
    expect(allowed.headers.get("access-control-allow-headers")).toContain("idempotency-key");
    const read = await backend.request("/v1/sites", { key: manager.key, headers: { origin: APP } });
    expect(read.headers.get("access-control-allow-origin")).toBe(APP);
    expect(read.headers.get("access-control-expose-headers")).toContain("etag");
    expect(read.headers.get("vary")).toMatch(/origin/i);
  });

  // Planted fault: origins compared by their end -> the second of these is allowed, red.
  test.each([
    "https://evil.example",
    "https://evilapp.example.org",
    "https://app.example.org.evil.example",
    "http://app.example.org",
    "https://APP.example.org",
    "null",
  ])("are not allowed to %s", async (origin) => {
    expect((await preflight(origin)).headers.get("access-control-allow-origin")).toBeNull();
  });

  test("are off unless origins are named, and nonsense stops the start", () => {
    expect(readSettings({}, "development").corsOrigins).toEqual([]);
    for (const wrong of ["app.example.org", "https://app.example.org/", "https://*.example.org"]) {
      expect(() => readSettings({ CORS_ORIGINS: wrong }, "development"), wrong).toThrow(
        "is not an origin",
      );
    }
  });
});

test("a large reply is compressed for who accepts it, a small one never", async () => {
  for (let at = 0; at < 12; at += 1) {
    await backend.request("/v1/categories", { key: manager.key, body: { name: `category ${at}` } });
  }
  const get = async (path: string, encoding: string) => {
    const headers = { authorization: `Bearer ${manager.key}`, "accept-encoding": encoding };
    return fetch(`${backend.url}${path}`, { headers });
  };
  const packed = await get("/v1/categories", "br");
  expect(packed.headers.get("content-encoding")).toBe("br");
  expect(packed.headers.get("vary")).toMatch(/accept-encoding/i);
  const plain = await get("/v1/categories", "identity");
  expect(plain.headers.get("content-encoding")).toBeNull();
  expect((await packed.text()).length).toBe((await plain.text()).length);
  const small = await get("/v1/categories?page[size]=1", "br, gzip");
  expect(small.headers.get("content-encoding")).toBeNull();
});
