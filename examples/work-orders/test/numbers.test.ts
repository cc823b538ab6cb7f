// The numbers by which people call their orders: 1, 2, 3 … in each organization.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Api } from "../backend.ts";
import { startWorld } from "../testing/world.ts";

let world: Awaited<ReturnType<typeof startWorld>>;
before(async () => {
  world = await startWorld();
});
after(() => world?.backend.close());

// Planted: max(number) + 1 instead of the counter -> two of one number, 409.
test("orders that are made at once have numbers without a gap and without a double", async () => {
  const made = await Promise.all(Array.from({ length: 12 }, (_, at) => world.order(`Job ${at}`)));
  const numbers = made.map(({ number }) => number).sort((a, b) => a - b);
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test("an order that is refused takes no number", async () => {
  const nobody = { requesterId: "01890a5d-ac96-774b-bcce-b302099a8057" };
  await assert.rejects(world.order("For nobody", nobody), { code: "INVALID_REFERENCE" });
  assert.equal((await world.order("The next one")).number, 13);
});

test("several orders of one request are numbered in their order", async () => {
  const { manager, requester, siteId } = world;
  const bodies = ["a", "b", "c"].map((title) => ({ title, siteId, requesterId: requester.id }));
  const { data } = await manager.client<Api>().workOrders.bulkCreate(bodies, { atomic: true });
  assert.deepEqual(
    data.map((one) => "data" in one && one.data?.number),
    [14, 15, 16],
  );
});

test("every organization has its own first order", async () => {
  const { backend } = world;
  const tenantId = await backend.tenant({ name: "Hospital" });
  const setUp = await backend.actor({ tenantId, role: "manager" });
  const client = setUp.client<Api>();
  const person = await client.users.create({ name: "Maeve", email: "maeve@example.org" });
  const { id: siteId } = await client.sites.create({ name: "Main building" });
  const order = await client.workOrders.create({ title: "Door", siteId, requesterId: person.id });
  assert.equal(order.number, 1);
});

test("nobody writes a number", async () => {
  const { backend, manager, requester, siteId } = world;
  const body = { title: "Mine is 1", siteId, requesterId: requester.id, number: 1 };
  const request = "POST /v1/work-orders";
  await backend.scenario({ as: manager, request, body, status: 400, contains: ["number"] });
});
