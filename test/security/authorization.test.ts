// Check 43: every route that is registered × every kind of caller, against a table written by hand
// (route-matrix.ts); what is sent stands in route-requests.ts. A route without a row fails; so does a row without a route. Rows and fields of
// each role are judged in depth by access-matrix, access-fields and access-actions.
//
// Planted, each red before it was taken out again:
// - a route more in restRoutes -> every route has a row
// - the upsert decided as a create alone -> PUT of the dispatcher on sites
// - decideAction finds every action -> cells of the actions
// - a scheme other than Bearer taken for one -> outsiders
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Documents } from "../../src/rest/documents.ts";
import { restRoutes } from "../../src/rest/routes.ts";
import {
  createOrganization,
  type Organization,
  type Role,
  rowCounts,
  TABLES,
} from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";
import { CALLERS, type Caller, STATUSES } from "./route-matrix.ts";
import { requestOf, type World } from "./route-requests.ts";

let backend: TestBackend;
let acme: Organization;
let rival: Organization;
let world: World;
let routes: readonly string[];
const keys = {} as Record<Caller, string>;
const outsiders: Record<string, Readonly<Record<string, string>>> = {};
beforeAll(async () => {
  backend = await startTestBackend("authorization");
  acme = await createOrganization(backend, "Acme");
  rival = await createOrganization(backend, "Rival");
  const managerKeys = new Map([acme, rival].map((one) => [one, one.people.manager.key]));
  world = { backend, acme, rival, managerKeys };
  routes = restRoutes({
    contexts: [backend.context],
    authenticator: backend.authenticator,
    documents: new Documents(backend.context.model, {}),
  }).map(({ method, path }) => `${method} ${path}`);
  for (const role of CALLERS.slice(0, 5) as Role[]) keys[role] = acme.people[role].key;
  keys["a peer"] = (await backend.person(acme.tenantId, "technician")).key;
  keys["a foreign manager"] = rival.people.manager.key;
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  outsiders.nobody = {};
  outsiders["another scheme"] = { authorization: `Basic ${keys.manager}` };
  outsiders["a key in another header"] = { "x-api-key": keys.manager };
  outsiders["a key that nobody has"] = bearer(`${keys.manager.slice(0, -2)}AA`);
  for (const [name, set] of Object.entries({
    "an expired key": "expires_at = now() - interval '1 s'",
    "a revoked key": "revoked_at = now()",
    "a key of a role that is gone": "role = 'emperor'",
    "a key of a tenant that is gone": "tenant_id = gen_random_uuid()",
  })) {
    const { key, id } = await backend.person(acme.tenantId, "manager");
    outsiders[name] = bearer(key);
    await backend.owner.query(`update backwright.api_keys set ${set} where subject = $1`, [id]);
  }
});
afterAll(() => backend?.close());

test("every route has a row in the table, and every row a route", () => {
  expect(routes.toSorted()).toEqual(Object.keys(STATUSES).toSorted());
});

const everything = (): Promise<Record<string, number>> =>
  rowCounts(backend, [...Object.values(TABLES), "team_members", "work_order_counters"]);

/* ---------- the cells ---------- */

describe.each(Object.entries(STATUSES))("%s", (route, statuses) => {
  const expected = statuses.split(" ").map(Number);

  test.each(CALLERS.map((caller, at) => [caller, expected[at] ?? 0] as const))(
    "answers %s %i",
    async (caller, status) => {
      const { path, ...options } = await requestOf(world, route, caller);
      const before = await everything();
      const reply = await backend.request(path, { ...options, key: keys[caller] });
      expect(reply.status, reply.text).toBe(status);
      if (status >= 400) expect(await everything()).toEqual(before);
      expectNothingForeign(reply, caller);
    },
  );

  test("answers 401 to whoever has no living key, and does nothing", async () => {
    const { path, ...options } = await requestOf(world, route, "nobody");
    const before = await everything();
    for (const [name, headers] of Object.entries(outsiders)) {
      const reply = await backend.request(path, { ...options, headers });
      expect(reply.status, `${name}: ${reply.text}`).toBe(401);
    }
    const wrong = await backend.request(path.replace(/[0-9a-f-]{36}/, randomUUID()), options);
    expect(wrong.status).toBe(401);
    expect(await everything()).toEqual(before);
  });
});

/** The notes of the two organizations carry their names. */
function expectNothingForeign(reply: Reply, caller: Caller): void {
  const other = caller === "a foreign manager" ? "Acme" : "Rival";
  expect(reply.text).not.toContain(`${other}: not for requesters`);
  const id = caller === "a foreign manager" ? acme.tenantId : rival.tenantId;
  expect(reply.text).not.toContain(id);
}
