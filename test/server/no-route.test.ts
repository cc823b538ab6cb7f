// An address that is nearly one of ours, as it is typed in the first minutes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("no_route");
});
afterAll(() => backend?.close());

// Planted: notFound without details -> red.
test.each([
  ["/work-orders", "/v1/work-orders"],
  ["/v1/work-order", "/v1/work-orders"],
  ["/redy", "/ready"],
])("%s is answered with the address that was meant", async (path, meant) => {
  const { status, json } = await backend.request(path);
  expect([status, json.error.code]).toEqual([404, "ROUTE_NOT_FOUND"]);
  expect(json.error.details).toEqual([
    { field: "path", message: `is not known; did you mean ${meant}?` },
  ]);
});

test.each(["/", "/favicon.ico", "/orders", "/v1/x"])("%s is like nothing here", async (path) => {
  const { status, json } = await backend.request(path);
  expect([status, json.error.details]).toEqual([404, []]);
});
