// How an order lives: who asks, who moves it on, what is promised.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Api } from "../backend.ts";
import { startWorld } from "../testing/world.ts";

const HOUR_MS = 3_600_000;
let world: Awaited<ReturnType<typeof startWorld>>;
before(async () => {
  world = await startWorld();
});
after(() => world?.backend.close());

test("a requester asks in their own name and sees only their own orders", async () => {
  const { backend, requester, manager, technician, siteId, order } = world;
  const { id } = await order("Not Rita's business");
  await manager.client<Api>().workOrders.update(id, { requesterId: technician.id });
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

test("an order moves as its states are declared, and tells what happened", async () => {
  const { backend, manager, dispatcher, technician, order } = world;
  const { id } = await order("Grease the crane");
  const path = `/v1/work-orders/${id}`;
  await backend.scenario({
    as: manager,
    request: `PATCH ${path}`,
    body: { status: "done" },
    status: 422,
    contains: ["assigned"],
    events: {},
  });
  await backend.scenario({
    as: dispatcher,
    request: `POST ${path}/assign`,
    body: { technicianId: technician.id },
    status: 200,
    events: { "workOrders.updated": 1, "workOrder.assigned": 1 },
  });
  await technician.client<Api>().workOrders.start(id);
  const done = await technician.client<Api>().workOrders.complete(id, { note: "New bearings" });
  assert.deepEqual([done.id, done.partsTaken], [id, 0]);
});

test("a technician starts only their own work, and writes no state past the actions", async () => {
  const { backend, technician, order, begun } = world;
  const { id } = await order("Paint the railing");
  const request = `POST /v1/work-orders/${id}/start`;
  await backend.scenario({ as: technician, request, status: 404, events: {} });
  await backend.scenario({
    as: technician,
    request: `PATCH /v1/work-orders/${await begun("Rust")}`,
    body: { status: "done" },
    status: 400,
    events: {},
  });
});

test("who is assigned has learned what the order asks for", async () => {
  const { backend, manager, dispatcher, technician, order } = world;
  const client = manager.client<Api>();
  const { id: skillId } = await client.skills.create({ name: "High voltage" });
  const { id } = await order("Transformer hums", { skillId });
  const assign = {
    as: dispatcher,
    request: `POST /v1/work-orders/${id}/assign`,
    body: { technicianId: technician.id },
  };
  await backend.scenario({ ...assign, status: 422, contains: ["technicianId"], events: {} });
  await client.userSkills.create({ userId: technician.id, skillId });
  await backend.scenario({ ...assign, status: 200 });
});

test("the promise counts from the report, by priority", async () => {
  const { manager, technician, order } = world;
  const client = manager.client<Api>();
  const { id, reportedAt } = await order("No light on the stairs");
  const hours = (dueAt: string | null) =>
    Math.round((Date.parse(dueAt ?? "") - Date.parse(reportedAt)) / HOUR_MS);
  const assigned = await client.workOrders.assign(id, { technicianId: technician.id });
  assert.equal(hours(assigned.dueAt), 120);
  const urgent = await client.workOrders.prioritize(id, { priority: "urgent" });
  assert.equal(hours(urgent.dueAt), 4);
});

test("the clock stands still while an order is on hold", async () => {
  const { backend, manager, technician, begun } = world;
  const id = await begun("Lift waits for a part");
  const mine = technician.client<Api>().workOrders;
  const { dueAt } = await mine.get(id);
  const held = await mine.hold(id, { reason: "The part comes on Monday" });
  assert.equal(held.dueAt, dueAt);
  await backend.sql("update work_orders set held_at = held_at - interval '3 hours' where id = $1", [
    id,
  ]);
  const again = await mine.start(id);
  assert.deepEqual([again.status, again.heldAt, again.reason], ["in_progress", null, null]);
  const later = Date.parse(again.dueAt ?? "") - Date.parse(dueAt ?? "");
  assert.equal(Math.round(later / HOUR_MS), 3);
  const both = await manager.client<Api>().workOrders.get(id);
  assert.equal(both.dueAt, again.dueAt);
});

test("a requester takes a request back until somebody works on it", async () => {
  const { backend, requester, begun, order } = world;
  const cancel = async (id: string, status: number) =>
    backend.scenario({
      as: requester,
      request: `POST /v1/work-orders/${id}/cancel`,
      body: { reason: "It works again" },
      status,
    });
  await cancel((await order("Noise")).id, 200);
  await cancel(await begun("Smell"), 422);
});

test("a closed order is reopened with a new promise, an open one is not", async () => {
  const { backend, dispatcher, technician, order } = world;
  const { id } = await order("Tap drips");
  await dispatcher.client<Api>().workOrders.assign(id, { technicianId: technician.id });
  const reopen = {
    as: dispatcher,
    request: `POST /v1/work-orders/${id}/reopen`,
    body: { reason: "It drips again" },
  };
  await backend.scenario({ ...reopen, status: 422, events: {} });
  const mine = technician.client<Api>().workOrders;
  await mine.start(id);
  await mine.complete(id, {});
  await assert.rejects(mine.complete(id, {}), { code: "INVALID_TRANSITION" });
  await backend.scenario({
    ...reopen,
    status: 200,
    contains: ['"closedAt":null', '"status":"open"'],
    events: { "workOrders.updated": 1, "workOrder.reopened": 1 },
  });
});
