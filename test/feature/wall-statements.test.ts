// Every kind of statement that the product sends, sent again with the wall closed: the tenant
// stands in its parameters as before, but the session has none, or another. The wall alone must
// then keep every row back. Reliability check 47.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openSession, postgresFailure, type Session } from "../../src/database/session.ts";
import { bind } from "../../src/sql/statement.ts";
import type { Execution } from "../sql/explain.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

interface Sent extends Execution {
  readonly kind: "read" | "write";
  /** What the caller got from it. */
  readonly rows: number;
}

let backend: TestBackend;
let app: Session;
let ours: string;
let theirs: string;
let sent: readonly Sent[];

beforeAll(async () => {
  backend = await startTestBackend("wall_statements");
  app = await openSession(backend.database.appUrl);
  await app.query("set plan_cache_mode = force_generic_plan");
  ours = await backend.tenant("Ours");
  theirs = await backend.tenant("Theirs");
  sent = await record(async () => {
    for (const role of ["manager", "dispatcher", "technician", "requester", "viewer"]) {
      await useEverything(await backend.person(ours, role), await backend.person(ours, "manager"));
    }
  });
});
afterAll(async () => {
  await app?.close();
  await backend?.close();
});

/** Every different statement that goes to the database during `work`, the last of each shape. */
async function record(work: () => Promise<void>): Promise<readonly Sent[]> {
  const { database } = backend.context;
  const found = new Map<string, Sent>();
  for (const kind of ["read", "write"] as const) {
    const run = database[kind].bind(database);
    vi.spyOn(database, kind).mockImplementation(async (statement, caller, inputs) => {
      const rows = await run(statement, caller, inputs);
      const { claims } = caller;
      found.set(statement.text, { kind, statement, claims, inputs, rows: rows.length });
      return rows;
    });
  }
  await work();
  vi.restoreAllMocks();
  return [...found.values()];
}

async function useEverything(person: Person, manager: Person): Promise<void> {
  const call = (path: string, options: object = {}, who = person) =>
    backend.request(`/v1/${path}`, { key: who.key, ...options });
  const name = `${person.role} ${person.id}`;
  const made = (path: string, body: object) => call(path, { body }, manager);
  const site = (await made("sites", { name, isPublic: true })).json.data;
  const asset = (await made("assets", { name, siteId: site.id })).json.data;
  const category = (await made("categories", { name })).json.data;
  const team = (await made("teams", { name })).json.data;
  const order = {
    title: name,
    siteId: site.id,
    assetId: asset.id,
    categoryId: category.id,
  };
  const body = { ...order, requesterId: person.id, assigneeId: person.id, teamId: team.id };
  const { data } = (await made("work-orders", body)).json;
  await call("work-orders", { body, headers: { "idempotency-key": "one" } });
  await call("work-orders", { body, headers: { "idempotency-key": "one" } });
  await call("work-orders", { body: order });
  const nowhere = { ...order, siteId: manager.id };
  await call("work-orders", { body: nowhere });
  const at = `work-orders/${data.id}`;
  for (const status of ["assigned", "in_progress", "open"]) {
    await call(at, { method: "PATCH", body: { status } });
  }
  const key = { "idempotency-key": "two" };
  await call(at, { method: "PATCH", body: { description: "New" }, headers: key });
  await call(at, { method: "PATCH", body: { title: "New", teamId: team.id } });
  await call(at, { method: "PATCH", body: { title: "Old" }, headers: { "if-match": '"1-x"' } });
  await call(`users/${person.id}`, { method: "PATCH", body: { phone: "1" } });
  await call(`assets/${asset.id}`, { method: "PATCH", body: { serialNumber: "1" } });
  for (const path of ["work-orders", "assets", "sites", "categories", "teams", "users"]) {
    const list = await call(path);
    await call(`${path}?page[size]=1`).then(({ json }) => {
      const next = json?.meta?.pagination?.next;
      return next && call(`${path}?page[after]=${next}&page[size]=1`);
    });
    await call(`${path}/${list.json?.data?.[0]?.id ?? data.id}`);
  }
  const spare = (await made("teams", { name: `spare ${name}` })).json.data;
  await call(`teams/${spare.id}`, { method: "DELETE" });
  await call(`teams/${spare.id}`, { method: "DELETE" }, manager);
  await call(`${at}?include=site,asset,category`);
  await call("work-orders?filter[status][in]=open,assigned&sort=-dueAt&include=site");
  await call("work-orders?filter[dueAt][isNull]=true&sort=dueAt");
  await call("work-orders?filter[dueAt][ne]=2026-01-01T00:00:00Z&sort=dueAt");
}

