// What a search costs and how far it sees, on 200,000 work orders in 20 organizations: PostgreSQL's
// own account of the statement and of the finder inside it, as the app role with the generic plan.
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "../../src/access/actor.ts";
import { newId } from "../../src/base/ids.ts";
import { openSession } from "../../src/database/session.ts";
import type { ListQuery } from "../../src/operations/parse-list.ts";
import { type Finder, findersOf } from "../../src/sql/finder.ts";
import { bind } from "../../src/sql/statement.ts";
import { captureList, type Place } from "../sql/captured.ts";
import type { Execution, PlanNode } from "../sql/explain.ts";
import { PAGE_ROWS } from "../sql/page-cost.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { loadLargeData } from "../support/large-data.ts";

let backend: TestBackend;
/** Of a superuser, as the app role: only a superuser may have plans of nested statements told. */
let session: pg.Client;
let organizations: readonly string[];
const told: string[] = [];

beforeAll(async () => {
  backend = await startTestBackend("search_cost");
  const admin = await openSession(backend.database.adminUrl);
  ({ organizations } = await loadLargeData(admin));
  // One row in a hundred is about a leak, one in a thousand has a word of its own in each tenant.
  await admin.query(
    `update work_orders set description = 'The leak ' || substr(id::text, 9, 4) || ' drips',
       title = title || ' (leak)' where hashint8(substr(title, 12)::bigint) % 100 = 0`,
  );
  await admin.query("vacuum analyze work_orders");
  await admin.close();
  session = new pg.Client({ connectionString: backend.database.adminUrl });
  session.on("notice", ({ message }) => told.push(message ?? ""));
  await session.connect();
  await session.query(
    `load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on;
     set auto_explain.log_format = json; set auto_explain.log_nested_statements = on;
     set plan_cache_mode = force_generic_plan; set timezone = 'UTC'`,
  );
  const [role] = await backend.owner.query<{ name: string }>(
    "select rolname as name from pg_roles where rolname = current_database() || '_app'",
  );
  await session.query(`set session authorization "${role?.name}"`);
}, 180_000);
afterAll(async () => {
  await session?.end();
  await backend?.close();
});

async function actor(role: string, tenantId = organizations[0] ?? ""): Promise<Actor> {
  const id = newId();
  return backend.authenticator.actorFor({ tenantId, role, id, credential: id });
}

type Row = readonly (string | null)[];

interface Account {
  readonly rows: readonly Row[];
  /** Of the finder first, then of the statement that called it. */
  readonly plans: readonly PlanNode[];
}

async function run({ statement, claims, inputs }: Execution): Promise<Account> {
  await session.query("begin");
  const values = bind(statement, claims, inputs);
  await session.query("select set_config('backwright.tenant_id', $1, true)", [claims.tenantId]);
  await session.query("set client_min_messages = log");
  told.length = 0;
  const text = { text: statement.text, values, rowMode: "array" } as const;
  const { rows } = await session.query<(string | null)[]>(text);
  await session.query("rollback"); // Ends the statement, which only then is told of.
  const plans = told.flatMap((message) => {
    const at = message.indexOf("{");
    if (!message.includes("plan:") || at === -1) return [];
    const plan = JSON.parse(message.slice(at)) as { "Query Text": string; Plan: PlanNode };
    return [plan.Plan];
  });
  return { rows, plans };
}

async function account(by: Actor, query: ListQuery, place?: Place): Promise<Account> {
  const resource = backend.project.model.resources.get("workOrders");
  if (resource === undefined) throw new Error("no work orders");
  return run(await captureList(backend.context, by, resource, query, place));
}

function* nodes(plan: PlanNode): Generator<PlanNode> {
  yield plan;
  for (const child of plan.Plans ?? []) yield* nodes(child);
}
const scansOf = (plan: PlanNode): readonly PlanNode[] =>
  [...nodes(plan)].filter((node) => node["Relation Name"] !== undefined);
const seen = (plan: PlanNode): number =>
  scansOf(plan).reduce(
    (sum, node) =>
      sum +
      node["Actual Loops"] *
        (node["Actual Rows"] +
          (node["Rows Removed by Filter"] ?? 0) +
          (node["Rows Removed by Index Recheck"] ?? 0)),
    0,
  );

const ILIKE = { filters: [{ field: "title", operator: "ilike", value: "%(leak)%" }] };
const RANKED = { q: "leak order" };
const CASES: readonly (readonly [name: string, index: string, query: ListQuery])[] = [
  ["a pattern", "work_orders_organization_id_title_index", ILIKE],
  ["a pattern, sorted", "work_orders_organization_id_title_index", { ...ILIKE, sort: "dueAt" }],
  ["words", "work_orders_search", RANKED],
  ["words, sorted", "work_orders_search", { ...RANKED, sort: "-dueAt" }],
  [
    "words and a filter",
    "work_orders_search",
    { ...RANKED, filters: [{ field: "status", operator: "eq", value: "open" }] },
  ],
];

