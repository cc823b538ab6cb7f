// The actions of the work-orders example: who runs which, on whose orders.
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createOrganization,
  type Organization,
  ROLES,
  type Role,
} from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
beforeAll(async () => {
  backend = await startTestBackend("example_actions");
  acme = await createOrganization(backend, "Acme");
  await backend.owner.query("update checklist_items set is_done = true");
});
afterAll(() => backend?.close());

function act(role: Role, order: string, action: string, body?: object): Promise<Reply> {
  const path = `/v1/work-orders/${acme.rows["work-orders"][order]}/${action}`;
  const { key } = acme.people[role];
  return backend.request(path, { method: "POST", key, ...(body === undefined ? {} : { body }) });
}

test("an order is assigned, started and completed by those who may", async () => {
  const body = { technicianId: acme.people.technician.id };
  for (const role of ["technician", "requester", "viewer"] as const) {
    expect((await act(role, "leak", "assign", body)).status, role).toBe(403);
  }
  const early = await act("technician", "leak", "start");
  expect([early.status, early.json.error.code]).toEqual([422, "INVALID_TRANSITION"]);
  const assigned = await act("dispatcher", "leak", "assign", body);
  expect(assigned.status, assigned.text).toBe(200);
  expect((await act("technician", "leak", "start")).status).toBe(200);
  expect((await act("dispatcher", "leak", "complete", {})).status).toBe(403);
  const done = await act("technician", "leak", "complete", { note: "Tight again" });
  expect(done.status, done.text).toBe(200);
  const id = acme.rows["work-orders"].leak;
  const { key } = acme.people.manager;
  const read = await backend.request(`/v1/work-orders/${id}`, { key });
  expect(read.json.data).toMatchObject({
    status: "done",
    closedAt: done.json.data.closedAt.replace("Z", "000Z"),
    internalNotes: "Acme: not for requesters\nTight again",
  });
});

test("a technician starts only their own orders, though they see the team's", async () => {
  await act("manager", "door", "assign", { technicianId: acme.people.manager.id });
  expect((await act("technician", "door", "start")).status).toBe(403);
  expect((await act("technician", "roof", "start")).status).toBe(404);
  expect((await act("manager", "door", "start")).status).toBe(200);
});

test("schedules are issued by those who plan, and teams are manned by the manager", async () => {
  const userId = acme.people.viewer.id;
  const cells = [
    [`schedules/${acme.rows.schedules.pump}/issue`, undefined, [200, 200, 403, 403, 403]],
    [`teams/${acme.rows.teams.red}/add-member`, { userId }, [200, 403, 403, 403, 403]],
    [`teams/${acme.rows.teams.red}/remove-member`, { userId }, [200, 403, 403, 403, 403]],
  ] as const;
  for (const [path, body, expected] of cells) {
    for (const [at, role] of ROLES.entries()) {
      const { key } = acme.people[role];
      const options = { method: "POST", key, ...(body === undefined ? {} : { body }) };
      const reply = await backend.request(`/v1/${path}`, options);
      expect(reply.status, `${role} ${path} ${reply.text}`).toBe(expected[at]);
    }
  }
});

test("code of the same process runs actions, too, as one person", async () => {
  const dispatcher = await backend.as(acme.people.dispatcher);
  const order = acme.rows["work-orders"].lamp ?? "";
  const body = { technicianId: acme.people.technician.id };
  const assigned = await dispatcher.run("workOrders", order, "assign", body);
  expect(assigned).toMatchObject({ id: order, status: "assigned" });
  await expect(dispatcher.run("workOrders", order, "start")).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
});

test("nobody is assigned who is not of the organization", async () => {
  const other = await createOrganization(backend, "Umbrella");
  const reply = await act("manager", "roof", "assign", {
    technicianId: other.people.technician.id,
  });
  expect([reply.status, reply.json.error.code]).toEqual([422, "INVALID_REFERENCE"]);
});
