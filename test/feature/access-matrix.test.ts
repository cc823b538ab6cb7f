// Role × tenant × operation × field of the work-orders example, against a table written by hand
// (test/fixtures/work-orders-access.ts). Every cell runs: 9 callers × 15 resources × 5 operations.
//
// Planted faults, each red before it was taken out again:
// - a role's rows left out of the statement (visibleConditions) -> list and get cells
// - every field in the reply whatever the grant (pickFields returns the resource's fields) -> list
// - the role's fields not asked by parseBody (z.object instead of z.strictObject) -> create, update
// - `set` left out of the insert -> create cells of the requester
// - the update's own row condition left out -> update cells of technician and requester
// - the tenant wall dropped and the tenant condition left out -> cells of the other manager
// - the delete's verb not asked (decide(…, "read")) -> delete cells of four roles
// - expired keys not refused by find_api_key -> cells of the expired key
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, withoutRequestId } from "../fixtures/refusals.ts";
import { ACCESS, FIELDS, NO_FIELDS, type Rule } from "../fixtures/work-orders-access.ts";
import {
  column,
  expectStored,
  MARKED,
  REFERENCES,
  REFERRED,
  sampleOf,
  validBody,
} from "../fixtures/work-orders-values.ts";
import {
  createOrganization,
  type Organization,
  RESOURCES,
  type Resource,
  ROLES,
  type Role,
  rowCounts,
  storedRow,
  TABLES,
} from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

const OPERATIONS = ["list", "get", "create", "update", "delete"] as const;
type Operation = (typeof OPERATIONS)[number];
const OUTSIDERS = [
  "no key",
  "an expired key",
  "a revoked key",
  "another tenant's manager",
] as const;
type Outsider = (typeof OUTSIDERS)[number];
type Caller = Role | Outsider;
const CALLERS: readonly Caller[] = [...ROLES, ...OUTSIDERS];

let backend: TestBackend;
let acme: Organization;
let rival: Organization;
const deadKeys = {} as Record<"an expired key" | "a revoked key", string>;
const cells = new Set<string>();

beforeAll(async () => {
  backend = await startTestBackend("access");
  acme = await createOrganization(backend, "Acme");
  rival = await createOrganization(backend, "Rival");
  const { owner } = backend;
  for (const name of ["an expired key", "a revoked key"] as const) {
    deadKeys[name] = (await backend.person(acme.tenantId, "manager")).key;
    const column = name === "an expired key" ? "expires_at" : "revoked_at";
    await owner.query(
      `update backwright.api_keys set ${column} = now() - interval '1 second'
       where created_at = (select max(created_at) from backwright.api_keys)`,
    );
  }
  await owner.query("delete from users where name like 'manager %' and id <> all($1)", [
    [acme.people.manager.id, rival.people.manager.id],
  ]);
});
afterAll(() => backend?.close());

describe.each(RESOURCES)("%s", (resource) => {
  describe.each(CALLERS)("for %s", (caller) => {
    test.each(OPERATIONS)("%s is what the table says", async (operation) => {
      if (caller === "another tenant's manager") await foreigner(resource, operation);
      else if (isRole(caller)) await insider(resource, caller, operation);
      else await unknown(resource, caller, operation);
      cells.add(`${resource} ${caller} ${operation}`);
    });
  });
});

test("every cell has run", () => {
  expect(cells.size).toBe(9 * 15 * 5);
});

/* ---------- callers without a living key ---------- */

async function unknown(resource: Resource, caller: Outsider, operation: Operation): Promise<void> {
  const key = caller === "no key" ? {} : { key: deadKeys[caller as keyof typeof deadKeys] };
  const [id = ""] = Object.values(acme.rows[resource]);
  const before = await everything();
  const replies = [
    await send(key, resource, operation, id, validBody(resource, acme, "manager")),
    await send(key, resource, operation, randomUUID(), {}),
  ];
  for (const reply of replies) {
    expectRefusal(reply, 401, "UNAUTHENTICATED");
    expect(reply.headers.get("www-authenticate")).toMatch(/^Bearer/);
  }
  expect(await everything()).toEqual(before);
}

