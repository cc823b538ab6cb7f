// Which rows a role meets when claims, related rows and references change under it: the work-orders
// example over HTTP.
//
// Planted faults, each red before it was taken out again:
// - the credential cache kept for 60 s -> membership
// - `site: { isPublic: true }` taken out of the viewer's rows -> public places
// - the foreign keys of work orders dropped, no reference guarded -> references
// - the diagnosis looks at version and state before visibility -> invisible records
// - the cursor bound to its query but not to its tenant -> cursors
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, namedFields, withoutRequestId } from "../fixtures/refusals.ts";
import {
  createOrganization,
  join,
  type Organization,
  type Role,
  rowCounts,
  storedRow,
} from "../fixtures/work-orders-world.ts";
import {
  type Reply,
  type RequestOptions,
  startTestBackend,
  type TestBackend,
} from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let rival: Organization;
beforeAll(async () => {
  backend = await startTestBackend("rows");
  acme = await createOrganization(backend, "Acme");
  rival = await createOrganization(backend, "Rival");
});
afterAll(() => backend?.close());

const as = (role: Role, path: string, options: RequestOptions = {}): Promise<Reply> =>
  backend.request(path, { key: acme.people[role].key, ...options });
const order = (name: string): string => `/v1/work-orders/${acme.rows["work-orders"][name]}`;

async function statusWithin(ms: number, wanted: number, ask: () => Promise<Reply>): Promise<void> {
  const start = performance.now();
  for (;;) {
    const { status } = await ask();
    if (status === wanted) return;
    expect(performance.now() - start, `still ${status}, not ${wanted}`).toBeLessThan(ms);
    await sleep(50);
  }
}

describe("claims that are looked up", () => {
  test("joining and leaving a team changes what is visible within five seconds", async () => {
    const [joiner, leaver] = await Promise.all([
      backend.person(acme.tenantId, "technician"),
      backend.person(acme.tenantId, "technician"),
    ]);
    const team = acme.rows.teams.blue ?? "";
    await join(backend, acme.tenantId, team, leaver.id);
    const ask = (key: string) => () => backend.request(order("roof"), { key });
    expect((await ask(joiner.key)()).status).toBe(404);
    expect((await ask(leaver.key)()).status).toBe(200);
    await join(backend, acme.tenantId, team, joiner.id);
    await backend.owner.query("delete from team_members where user_id = $1", [leaver.id]);
    // Both ask all the time: a busy key is looked up again too.
    await Promise.all([
      statusWithin(5_000, 200, ask(joiner.key)),
      statusWithin(5_000, 404, ask(leaver.key)),
    ]);
    const list = await backend.request("/v1/work-orders", { key: leaver.key });
    expect(list.json.data).toEqual([]);
  });

  test("a membership in another tenant's team of the same subject opens nothing", async () => {
    const { id } = acme.people.technician;
    const twin = await backend.person(rival.tenantId, "technician", id);
    const list = await backend.request("/v1/work-orders", { key: twin.key });
    expect(list.json.data).toEqual([]);
    for (const foreign of Object.values(acme.rows["work-orders"])) {
      const reply = await backend.request(`/v1/work-orders/${foreign}`, { key: twin.key });
      expect(reply.status).toBe(404);
    }
  });
});

describe("rows by a related row", () => {
  test("a place that stops being public takes its work orders with it at once", async () => {
    const path = `/v1/sites/${acme.rows.sites.yard}`;
    const ids = async (): Promise<string[]> => {
      const list = await as("viewer", "/v1/work-orders?include=site");
      return list.json.data.map((row: { id: string }) => row.id);
    };
    expect(await ids()).toHaveLength(2);
    const hide = { method: "PATCH", body: { isPublic: false } };
    expect((await as("manager", path, hide)).status).toBe(200);
    expect(await ids()).toEqual([]);
    expect((await as("viewer", order("leak"))).status).toBe(404);
    expect((await as("viewer", path)).status).toBe(404);
    const show = { method: "PATCH", body: { isPublic: true } };
    expect((await as("manager", path, show)).status).toBe(200);
    expect(await ids()).toHaveLength(2);
  });

  test("filters, sorts and pages never leave the rows that a role may see", async () => {
    const visible: Partial<Record<Role, readonly string[]>> = {
      technician: ["leak", "door"],
      requester: ["leak", "lamp"],
      viewer: ["leak", "roof"],
    };
    const every = Object.values(acme.rows["work-orders"]).join(",");
    const vault = acme.rows.sites.vault;
    for (const [role, names] of Object.entries(visible) as [Role, readonly string[]][]) {
      const allowed = names.map((name) => acme.rows["work-orders"][name]).toSorted();
      for (const query of [
        `filter[id][in]=${every}`,
        "filter[status]=open&sort=-dueAt",
        "filter[status][ne]=done",
        "sort=dueAt&page[size]=1",
        `filter[siteId]=${vault}`,
        "filter[dueAt][isNull]=true&sort=dueAt",
      ]) {
        const found = await walk(role, `/v1/work-orders?${query}`);
        expect(allowed, `${role} ${query}`).toEqual(expect.arrayContaining(found));
      }
      expect((await walk(role, `/v1/work-orders?filter[id][in]=${every}`)).toSorted()).toEqual(
        allowed,
      );
    }
  });

  async function walk(role: Role, path: string): Promise<string[]> {
    const found: string[] = [];
    let after = "";
    for (let page = 0; page < 10; page += 1) {
      const reply = await as(role, `${path}${after}`);
      expect(reply.status, reply.text).toBe(200);
      found.push(...reply.json.data.map((row: { id: string }) => row.id));
      const { next } = reply.json.meta.pagination;
      if (next === null) return found;
      after = `&page[after]=${next}`;
    }
    throw new Error("the walk does not end");
  }
});

