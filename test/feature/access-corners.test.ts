// Policies that the example does not have: after-images, writing without reading, hidden fields,
// carried claims, the tenant itself, a global table. The backend is test/fixtures/corners.
//
// Planted faults, each red before it was taken out again:
// - the after-image never checked (mustCheck = false) -> giving away
// - the create's rows not checked -> creating outside one's rows
// - the reply of a write not masked by the row's visibility -> giving away, and dropper
// - references not guarded -> a closed group
// - a related filter that looks at rows whatever the role may read -> found and counted
// - a hidden field served (served ignores `hidden`) -> the hidden field
// - a missing claim read as "any" (bind gives the field's own value) -> carried claims
// - claims of a key put over its subject and tenant -> claims of a key
// - a refusal that tells the state to a role that may not read it -> the unread state
// - no condition at all for a global table ("where" without "true") -> the global table
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiKey } from "../../src/identity/api-keys.ts";
import { withoutRequestId } from "../fixtures/refusals.ts";
import { rowCounts, storedRow } from "../fixtures/work-orders-world.ts";
import {
  type Person,
  type Reply,
  type RequestOptions,
  startTestBackend,
  type TestBackend,
} from "../support/backend.ts";

const DIRECTORY = join(import.meta.dirname, "../fixtures/corners");
const TABLES = ["tickets", "users", "groups", "notes", "organizations", "countries"];

let backend: TestBackend;
let tenantId: string;
const people: Record<string, Person> = {};
const groups = { open: "", closed: "" };
beforeAll(async () => {
  backend = await startTestBackend("corners", { directory: DIRECTORY });
  tenantId = await backend.tenant("Acme");
  for (const role of ["admin", "author", "giver", "filer", "blind", "masked", "dropper"]) {
    people[role] = await backend.person(tenantId, role);
  }
  for (const [name, isOpen] of [
    ["open", true],
    ["closed", false],
  ] as const) {
    const made = await as("admin", "/v1/groups", { body: { name, isOpen } });
    groups[name] = made.json.data.id;
  }
});
afterAll(() => backend?.close());

const idOf = (role: string): string => people[role]?.id ?? "";
function as(role: string, path: string, options: RequestOptions = {}): Promise<Reply> {
  const key = people[role]?.key;
  return backend.request(path, { ...(key === undefined ? {} : { key }), ...options });
}
const patch = (role: string, id: string, body: object, headers = {}): Promise<Reply> =>
  as(role, `/v1/tickets/${id}`, { method: "PATCH", body, headers });
const counts = (): Promise<Record<string, number>> => rowCounts(backend, TABLES);

async function ticket(owner: string, more: object = {}): Promise<string> {
  const body = { title: "Ticket", ownerId: idOf(owner), ...more };
  const made = await as("admin", "/v1/tickets", { body });
  expect(made.status, made.text).toBe(201);
  return made.json.data.id;
}