/* ---------- a manager of another tenant ---------- */

async function foreigner(resource: Resource, operation: Operation): Promise<void> {
  const { key } = rival.people.manager;
  const theirs = Object.values(acme.rows[resource]);
  if (operation === "list") {
    const reply = await send({ key }, resource, "list");
    const ids: string[] = reply.json.data.map((row: { id: string }) => row.id);
    expect(ids.toSorted()).toEqual(Object.values(rival.rows[resource]).toSorted());
    return;
  }
  if (operation === "create") return foreignCreate(resource, key);
  const absent = await send({ key }, resource, operation, randomUUID(), { name: "X", title: "X" });
  for (const id of theirs) {
    const stored = await storedRow(backend, TABLES[resource], id);
    const body = validBody(resource, rival, "manager");
    const reply = await send({ key }, resource, operation, id, body);
    const none = await send({ key }, resource, operation, randomUUID(), body);
    expectRefusal(reply, 404, "NOT_FOUND");
    // Nothing tells a foreign record from none.
    expect(withoutRequestId(reply)).toBe(withoutRequestId(none));
    expect([...reply.headers.keys()]).toEqual([...none.headers.keys()]);
    expect(await storedRow(backend, TABLES[resource], id)).toEqual(stored);
  }
  expect(absent.status).toBe(operation === "update" ? 400 : 404);
}

async function foreignCreate(resource: Resource, key: string): Promise<void> {
  const body = validBody(resource, rival, "manager");
  const made = await send({ key }, resource, "create", "", body);
  expect(made.status, made.text).toBe(201);
  const stored = await storedRow(backend, TABLES[resource], made.json.data.id);
  expect(stored?.organization_id).toBe(rival.tenantId);
  await forget(resource, made.json.data.id);
  // A reference to a row of Acme is a reference to nothing.
  const before = await everything();
  for (const [field, target] of Object.entries(REFERENCES[resource] ?? {})) {
    const [id] = Object.values(acme.rows[target]);
    const foreign = await send({ key }, resource, "create", "", { ...body, [field]: id });
    const none = await send({ key }, resource, "create", "", { ...body, [field]: randomUUID() });
    expectRefusal(foreign, 422, "INVALID_REFERENCE", field);
    expect(withoutRequestId(foreign)).toBe(withoutRequestId(none));
  }
  expect(await everything()).toEqual(before);
}

/* ---------- the roles ---------- */

async function insider(resource: Resource, role: Role, operation: Operation): Promise<void> {
  const rule = ACCESS[resource][role];
  if (operation === "list") return listCell(resource, role, rule);
  if (operation === "get") return getCell(resource, role, rule);
  if (operation === "create") return createCell(resource, role, rule);
  if (operation === "delete") return deleteCell(resource, role, rule);
  return updateCell(resource, role, rule);
}