// The look-up of a key has no tenant yet, and the removal of old replies is for all of them.
const WITHOUT_TENANT = /backwright\.(find_api_key|forget_replies)\(/;

/** What a statement gave away in a session of a tenant, or of none. */
async function leaks(session: string | undefined, one: Sent): Promise<readonly string[]> {
  const { statement, claims, inputs, kind } = one;
  const values = bind(statement, claims, inputs);
  await app.query("begin");
  try {
    if (session !== undefined) {
      await app.query("select set_config('backwright.tenant_id', $1, true)", [session]);
    }
    const text = kind === "read" ? asLists(statement.text) : statement.text;
    const rows = await app.query<Record<string, unknown>>(text, values);
    return rows.flatMap(givenAway);
  } catch (error) {
    const failure = postgresFailure(error);
    if (failure === null) throw error;
    // Any other refusal than the wall's looked at a row first.
    return failure.code === "42501" ? [] : [failure.code];
  } finally {
    await app.query("rollback");
  }
}

/** Columns of the same name would hide each other in an object. */
function asLists(text: string): string {
  return `select array(select value from json_each_text(row_to_json(x))) as list from (${text}) x`;
}

// Questions about visibility are answered with "false", a claim without rows is an empty list, and
// a write that found nothing has a row of nulls. Whether an idempotency key is free ("open") says
// nothing about rows.
function givenAway({ list, open: _open, ...row }: Record<string, unknown>): string[] {
  const values = Array.isArray(list) ? list : Object.values(row);
  const nothing: unknown[] = [null, "false", "{}"];
  return values.every((value) => nothing.includes(value)) ? [] : [JSON.stringify(values)];
}

async function allLeaks(session: string | undefined): Promise<readonly string[]> {
  const found: string[] = [];
  for (const one of sent) {
    if (WITHOUT_TENANT.test(one.statement.text)) continue;
    const rows = await leaks(session, one);
    if (rows.length > 0) found.push(`${rows[0]} from ${one.statement.text}`);
  }
  return found;
}

describe("each statement of the product", () => {
  test("was recorded, for every operation and role", () => {
    const texts = sent.map(({ statement }) => statement.text);
    expect(texts.length).toBeGreaterThan(80);
    const fragments = ["insert into", "update ", "delete ", "idempotency", "limit 26", "exists ("];
    for (const fragment of fragments) expect(texts.join("\n")).toContain(fragment);
    expect(sent.filter(({ kind }) => kind === "write").length).toBeGreaterThan(20);
  });

  test("gives nothing away without a tenant", async () => {
    expect(await allLeaks(undefined)).toEqual([]);
  });

  test("gives nothing away behind the wall of another tenant", async () => {
    expect(await allLeaks(theirs)).toEqual([]);
  });

  test("gives rows to its own tenant, or the two tests above would find nothing", async () => {
    const reads = sent.filter(({ kind, rows }) => kind === "read" && rows > 0);
    const answered = [];
    for (const one of reads) answered.push((await leaks(ours, one)).length > 0);
    expect(answered.filter((found) => found).length).toBeGreaterThanOrEqual(60);
  });

  // Planted by the test itself: an opening such as a careless migration makes.
  test("is found out where a wall has an opening", async () => {
    await backend.owner.query("create policy opening on sites using (true) with check (true)");
    const found = await allLeaks(theirs);
    await backend.owner.query("drop policy opening on sites");
    expect(found.length).toBeGreaterThan(5);
    expect(found.every((leak) => leak.includes('"sites"'))).toBe(true);
  });
});