describe("after-images", () => {
  test("who updates its own rows cannot give one away, unless the policy says so", async () => {
    const id = await ticket("author");
    const stored = await storedRow(backend, "tickets", id);
    const before = await counts();
    const headers = { "idempotency-key": "give-away" };
    const refused = await patch("author", id, { ownerId: idOf("giver") }, headers);
    expect(refused.status, refused.text).toBe(403);
    expect(refused.json.error.code).toBe("FORBIDDEN");
    // Together with an allowed change it is refused as a whole.
    const both = await patch("author", id, { title: "Mine", ownerId: idOf("giver") });
    expect(both.status).toBe(403);
    expect(await storedRow(backend, "tickets", id)).toEqual(stored);
    expect(await counts()).toEqual(before);

    const given = await ticket("giver");
    const reply = await patch("giver", given, { ownerId: idOf("author") }, headers);
    expect(reply.status, reply.text).toBe(200);
    // It is no longer visible to its giver, so the reply tells the id and nothing else.
    expect(reply.text).toBe(`{"data":{"id":"${given}"}}`);
    expect((await storedRow(backend, "tickets", given))?.owner_id).toBe(idOf("author"));
    expect((await as("giver", `/v1/tickets/${given}`)).status).toBe(404);
  });

  test("a row cannot be created outside the rows that a role may create", async () => {
    const body = { title: "Loose", ownerId: idOf("author") };
    const before = await counts();
    const headers = { "idempotency-key": "outside" };
    for (const groupId of [undefined, null]) {
      const loose = { ...body, ...(groupId === undefined ? {} : { groupId }) };
      const reply = await as("author", "/v1/tickets", { body: loose, headers });
      expect(reply.status, reply.text).toBe(403);
    }
    expect(await counts()).toEqual(before);
    const inside = { ...body, groupId: groups.open };
    const made = await as("author", "/v1/tickets", { body: inside, headers });
    expect(made.status, made.text).toBe(201);
  });

  test("what a role made but may not see is answered by its id, again under its key", async () => {
    const headers = { "idempotency-key": "dropped" };
    const body = { title: "Dropped" };
    const made = await as("dropper", "/v1/tickets", { body, headers });
    expect(made.status, made.text).toBe(201);
    expect(Object.keys(made.json.data)).toEqual(["id"]);
    const again = await as("dropper", "/v1/tickets", { body, headers });
    expect(again.status).toBe(201);
    expect(again.text).toBe(made.text);
    expect((await as("dropper", `/v1/tickets/${made.json.data.id}`)).status).toBe(404);
  });
});

describe("references of the same tenant", () => {
  test("a group that the role may not read is none, in writes, and null in includes", async () => {
    const id = await ticket("author", { groupId: groups.open });
    const before = await counts();
    const asks = [
      { title: "T", ownerId: idOf("author"), groupId: groups.closed },
      { title: "T", ownerId: idOf("author"), groupId: randomUUID() },
    ];
    const made = [];
    for (const body of asks) made.push(await as("author", "/v1/tickets", { body }));
    const moved = [];
    for (const { groupId } of asks) moved.push(await patch("author", id, { groupId }));
    for (const reply of [...made, ...moved]) {
      expect(reply.status, reply.text).toBe(422);
      expect(reply.json.error.details[0].field).toBe("groupId");
      expect(withoutRequestId(reply)).toBe(withoutRequestId(made[0] as Reply));
    }
    expect(await counts()).toEqual(before);

    const closed = await ticket("author", { groupId: groups.closed });
    for (const path of [`/v1/tickets/${closed}?`, `/v1/tickets?filter[id]=${closed}&`]) {
      const reply = await as("author", `${path}include=group,owner`);
      const [record] = [reply.json.data].flat();
      expect(record.groupId).toBe(groups.closed);
      expect(record.group).toBeNull();
      expect(record.owner.id).toBe(idOf("author"));
    }
  });

  test("a group that the role may not read is found and counted by no filter", async () => {
    const closed = await ticket("author", { groupId: groups.closed });
    const open = await ticket("author", { groupId: groups.open });
    const found = async (role: string, filter: string): Promise<[string[], number]> => {
      const path = `/v1/tickets?filter[id][in]=${closed},${open}&${filter}&page[count]=exact`;
      const reply = await as(role, path);
      expect(reply.status, reply.text).toBe(200);
      const ids = reply.json.data.map((row: { id: string }) => row.id);
      return [ids, reply.json.meta.pagination.total];
    };
    for (const [filter, ofAdmin] of [
      ["filter[group.name]=closed", [closed]],
      ["filter[group.isOpen]=false", [closed]],
      ["filter[group.name][ne]=open", [closed]],
      ["filter[group.name][nin]=open", [closed]],
      [`filter[group.id]=${groups.closed}`, [closed]],
      ["filter[group.name][isNull]=true", []],
    ] as const) {
      expect(await found("admin", filter)).toEqual([ofAdmin, ofAdmin.length]);
      // The author sees both tickets and their group's id, but not the closed group.
      expect(await found("author", filter), filter).toEqual([[], 0]);
    }
    expect(await found("author", "filter[group.isOpen]=true")).toEqual([[open], 1]);
  });

  test("a value is not forced past the reference: the caller must be a user", async () => {
    const nobody = await backend.person(tenantId, "filer", randomUUID());
    const before = await counts();
    const reply = await backend.request("/v1/tickets", { key: nobody.key, body: { title: "T" } });
    expect(reply.status, reply.text).toBe(422);
    expect(reply.json.error.code).toBe("INVALID_REFERENCE");
    expect(await counts()).toEqual(before);
  });
});

