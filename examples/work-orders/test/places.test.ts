// The tree of assets, what their meters show, what is due again, and who says what about it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Api } from "../backend.ts";
import { startWorld } from "../testing/world.ts";

let world: Awaited<ReturnType<typeof startWorld>>;
before(async () => {
  world = await startWorld();
});
after(() => world?.backend.close());

const asset = (name: string, parentId: string | null = null) =>
  world.manager.client<Api>().assets.create({ name, siteId: world.siteId, parentId });

test("an asset has parts, and none is a part of itself", async () => {
  const client = world.manager.client<Api>();
  const { id } = await asset("Crane");
  await asset("Hook", id);
  await asset("Motor", id);
  const crane = await client.assets.get(id, { include: { children: { fields: ["name"] } } });
  assert.deepEqual(
    crane.children.data.map(({ name }) => name),
    ["Motor", "Hook"],
  );
  await assert.rejects(client.assets.update(id, { parentId: id }), { code: "UNPROCESSABLE" });
});

test("a technician reads a meter in their own name, once an instant", async () => {
  const { manager, technician } = world;
  const { id: assetId } = await asset("Chiller");
  const meter = { assetId, name: "Hours", unit: "h" };
  const { id: meterId } = await manager.client<Api>().meters.create(meter);
  const readings = technician.client<Api>().meterReadings;
  const readAt = "2026-11-02T08:00:00Z";
  const made = await readings.create({ meterId, value: 120.5, readAt });
  assert.equal(made.readerId, technician.id);
  await readings.create({ meterId, value: 168, readAt: "2026-11-09T08:00:00Z" });
  await assert.rejects(readings.create({ meterId, value: 121, readAt }), { code: "CONFLICT" });
  const { data } = await readings.aggregate({
    filter: { meterId },
    min: ["value"],
    max: ["value"],
  });
  assert.deepEqual([data[0]?.min.value, data[0]?.max.value], [120.5, 168]);
});

test("a schedule makes the order that is due and moves on by its interval", async () => {
  const { manager, dispatcher } = world;
  const client = manager.client<Api>();
  const { id: assetId } = await asset("Boiler");
  const plan = { assetId, title: "Test the valve", intervalDays: 30, nextDueOn: "2027-01-31" };
  const { id } = await client.schedules.create(plan);
  const issued = await dispatcher.client<Api>().schedules.issue(id);
  assert.equal(issued.nextDueOn, "2027-03-02");
  assert.equal((await client.schedules.get(id)).nextDueOn, "2027-03-02");
  const order = await client.workOrders.get(issued.workOrderId);
  assert.deepEqual(
    [order.title, order.assetId, order.siteId, order.dueAt, order.requesterId],
    ["Test the valve", assetId, world.siteId, "2027-01-31T00:00:00.000000Z", dispatcher.id],
  );
});

test("a schedule that was deleted is issued no more until it is restored", async () => {
  const { manager } = world;
  const client = manager.client<Api>();
  const { id: assetId } = await asset("Ladder");
  const plan = { assetId, title: "Look at it", intervalDays: 365, nextDueOn: "2027-06-01" };
  const { id } = await client.schedules.create(plan);
  await client.schedules.delete(id);
  await assert.rejects(client.schedules.issue(id), { code: "NOT_FOUND" });
  await client.schedules.restore(id);
  assert.equal((await client.schedules.issue(id)).nextDueOn, "2028-05-31");
});

test("what is said among those who do the work stays there", async () => {
  const { manager, requester, technician, order } = world;
  const { id: workOrderId } = await order("Window");
  await manager.client<Api>().workOrders.assign(workOrderId, { technicianId: technician.id });
  const working = technician.client<Api>().comments;
  await working.create({ workOrderId, body: "Their fault", isInternal: true });
  await working.create({ workOrderId, body: "We come on Friday" });
  const asking = requester.client<Api>().comments;
  const { data } = await asking.list({ filter: { workOrderId } });
  assert.deepEqual(
    data.map(({ body }) => body),
    ["We come on Friday"],
  );
  const thanks = await asking.create({ workOrderId, body: "Thank you" });
  assert.equal(thanks.authorId, requester.id);
  await assert.rejects(working.update(thanks.id, { body: "Never" }), { code: "FORBIDDEN" });
});

test("who joins a team sees its orders, who has left it does not", async () => {
  const { backend, manager, tenantId, technician, order } = world;
  const client = manager.client<Api>();
  const { id: teamId } = await client.teams.create({ name: "Night shift" });
  const { id } = await order("Alarm at night", { teamId });
  // What is known about a key is believed for some seconds; a new key is asked about at once.
  const read = async () => {
    const { client: fresh } = await backend.actor({ ...technician, tenantId });
    return fresh<Api>().workOrders.get(id);
  };
  await assert.rejects(read(), { code: "NOT_FOUND" });
  await client.teams.addMember(teamId, { userId: technician.id });
  assert.equal((await read()).id, id);
  await client.teams.removeMember(teamId, { userId: technician.id });
  await assert.rejects(read(), { code: "NOT_FOUND" });
});