async function listCell(resource: Resource, role: Role, { read }: Rule): Promise<void> {
  const reply = await send(acme.people[role], resource, "list");
  if (read === undefined) return expectRefusal(reply, 403, "FORBIDDEN");
  expect(reply.status, reply.text).toBe(200);
  const records: { id: string }[] = reply.json.data;
  const expected = read.rows.map((name) => acme.rows[resource][name]);
  expect(records.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
  for (const record of records) expect(Object.keys(record)).toEqual(read.fields);
}

async function getCell(resource: Resource, role: Role, { read }: Rule): Promise<void> {
  const absent = await send(acme.people[role], resource, "get", randomUUID());
  for (const [name, id] of Object.entries(acme.rows[resource])) {
    const reply = await send(acme.people[role], resource, "get", id);
    if (read?.rows.includes(name) === true) {
      expect(reply.status, reply.text).toBe(200);
      expect(Object.keys(reply.json.data)).toEqual(read.fields);
      expect(reply.json.data.id).toBe(id);
    } else {
      expectRefusal(reply, read === undefined ? 403 : 404, read ? "NOT_FOUND" : "FORBIDDEN");
      expect(withoutRequestId(reply)).toBe(withoutRequestId(absent));
    }
  }
}

async function createCell(resource: Resource, role: Role, rule: Rule): Promise<void> {
  const person = acme.people[role];
  const before = await everything();
  const body = validBody(resource, acme, role);
  if (rule.create === undefined) {
    expectRefusal(await send(person, resource, "create", "", body), 403, "FORBIDDEN");
    expectRefusal(await send(person, resource, "create", "", {}), 403, "FORBIDDEN");
    expect(await everything()).toEqual(before);
    return;
  }
  for (const field of notIn(rule.create.fields, resource)) {
    const more = JSON.parse(JSON.stringify({ ...body }).replace("{", `{"${field}":1,`));
    if (field !== "__proto__") more[field] = sampleOf(resource, field, acme);
    const reply = await send(person, resource, "create", "", more);
    expectRefusal(reply, 400, "VALIDATION_ERROR", field);
  }
  expect(await everything()).toEqual(before);
  const whole = Object.fromEntries(
    rule.create.fields.map((field) => [field, sampleOf(resource, field, acme)]),
  );
  const made = await send(person, resource, "create", "", whole);
  expect(made.status, made.text).toBe(201);
  expect(Object.keys(made.json.data)).toEqual(rule.read?.fields ?? ["id"]);
  const stored = await storedRow(backend, TABLES[resource], made.json.data.id);
  for (const field of rule.create.fields) expectStored(stored, field, whole[field]);
  for (const field of rule.create.forcedToCaller ?? []) expectStored(stored, field, person.id);
  expect(stored).toMatchObject({ organization_id: acme.tenantId, version: 1 });
  await forget(resource, made.json.data.id);
}

async function updateCell(resource: Resource, role: Role, rule: Rule): Promise<void> {
  const person = acme.people[role];
  const { update, read } = rule;
  const probe = update?.fields[0] ?? "name";
  const body = { [probe]: sampleOf(resource, probe, acme) };
  for (const [name, id] of Object.entries({ ...acme.rows[resource], none: randomUUID() })) {
    if (update?.rows.includes(name) === true) continue;
    const before = await everything();
    const stored = await storedRow(backend, TABLES[resource], id);
    const reply = await send(person, resource, "update", id, body);
    const isVisible = read?.rows.includes(name) === true;
    if (update === undefined || isVisible) expectRefusal(reply, 403, "FORBIDDEN");
    else expectRefusal(reply, 404, "NOT_FOUND");
    expect(await storedRow(backend, TABLES[resource], id)).toEqual(stored);
    expect(await everything()).toEqual(before);
  }
  if (update === undefined) return;
  for (const name of update.rows) await writeRow(resource, person, name, update.fields);
}

async function deleteCell(resource: Resource, role: Role, rule: Rule): Promise<void> {
  const person = acme.people[role];
  const before = await everything();
  for (const [name, id] of Object.entries({ ...acme.rows[resource], none: randomUUID() })) {
    const isReferred = REFERRED[resource].includes(name);
    const isForbidden = rule.delete === undefined || isOthers(rule, name);
    if (!isForbidden && !isReferred && name !== "none") continue;
    const stored = await storedRow(backend, TABLES[resource], id);
    const reply = await send(person, resource, "delete", id);
    if (isForbidden) expectRefusal(reply, 403, "FORBIDDEN");
    else if (isReferred) expectRefusal(reply, 409, "CONFLICT");
    else expectRefusal(reply, 404, "NOT_FOUND");
    expect(await storedRow(backend, TABLES[resource], id)).toEqual(stored);
  }
  expect(await everything()).toEqual(before);
  if (rule.delete === undefined) return;
  const made = await send(person, resource, "create", "", validBody(resource, acme, role));
  const { id } = made.json.data;
  const gone = await send(person, resource, "delete", id);
  expect([gone.status, gone.text]).toEqual([204, ""]);
  const left = await storedRow(backend, TABLES[resource], id);
  if (MARKED.includes(resource)) expect(left?.deleted_at).toMatch(/^20/);
  else expect(left).toBeUndefined();
  expectRefusal(await send(person, resource, "get", id), 404, "NOT_FOUND");
}

/** A record that the role sees and may not delete, though it deletes others. */
function isOthers({ read, delete: rows }: Rule, name: string): boolean {
  const mayDelete = rows === true || rows?.rows.includes(name) === true;
  return !mayDelete && read?.rows.includes(name) === true;
}

/** Generated from two others, so it changes with them. */
const COMPUTED = "cost";

/** Every writable field changes that field alone; every other field is refused by its name. */
async function writeRow(
  resource: Resource,
  person: { readonly key: string },
  name: string,
  fields: readonly string[],
): Promise<void> {
  const table = TABLES[resource];
  const id = acme.rows[resource][name] ?? "";
  const good = fields[0] ?? "";
  const start = await storedRow(backend, table, id);
  for (const field of notIn(fields, resource)) {
    const body = JSON.parse(`{"${good}":null,"${field}":null}`);
    body[good] = sampleOf(resource, good, acme);
    if (field !== "__proto__") body[field] = sampleOf(resource, field, acme);
    const reply = await send(person, resource, "update", id, body);
    expectRefusal(reply, 400, "VALIDATION_ERROR", field);
  }
  expect(await storedRow(backend, table, id)).toEqual(start);
  for (const field of fields) {
    const before = await storedRow(backend, table, id);
    const value = sampleOf(resource, field, acme);
    const reply = await send(person, resource, "update", id, { [field]: value });
    expect(reply.status, `${field} ${reply.text}`).toBe(200);
    const after = await storedRow(backend, table, id);
    expectStored(after, field, value);
    const kept = [column(field), "updated_at", "version", COMPUTED];
    expect(without(after, kept)).toEqual(without(before, kept));
    expect(after?.version).toBe(Number(before?.version) + 1);
  }
  const restore = Object.keys(start ?? {}).filter((one) => !["version", COMPUTED].includes(one));
  const columns = restore.map((one) => `${one} = s.${one}`).join(", ");
  const text = `update ${table} t set ${columns} from jsonb_populate_record(null::${table}, $1) s
    where t.id = $2`;
  await backend.owner.query(text, [JSON.stringify(start), id]);
}

const notIn = (fields: readonly string[], resource: Resource): readonly string[] =>
  [...FIELDS[resource], ...NO_FIELDS].filter((field) => !fields.includes(field));
/* ---------- asking and judging ---------- */

function isRole(caller: Caller): caller is Role {
  return ROLES.some((role) => role === caller);
}

function send(
  { key }: { readonly key?: string },
  resource: Resource,
  operation: Operation,
  id = "",
  body: unknown = {},
): Promise<Reply> {
  const auth = key === undefined ? {} : { key };
  const path = `/v1/${resource}`;
  if (operation === "list") return backend.request(`${path}?page[size]=100`, auth);
  if (operation === "get") return backend.request(`${path}/${id}`, auth);
  if (operation === "create") return backend.request(path, { ...auth, body });
  if (operation === "delete") {
    return backend.request(`${path}/${id}`, { ...auth, method: "DELETE" });
  }
  return backend.request(`${path}/${id}`, { ...auth, method: "PATCH", body });
}

function without(row: Record<string, unknown> | undefined, columns: readonly string[]): object {
  return Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => !columns.includes(name)));
}

function everything(): Promise<Record<string, number>> {
  return rowCounts(backend, Object.values(TABLES));
}

async function forget(resource: Resource, id: string): Promise<void> {
  await backend.owner.query(`delete from ${TABLES[resource]} where id = $1`, [id]);
}