describe("writing without reading", () => {
  test("a role that only creates learns the id; forced values stand", async () => {
    for (const field of ["status", "ownerId", "id", "secret", "version"]) {
      const body = { title: "T", [field]: field === "status" ? "new" : idOf("admin") };
      const refused = await as("filer", "/v1/tickets", { body });
      expect(refused.status).toBe(400);
      expect(refused.json.error.details[0].field).toBe(field);
    }
    const made = await as("filer", "/v1/tickets", { body: { title: "Filed" } });
    expect(made.status, made.text).toBe(201);
    expect(Object.keys(made.json.data)).toEqual(["id"]);
    expect(await storedRow(backend, "tickets", made.json.data.id)).toMatchObject({
      owner_id: idOf("filer"),
      status: "active",
    });
    expect((await as("filer", `/v1/tickets/${made.json.data.id}`)).status).toBe(403);
    expect((await as("filer", "/v1/tickets")).status).toBe(403);
  });

  test("a role that updates its rows unread meets 404 for all others", async () => {
    const own = await ticket("blind");
    const changed = await patch("blind", own, { title: "Seen by none" });
    expect(changed.text).toBe(`{"data":{"id":"${own}"}}`);
    const other = await ticket("admin");
    const replies = [
      await patch("blind", other, { title: "x" }),
      await patch("blind", other, { status: "closed" }),
      await patch("blind", other, { title: "x" }, { "if-match": '"9-x"' }),
      await patch("blind", randomUUID(), { title: "x" }),
    ];
    for (const reply of replies) {
      expect(reply.status).toBe(404);
      expect(withoutRequestId(reply)).toBe(withoutRequestId(replies[0] as Reply));
    }
  });

  test("a refused transition does not tell a state that the role may not read", async () => {
    const id = await ticket("admin");
    const reply = await patch("masked", id, { status: "closed" });
    expect(reply.status).toBe(422);
    expect(reply.json.error.code).toBe("INVALID_TRANSITION");
    expect(reply.text).not.toMatch(/\bnew\b|\bactive\b/);
    const told = await patch("admin", id, { status: "closed" });
    expect(told.json.error.details[0].message).toContain('is "new"');
    const moved = await patch("masked", id, { status: "active" });
    expect(moved.json.data).toEqual({ id, title: "Ticket" });
  });

  test("a role may be given the caller's own id as the id, once", async () => {
    const id = randomUUID();
    const joiner = await backend.person(tenantId, "joiner", id);
    const ask = (body: object) => backend.request("/v1/users", { key: joiner.key, body });
    const chosen = await ask({ id: randomUUID(), name: "J", email: "j0@example.org" });
    expect(chosen.status).toBe(400);
    const made = await ask({ name: "J", email: "j1@example.org" });
    expect(made.status, made.text).toBe(201);
    expect(made.json.data.id).toBe(id);
    expect(made.headers.get("location")).toBe(`/v1/users/${id}`);
    const twice = await ask({ name: "J", email: "j2@example.org" });
    expect(twice.status, twice.text).toBe(409);
  });
});

test("a hidden field is nobody's: in no reply, no query, no body, no event, no audit", async () => {
  const id = await ticket("admin");
  await patch("admin", id, { title: "Changed" });
  for (const path of [`/v1/tickets/${id}`, "/v1/tickets"]) {
    expect((await as("admin", path)).text).not.toMatch(/secret|classified/);
  }
  for (const query of ["filter[secret]=classified", "sort=secret", "fields=secret"]) {
    expect((await as("admin", `/v1/tickets?${query}`)).status).toBe(400);
  }
  expect((await patch("admin", id, { secret: "x" })).status).toBe(400);
  const kept = await backend.owner.query(
    `select record::text from backwright.events union all
     select concat(before, after) from backwright.audit`,
  );
  expect(JSON.stringify(kept)).not.toMatch(/secret|classified/);
});

