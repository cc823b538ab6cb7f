import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("first");
});
afterAll(() => backend?.close());

test("a record goes in, comes back, changes under If-Match and is listed", async () => {
  const tenantId = await backend.tenant("Acme");
  const { key, id: requesterId } = await backend.person(tenantId, "manager");
  const site = await backend.request("/v1/sites", { key, body: { name: "Yard" } });
  expect(site.status, site.text).toBe(201);
  const body = { title: "Leak", siteId: site.json.data.id, requesterId };
  const headers = { "idempotency-key": "one" };
  const made = await backend.request("/v1/work-orders", { key, body, headers });
  expect(made.status, made.text).toBe(201);
  const again = await backend.request("/v1/work-orders", { key, body, headers });
  expect(again.text).toBe(made.text);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  const path = made.headers.get("location") ?? "";
  const got = await backend.request(path, { key });
  expect(got.text).toBe(made.text);
  const etag = got.headers.get("etag") ?? "";
  const patch = { key, method: "PATCH", body: { status: "assigned" } };
  const changed = await backend.request(path, { ...patch, headers: { "if-match": etag } });
  expect(changed.status, changed.text).toBe(200);
  const stale = await backend.request(path, { ...patch, headers: { "if-match": etag } });
  expect(stale.status).toBe(412);
  const list = await backend.request("/v1/work-orders?filter[status]=assigned", { key });
  expect(list.json.data).toHaveLength(1);
  const wrong = await backend.request(path, { ...patch, body: { status: "done" } });
  expect(wrong.status, wrong.text).toBe(422);
  const audit = await backend.owner.query(
    "select operation, before, after from backwright.audit order by position",
  );
  expect(audit).toHaveLength(3);
  const events = await backend.owner.query("select * from backwright.events order by position");
  expect(events).toHaveLength(3);
});
