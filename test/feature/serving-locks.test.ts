// Requests while a migration holds its lock: late or refused for the moment, never a failure.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

const WAIT = { timeout: 5_000 };
let backend: TestBackend;
beforeAll(async () => {
  const environment = { DATABASE_STATEMENT_TIMEOUT: "400" };
  backend = await startTestBackend("serving_locks", { environment });
});
afterAll(() => backend?.close());

// A statement that waits for the lock while it is parsed fails, and with it every neighbour that
// used the name it should have got. Planted fault: "stale" left to INTERNAL -> 500, red.
test("a lock of a migration makes requests 503, and nothing is wrong afterwards", async () => {
  const tenantId = await backend.tenant("Locked");
  const { key } = await backend.person(tenantId, "manager");
  const site = await backend.request("/v1/sites", { key, body: { name: "Yard" } });
  const id = String(site.json.data.id);
  const path = `/v1/sites/${id}`;
  // Asked once before, so that the next time gives the statement a name.
  expect((await backend.request(path, { key })).status).toBe(200);
  await backend.owner.query("begin");
  await backend.owner.query("alter table sites add column added text");
  const replies = await Promise.all(
    Array.from({ length: 60 }, () => backend.request(path, { key })),
  );
  const patch = { key, method: "PATCH", body: { name: "Other" } };
  const changed = await backend.request(path, patch);
  await backend.owner.query("commit");
  const statuses = new Set([...replies, changed].map(({ status }) => status));
  expect([...statuses]).toEqual([503]);
  for (const { headers } of replies) expect(headers.get("retry-after")).toMatch(/^\d+$/);
  await expect.poll(async () => (await backend.request(path, { key })).status, WAIT).toBe(200);
  await expect.poll(async () => (await backend.request(path, patch)).status, WAIT).toBe(200);
});
