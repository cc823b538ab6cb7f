// The public test kit, as a project's own test file uses it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Api } from "../../examples/work-orders/backend.ts";
import { openSession } from "../../src/database/session.ts";
import { createThrowawayDatabase, dropAbandoned } from "../../src/database/throwaway.ts";
import { startTestBackend, type TestActor, type TestBackend } from "../../src/testing/index.ts";
import { EXAMPLE } from "../support/backend.ts";
import { testAdminUrl } from "../support/postgres.ts";

let backend: TestBackend;
let manager: TestActor;
let viewer: TestActor;

beforeAll(async () => {
  process.env.TEST_DATABASE_ADMIN_URL = testAdminUrl();
  backend = await startTestBackend({ project: EXAMPLE });
  const tenantId = await backend.tenant({ name: "Harbour" });
  manager = await backend.actor({ tenantId, role: "manager" });
  viewer = await backend.actor({ tenantId, role: "viewer" });
});

afterAll(() => backend.close());

const databases = async (): Promise<readonly string[]> => {
  const admin = await openSession(testAdminUrl());
  const rows = await admin.query<{ name: string }>("select datname as name from pg_database");
  await admin.close();
  return rows.map(({ name }) => name);
};

describe("the test kit", () => {
  test("serves a project on an empty database of its own", async () => {
    const reply = await manager.request("/v1/sites");
    expect(reply.status).toBe(200);
    expect(reply.json<{ data: unknown[] }>().data).toEqual([]);
  });

  test("gives actors the typed client and operations without HTTP", async () => {
    const site = await manager.client<Api>().sites.create({ name: "Pier 1", address: "1 Quay" });
    const found = await manager.operations.get("sites", site.id);
    expect(found.name).toBe("Pier 1");
  });

  test("checks a scenario: status, texts and events", async () => {
    const body = { name: "Pier 2", address: "2 Quay" };
    const events = { "sites.created": 1 };
    const request = "POST /v1/sites";
    const contains = ["Pier 2"];
    await backend.scenario({ as: manager, request, body, status: 201, contains, events });
    await backend.scenario({ as: viewer, request, body, status: 403, events: {} });
    await backend.scenario({ request, body, status: 401, lacks: ["Pier"], events: {} });
  });

  // Each row is a scenario that is not so: a kit that passed it would prove nothing.
  test.each([
    ["another status", { status: 200 }, /answered 201[\s\S]*Expected 200/],
    ["a text that is not there", { contains: ["Pier 9"] }, /to hold "Pier 9"/],
    ["a text that is there", { lacks: ["Pier 3"] }, /not to hold "Pier 3"/],
    ["an event too few", { events: { "sites.created": 2 } }, /wrote other events/],
    ["an event that was written", { events: {} }, /wrote other events/],
    ["an address without a method", { request: "/v1/sites" }, /not a method and an address/],
  ])("fails a scenario with %s", async (name, wrong, message) => {
    const body = { name: `Pier 3 for ${name}`, address: "3 Quay" };
    const right = { as: manager, request: "POST /v1/sites", body, status: 201 };
    await expect(backend.scenario({ ...right, ...wrong })).rejects.toThrow(message);
  });

  test("drops its database when it is closed, and its neighbours stay", async () => {
    const other = await startTestBackend({ project: EXAMPLE });
    const [made] = await other.sql<{ name: string }>("select current_database() as name");
    expect(await databases()).toContain(made?.name);
    await other.close();
    expect(await databases()).not.toContain(made?.name);
    expect((await manager.request("/v1/sites")).status).toBe(200);
  });

  test("drops no database that is young, in use or of another name", async () => {
    const kept = await createThrowawayDatabase(testAdminUrl(), "kept_test");
    await dropAbandoned(testAdminUrl(), "kept_test");
    expect(await databases()).toContain(kept.database);
    await kept.drop();
    expect(await databases()).not.toContain(kept.database);
  });

  test("says what is missing where there is no project", async () => {
    const start = startTestBackend({ project: "/nowhere" });
    await expect(start).rejects.toThrow("There is no backend.ts in /nowhere.");
  });
});
