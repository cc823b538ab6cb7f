// Tests talk to the real backend on a database of their own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestBackend, type TestActor, type TestBackend } from "backwright/testing";
import type { Api } from "../backend.ts";

let backend: TestBackend;
let owner: TestActor;
let member: TestActor;
let stranger: TestActor;

before(async () => {
  backend = await startTestBackend({ project: "__API__" });
  const tenantId = await backend.tenant({ name: "Acme" });
  owner = await backend.actor({ tenantId, role: "owner" });
  member = await backend.actor({ tenantId, role: "member" });
  const elsewhere = await backend.tenant({ name: "Other" });
  stranger = await backend.actor({ tenantId: elsewhere, role: "owner" });
});

after(() => backend?.close());

test("a member writes a task in their own name", async () => {
  await backend.scenario({
    as: member,
    request: "POST /v1/tasks",
    body: { title: "Paint the fence" },
    status: 201,
    contains: ["Paint the fence", member.id],
    events: { "tasks.created": 1 },
  });
  await backend.scenario({
    as: member,
    request: "POST /v1/tasks",
    body: { title: "Blame the boss", createdBy: owner.id },
    status: 400,
    contains: ["createdBy"],
    events: {},
  });
});

test("a member changes only their own tasks", async () => {
  const tasks = owner.client<Api>().tasks;
  const task = await tasks.create({ title: "Pay the bill", createdBy: owner.id });
  await backend.scenario({
    as: member,
    request: `PATCH /v1/tasks/${task.id}`,
    body: { title: "Pay me" },
    status: 403,
    events: {},
  });
});

test("another company sees nothing of it", async () => {
  const task = await owner.client<Api>().tasks.create({ title: "Secret", createdBy: owner.id });
  const path = `/v1/tasks/${task.id}`;
  await backend.scenario({ as: stranger, request: `GET ${path}`, status: 404, lacks: ["Secret"] });
  const { data } = await stranger.client<Api>().tasks.list();
  assert.deepEqual(data, []);
});

test("completing a task is an action, which a member runs on their own tasks alone", async () => {
  const tasks = member.client<Api>().tasks;
  const task = await tasks.create({ title: "Water the plants" });
  const done = await tasks.complete(task.id);
  assert.equal(done.status, "done");
  const other = await owner
    .client<Api>()
    .tasks.create({ title: "Lock the door", createdBy: owner.id });
  await backend.scenario({
    as: member,
    request: `POST /v1/tasks/${other.id}/complete`,
    status: 403,
    events: {},
  });
});
