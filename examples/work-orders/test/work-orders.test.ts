// The rules of the domain, tried on the real backend with a database of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestBackend, type TestActor, type TestBackend } from "backwright/testing";
import type { Api } from "../backend.ts";

let backend: TestBackend;
let manager: TestActor;
let technician: TestActor;
let requester: TestActor;
let siteId: string;

before(async () => {
  backend = await startTestBackend({ project: `${import.meta.dirname}/..` });
  const tenantId = await backend.tenant({ name: "Harbour" });
  manager = await backend.actor({ tenantId, role: "manager" });
  technician = await person("technician", "Tove");
  requester = await person("requester", "Rita");
  siteId = (await manager.client<Api>().sites.create({ name: "Pier 1" })).id;
});

after(() => backend?.close());

/** Somebody who has a row of their own, so that work orders can name them. */
async function person(role: string, name: string): Promise<TestActor> {
  const email = `${name.toLowerCase()}@example.org`;
  const { id } = await manager.client<Api>().users.create({ name, email });
  return backend.actor({ tenantId: manager.tenantId, role, id });
}

const order = (title: string) =>
  manager.client<Api>().workOrders.create({ title, siteId, requesterId: requester.id });

test("a requester asks in their own name and sees only their own orders", async () => {
  await order("Not Rita's business").then(async ({ id }) => {
    await manager.client<Api>().workOrders.update(id, { requesterId: technician.id });
  });
  await backend.scenario({
    as: requester,
    request: "POST /v1/work-orders",
    body: { title: "The lamp is broken", siteId },
    status: 201,
    contains: [requester.id],
    lacks: ["internalNotes"],
    events: { "workOrders.created": 1 },
  });
  const { data } = await requester.client<Api>().workOrders.list();
  assert.ok(data.every(({ requesterId }) => requesterId === requester.id));
});

test("an order moves as its states are declared", async () => {
  const { id } = await order("Grease the crane");
  await backend.scenario({
    as: manager,
    request: `PATCH /v1/work-orders/${id}`,
    body: { status: "done" },
    status: 422,
    contains: ["assigned"],
    events: {},
  });
  await manager.client<Api>().workOrders.assign(id, { technicianId: technician.id });
  await technician.client<Api>().workOrders.start(id);
  const done = await technician.client<Api>().workOrders.complete(id, { note: "New bearings" });
  assert.equal(done.id, id);
});

test("a technician does not start the work of somebody else", async () => {
  const { id } = await order("Paint the railing");
  const request = `POST /v1/work-orders/${id}/start`;
  await backend.scenario({ as: technician, request, status: 404, events: {} });
});