describe("a page that a finder finds", () => {
  // Planted: the GIN index dropped -> red for each case; the finder without its tenant -> red.
  test.each(CASES)(
    "by %s reads its matches by the index and 20 rows a row",
    async (_, index, query) => {
      for (const role of ["manager", "viewer"]) {
        const { rows, plans } = await account(await actor(role), query);
        const [finder, statement] = plans;
        if (finder === undefined || statement === undefined) throw new Error("no two plans");
        expect(rows.length, role).toBe(PAGE_ROWS);
        const indexes = [...nodes(finder)].map((node) => node["Index Name"]);
        expect(indexes, role).toContain(index);
        const condition = JSON.stringify(
          [...nodes(finder)].find((node) => node["Index Name"] === index),
        );
        expect(condition).toContain("organization_id =");
        // The matches among the tenant's rows, once by the index and once joined back.
        const [heap] = scansOf(finder).filter((node) => node["Node Type"] === "Bitmap Heap Scan");
        const matches = (heap?.["Actual Rows"] ?? 0) + (heap?.["Rows Removed by Filter"] ?? 0);
        expect(matches).toBeGreaterThan(PAGE_ROWS);
        expect(matches).toBeLessThan(1_000);
        expect(heap?.["Rows Removed by Index Recheck"] ?? 0).toBeLessThanOrEqual(matches);
        const wholeScans = plans.flatMap((plan) =>
          [...nodes(plan)].filter((node) => node["Node Type"] === "Seq Scan"),
        );
        expect(wholeScans).toEqual([]);
        // A viewer's policy looks at the site of each row as well.
        const perMatch = role === "viewer" ? 2 : 1;
        expect(seen(finder)).toBeLessThanOrEqual((1 + perMatch) * matches);
        expect(seen(statement)).toBeLessThanOrEqual(20 * rows.length + perMatch * matches);
      }
    },
  );

  test("by rank costs the same deep inside, and the pages are those of one order", async () => {
    const by = await actor("manager");
    const first = await account(by, RANKED);
    const last = first.rows[PAGE_ROWS - 2] ?? [];
    const place = { keys: [last.at(-1) ?? null], id: last[0] ?? "" };
    const next = await account(by, RANKED, { ...place, before: false });
    expect(next.rows.length).toBeGreaterThan(0);
    const ids = (rows: Account["rows"]): string[] => rows.map(([id]) => id ?? "");
    const shown = ids(first.rows).slice(0, PAGE_ROWS - 1);
    expect(ids(next.rows).filter((id) => shown.includes(id))).toEqual([]);
    expect(seen(next.plans[1] as PlanNode)).toBeLessThan(1_500);
  });
});

describe("a finder", () => {
  const call = ({ name, claims }: Finder): string =>
    `select count(*)::int as found from backwright.${name}($1${claims
      .map(({ type }) => `, null::${type}`)
      .join("")})`;
  async function count(finder: Finder, value: string, tenant: string): Promise<number> {
    await session.query("begin");
    await session.query("select set_config('backwright.tenant_id', $1, true)", [tenant]);
    const { rows } = await session.query<{ found: number }>(call(finder), [value]);
    await session.query("rollback");
    return rows[0]?.found ?? -1;
  }

  // Planted: the tenant's condition left out of the body -> red.
  test("sees the rows of the transaction's tenant alone, and none without one", async () => {
    const [ours = "", theirs = ""] = organizations;
    const word = "zyxwv";
    await backend.owner.query(
      `update work_orders set title = $2, description = $2, site_id = (select id from sites
         where organization_id = $1 and is_public limit 1), requester_id = requester_id
       where organization_id = $1 and id =
         (select id from work_orders where organization_id = $1 order by id limit 1)`,
      [theirs, word],
    );
    const finders = findersOf(backend.project.model);
    expect(finders.length).toBeGreaterThan(8);
    let found = 0;
    for (const finder of finders) {
      const value = finder.returns.includes("rank") ? word : `%${word}%`;
      expect(await count(finder, value, ours)).toBe(0);
      expect(await count(finder, value, "")).toBe(0);
      found += await count(finder, value, theirs);
    }
    expect(found).toBeGreaterThanOrEqual(4);
  });

  test("can be made, changed and called as somebody else by nobody but the owner", async () => {
    const finders = findersOf(backend.project.model);
    const [finder] = finders;
    if (finder === undefined) throw new Error("there are finders");
    const rows = await backend.owner.query<{ public: boolean; definer: boolean }>(
      `select p.prosecdef as definer, exists (select from aclexplode(p.proacl) a
         where a.grantee = 0) as public
       from pg_proc p where p.pronamespace = 'backwright'::regnamespace and p.proname ~ '^finder_'`,
    );
    expect(rows).toHaveLength(finders.length);
    expect(rows.every((row) => row.definer && !row.public)).toBe(true);
    const types = finder.arguments.join(", ");
    await expect(
      session.query(`drop function backwright.${finder.name}(${types})`),
    ).rejects.toThrow("must be owner");
  });
});
