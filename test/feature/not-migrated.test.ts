// Tables that are edited before their migration is written: what a request says meanwhile.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("not_migrated");
});
afterAll(() => backend?.close());

// Planted: publicError without `missing` -> red, "Quote the request id".
test("a column that the database lacks is told as a missing migration, without SQL", async () => {
  const { key } = await backend.person(await backend.tenant("Harbour"), "manager");
  await backend.owner.query("alter table sites rename column address to street");
  const { status, json, text } = await backend.request("/v1/sites", { key });
  expect([status, json.error.code]).toEqual([500, "INTERNAL"]);
  expect(json.error.message).toContain("npx backwright migrate status");
  expect(text).not.toMatch(/address|street|select/);
});
