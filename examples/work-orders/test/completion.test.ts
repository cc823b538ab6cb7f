// What has to be true before an order is done, and what leaves the shelf with it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Api } from "../backend.ts";
import { startWorld } from "../testing/world.ts";

let world: Awaited<ReturnType<typeof startWorld>>;
before(async () => {
  world = await startWorld();
});
after(() => world?.backend.close());

const part = (sku: string, stock: number) =>
  world.manager.client<Api>().parts.create({ sku, name: sku, stock, unitCost: "2.50" });
const stockOf = async (id: string) => (await world.manager.client<Api>().parts.get(id)).stock;
const completed = (id: string) => world.technician.client<Api>().workOrders.complete(id, {});

/** An order that is begun and needs so many of the part. */
async function orderWith(partId: string, quantity: number): Promise<string> {
  const workOrderId = await world.begun(`Needs ${quantity}`);
  await world.technician.client<Api>().partsUsed.create({ workOrderId, partId, quantity });
  return workOrderId;
}

test("an order is done when its list is ticked off", async () => {
  const { manager, technician, begun } = world;
  const id = await begun("Inspect the crane");
  const { checklistItems } = manager.client<Api>();
  const hook = { workOrderId: id, position: 1, text: "Look at the hook" };
  const rope = { workOrderId: id, position: 2, text: "Look at the rope" };
  const [first, second] = [await checklistItems.create(hook), await checklistItems.create(rope)];
  const mine = technician.client<Api>();
  await mine.checklistItems.update(first.id, { isDone: true });
  await assert.rejects(completed(id), { message: /Look at the rope/ });
  await mine.checklistItems.update(second.id, { isDone: true });
  assert.equal((await completed(id)).id, id);
});

test("its parts leave the shelf at the price of the day, in the technician's name", async () => {
  const { backend, technician } = world;
  const { id: partId } = await part("SEAL", 10);
  const id = await orderWith(partId, 3);
  assert.equal((await completed(id)).partsTaken, 3);
  assert.equal(await stockOf(partId), 7);
  const order = await technician.client<Api>().workOrders.get(id, { include: { parts: true } });
  const [line] = order.parts.data;
  assert.deepEqual([line?.taken, line?.cost], [3, "7.50"]);
  const [entry] = await backend.sql<{ actor: string }>(
    "select actor from backwright.audit where record_id = $1 order by position desc limit 1",
    [partId],
  );
  assert.equal(entry?.actor, technician.id);
});

test("nothing is taken for an order that is not done, nor twice for one done twice", async () => {
  const { dispatcher, manager, technician } = world;
  const { id: partId } = await part("BELT", 5);
  const id = await orderWith(partId, 2);
  const item = { workOrderId: id, position: 1, text: "Stop the motor" };
  const { id: itemId } = await manager.client<Api>().checklistItems.create(item);
  await assert.rejects(completed(id), { code: "UNPROCESSABLE" });
  assert.equal(await stockOf(partId), 5);
  await manager.client<Api>().checklistItems.update(itemId, { isDone: true });
  await completed(id);
  const plan = dispatcher.client<Api>().workOrders;
  await plan.reopen(id, { reason: "Squeaks" });
  await plan.assign(id, { technicianId: technician.id });
  await technician.client<Api>().workOrders.start(id);
  assert.equal((await completed(id)).partsTaken, 0);
  assert.equal(await stockOf(partId), 3);
});

// Planted: the rows of the parts not locked -> both orders take the same two.
test("of two that complete at once and need the last parts, one gets them", async () => {
  const { id: partId } = await part("PUMP", 3);
  const orders = [await orderWith(partId, 2), await orderWith(partId, 2)];
  const results = await Promise.allSettled(orders.map(completed));
  const refused = results.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 1);
  assert.match(String((refused[0] as PromiseRejectedResult).reason), /PUMP: 2 needed, 1 in stock/);
  assert.equal(await stockOf(partId), 1);
});

test("the stock is never below zero, whatever is written", async () => {
  const { backend, manager } = world;
  const { id } = await part("LAMP", 1);
  await backend.scenario({
    as: manager,
    request: `PATCH /v1/parts/${id}`,
    body: { stock: -1 },
    status: 422,
    contains: ["stock"],
    events: {},
  });
  await assert.rejects(backend.sql("update parts set stock = -1 where id = $1", [id]));
});