test("a claim carried by the key decides; a key without it sees nothing", async () => {
  const mine = await ticket("admin", { title: "north" });
  await ticket("admin", { title: "south" });
  const closed = await ticket("admin", { title: "north" });
  await patch("admin", closed, { status: "active" });
  await patch("admin", closed, { status: "closed" });
  const seen = async (claims: Record<string, unknown>): Promise<string[]> => {
    const of = { tenantId, role: "regional", subject: randomUUID(), name: "regional" };
    const key = await createApiKey(backend.owner, { ...of, claims });
    const reply = await backend.request("/v1/tickets", { key });
    expect(reply.status, reply.text).toBe(200);
    return reply.json.data.map((row: { id: string }) => row.id);
  };
  expect(await seen({ region: "north" })).toEqual([mine]);
  expect(await seen({})).toEqual([]);
  expect(await seen({ region: null })).toEqual([]);
  expect(await seen({ Region: "north" })).toEqual([]);
  expect(await seen({ region: "' or true --" })).toEqual([]);
});

test("claims of a key never stand in for its own subject and tenant", async () => {
  const own = await ticket("giver");
  const other = await backend.tenant("Elsewhere");
  const of = { tenantId, role: "giver", subject: idOf("giver"), name: "giver" };
  const claims = { id: idOf("author"), tenantId: other, credential: randomUUID() };
  const key = await createApiKey(backend.owner, { ...of, claims });
  const reply = await backend.request("/v1/tickets", { key });
  expect(reply.json.data.map((row: { id: string }) => row.id)).toContain(own);
  expect(reply.text).toBe((await as("giver", "/v1/tickets")).text);
});

describe("the tenant itself and global rows", () => {
  test("a tenant is one row, which its admin changes and nobody creates", async () => {
    const other = await backend.tenant("Other");
    const list = await as("admin", "/v1/organizations");
    expect(list.json.data.map((row: { id: string }) => row.id)).toEqual([tenantId]);
    const path = `/v1/organizations/${tenantId}`;
    const renamed = await as("admin", path, { method: "PATCH", body: { name: "Acme Ltd" } });
    expect(renamed.status, renamed.text).toBe(200);
    expect((await as("admin", `/v1/organizations/${other}`)).status).toBe(404);
    const foreign = { method: "PATCH", body: { name: "x" } };
    expect((await as("admin", `/v1/organizations/${other}`, foreign)).status).toBe(404);
    const before = await counts();
    const made = await as("admin", "/v1/organizations", { body: { name: "New" } });
    expect(made.status, made.text).toBe(403);
    expect(await counts()).toEqual(before);
  });

  test("global rows are read by every tenant and written by none", async () => {
    const id = randomUUID();
    await backend.owner.query("insert into countries (id, name) values ($1, 'Peru')", [id]);
    const rivalId = await backend.tenant("Rival");
    const rival = await backend.person(rivalId, "admin");
    for (const key of [people.admin?.key ?? "", rival.key]) {
      const list = await backend.request("/v1/countries?sort=name", { key });
      expect(list.json.data).toEqual([{ id, name: "Peru" }]);
      const one = await backend.request(`/v1/countries/${id}`, { key });
      expect(one.json.data.name).toBe("Peru");
      const made = await backend.request("/v1/countries", { key, body: { name: "x" } });
      expect(made.status).toBe(405);
      expect(made.headers.get("allow")).toMatch(/^GET(, HEAD)?$/);
      const note = await backend.request("/v1/notes", { key, body: { body: "n", countryId: id } });
      expect(note.status, note.text).toBe(201);
      const read = await backend.request(`/v1/notes/${note.json.data.id}?include=country`, { key });
      expect(read.json.data.country).toEqual({ id, name: "Peru" });
    }
  });
});