describe("references", () => {
  const fields: readonly (readonly [field: string, resource: keyof Organization["rows"]])[] = [
    ["siteId", "sites"],
    ["assetId", "assets"],
    ["categoryId", "categories"],
    ["teamId", "teams"],
    ["assigneeId", "users"],
    ["requesterId", "users"],
  ];

  test.each(fields)(
    "%s of another tenant looks absent, on create and update",
    async (field, of) => {
      const [foreign] = Object.values(rival.rows[of]);
      const base = {
        title: "Borrowed",
        siteId: acme.rows.sites.yard,
        requesterId: acme.people.manager.id,
      };
      const before = await rowCounts(backend, ["work_orders"]);
      const stored = await storedRow(backend, "work_orders", acme.rows["work-orders"].leak ?? "");
      const replies: Reply[] = [];
      for (const id of [foreign, randomUUID()]) {
        const body = { ...base, [field]: id };
        replies.push(await as("manager", "/v1/work-orders", { body }));
        const change = { [field]: id };
        replies.push(await as("manager", order("leak"), { method: "PATCH", body: change }));
      }
      for (const reply of replies) {
        expect(reply.status, reply.text).toBe(422);
        expect(reply.json.error).toMatchObject({ code: "INVALID_REFERENCE", details: [{ field }] });
      }
      expect(new Set(replies.map(withoutRequestId)).size).toBe(1);
      expect(await rowCounts(backend, ["work_orders"])).toEqual(before);
      expect(await storedRow(backend, "work_orders", acme.rows["work-orders"].leak ?? "")).toEqual(
        stored,
      );
    },
  );

  test("of several wrong references at least one is named, and no right one", async () => {
    const body = { siteId: randomUUID(), assetId: randomUUID(), teamId: acme.rows.teams.red };
    const reply = await as("manager", order("leak"), { method: "PATCH", body });
    expectRefusal(reply, 422, "INVALID_REFERENCE");
    expect(namedFields(reply).length).toBeGreaterThan(0);
    expect(["siteId", "assetId"]).toEqual(expect.arrayContaining(namedFields(reply)));
  });
});

test("an invisible record answers 404 whatever else is wrong with an update of it", async () => {
  const path = order("roof"); // Not the technician's, nor of the team.
  const before = await storedRow(backend, "work_orders", acme.rows["work-orders"].roof ?? "");
  const asks: readonly { body: object; headers?: Record<string, string> }[] = [
    { body: { description: "x" } },
    { body: { location: null } },
    { body: { description: "x" }, headers: { "if-match": '"99-x"' } },
    { body: { description: "x" }, headers: { "if-match": "*" } },
    { body: { description: "x" }, headers: { "idempotency-key": randomUUID() } },
  ];
  for (const ask of asks) {
    const one = await as("technician", path, { method: "PATCH", ...ask });
    const none = `/v1/work-orders/${randomUUID()}`;
    const other = await as("technician", none, { method: "PATCH", ...ask });
    expect(one.status, one.text).toBe(404);
    expect(withoutRequestId(one)).toBe(withoutRequestId(other));
  }
  expect(await storedRow(backend, "work_orders", acme.rows["work-orders"].roof ?? "")).toEqual(
    before,
  );
});

test("a cursor of another tenant is refused, one of another role shows no more rows", async () => {
  const path = "/v1/work-orders?page[size]=1&sort=dueAt";
  const theirs = await backend.request(path, { key: rival.people.manager.key });
  const { next } = theirs.json.meta.pagination;
  const reply = await as("manager", `${path}&page[after]=${next}`);
  expect(reply.status).toBe(400);
  expect(reply.json.error.code).toBe("CURSOR_INVALID");
  const colleague = await as("manager", path);
  const used = await as("viewer", `${path}&page[after]=${colleague.json.meta.pagination.next}`);
  expect(used.status).toBe(200);
  const allowed = [acme.rows["work-orders"].leak, acme.rows["work-orders"].roof];
  for (const row of used.json.data) expect(allowed).toContain(row.id);
});
