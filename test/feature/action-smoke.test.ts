import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
beforeAll(async () => {
  backend = await startTestBackend("smoke");
  acme = await createOrganization(backend, "Acme");
});
afterAll(() => backend?.close());
test("smoke", async () => {
  const { manager, technician } = acme.people;
  const path = `/v1/work-orders/${acme.rows["work-orders"].door}`;
  const headers = { "idempotency-key": "a" };
  const body = { technicianId: technician.id };
  const done = await backend.request(`${path}/assign`, { key: manager.key, body, headers });
  console.log(done.status, done.text, backend.log.filter(l=>l.level==="error"));
  const again = await backend.request(`${path}/assign`, { key: manager.key, body, headers });
  console.log(again.status, again.text === done.text, again.headers.get("idempotency-replayed"), backend.log.filter(l=>l.level==="error"));
  const start = await backend.request(`${path}/start`, { key: technician.key, method: "POST", headers });
  console.log(start.status, start.text);
  const complete = await backend.request(`${path}/complete`, { key: technician.key, body: {note: "x"}, headers });
  console.log(complete.status, complete.text);
  console.log(await backend.owner.query("select type, sequence, position, fields, record from backwright.events where key=$1 order by position", [acme.rows["work-orders"].door]));
  console.log(await backend.owner.query("select operation, before, after from backwright.audit where record_id=$1 order by position", [acme.rows["work-orders"].door]));
  expect(1).toBe(1);
});
