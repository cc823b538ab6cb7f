// The SQL of representative operations, word for word. A change of it is meant to be read:
// `vitest run test/sql/golden.test.ts -u` writes the files anew.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { decide } from "../../src/access/decide.ts";
import { fieldOf } from "../../src/model/model.ts";
import { aggregateRecords } from "../../src/operations/aggregate.ts";
import type { OperationsContext, RequestContext } from "../../src/operations/context.ts";
import { createMany } from "../../src/operations/create-many.ts";
import { executeWrite } from "../../src/operations/execute-write.ts";
import { parseBody } from "../../src/operations/parse-body.ts";
import type { ListQuery, RawFilter, RecordQuery } from "../../src/operations/parse-list.ts";
import { planUpdate } from "../../src/operations/plan-write.ts";
import { createRecord, deleteRecord, updateRecord } from "../../src/operations/write.ts";
import { matchFinder, searchFinder } from "../../src/sql/finder.ts";
import { captureGet, captureList, captureWrite, type Place, requestOf } from "./captured.ts";
import type { Execution } from "./explain.ts";
import { actorOf, offlineContext, resourceOf } from "./offline.ts";

const GOLDEN = join(import.meta.dirname, "../golden/sql");
const ID = "01890a5d-ac96-774b-bcce-b302099a8057";

let context: OperationsContext;
beforeAll(async () => {
  context = await offlineContext();
});

async function expectGolden(name: string, execution: Execution): Promise<void> {
  await expect(written(execution)).toMatchFileSnapshot(join(GOLDEN, `${name}.sql`));
}

/** The text on lines that can be read, and what stands in each parameter. */
function written({ statement }: Execution): string {
  const slots = statement.slots.map((slot, at) => {
    const what = slot.kind === "claim" ? `claim ${slot.claim}` : `input ${slot.index}`;
    return `-- $${at + 1}: ${what}`;
  });
  const lines = statement.text
    .replace(/ (from|where|order by|limit|union all|returning|left join|cross join) /g, "\n$1 ")
    .replace(/, (\w+ as (?:materialized )?\()/g, ",\n$1")
    .replace(/ (select|update|insert into|delete from) /g, "\n$1 ");
  return `${slots.join("\n")}\n${lines}\n`;
}

const filter = (field: string, operator: string, value: string): RawFilter => ({
  field,
  operator,
  value,
});
const DUE = "2026-06-01T08:00:00Z";
const keyed = (before: boolean): Place => ({
  keys: ["2026-06-01 08:00:00.000001+00"],
  id: ID,
  before,
});
const unkeyed = (before: boolean): Place => ({ keys: [null], id: ID, before });

const gets: Readonly<Record<string, readonly [role: string, query: RecordQuery]>> = {
  "get-manager": ["manager", {}],
  "get-include": ["manager", { include: "site,assignee", fields: new Map([["", "id,title"]]) }],
  "get-requester": ["requester", {}],
  "get-technician-claims": ["technician", { fields: new Map([["", "id"]]) }],
  "get-viewer-relation": ["viewer", { fields: new Map([["", "id"]]), include: "site" }],
};

const fields = new Map([["", "id,dueAt"]]);
const included = {
  include: "asset.site,asset.workOrders",
  fields: new Map([
    ["", "id"],
    ["asset", "name"],
    ["asset.site", "name,isPublic"],
    ["asset.workOrders", "dueAt"],
  ]),
};
const lists: Readonly<
  Record<string, readonly [ListQuery, place?: Place | undefined, role?: string]>
> = {
  "list-newest": [{ fields }],
  "list-newest-after": [{ fields }, { keys: [ID], id: ID, before: false }],
  "list-nullable": [{ fields, sort: "-dueAt" }],
  "list-nullable-after": [{ fields, sort: "-dueAt" }, keyed(false)],
  "list-nullable-after-null": [{ fields, sort: "-dueAt" }, unkeyed(false)],
  "list-nullable-before": [{ fields, sort: "-dueAt" }, keyed(true)],
  "list-nullable-before-null": [{ fields, sort: "-dueAt" }, unkeyed(true)],
  "list-equal": [{ fields, filters: [filter("status", "eq", "open")], sort: "dueAt" }],
  "list-in": [{ fields, filters: [filter("status", "in", "open,done")], sort: "dueAt" }],
  "list-in-after": [
    { fields, filters: [filter("status", "in", "open,done")], sort: "-dueAt" },
    keyed(false),
  ],
  "list-in-the-sort": [
    { fields, filters: [filter("dueAt", "in", DUE)], sort: "dueAt" },
    keyed(false),
  ],
  "list-not-equal": [{ fields, filters: [filter("dueAt", "ne", DUE)], sort: "dueAt" }],
  "list-not-equal-after": [
    { fields, filters: [filter("dueAt", "ne", DUE)], sort: "dueAt" },
    keyed(false),
  ],
  "list-range-after": [
    { fields, filters: [filter("dueAt", "gte", DUE)], sort: "dueAt" },
    keyed(false),
  ],
  "list-beside-pattern": [
    {
      fields,
      filters: [filter("status", "eq", "open"), filter("title", "contains", "100%")],
      sort: "dueAt",
    },
  ],
  "list-found": [{ fields, filters: [filter("title", "ilike", "%leak%")], sort: "dueAt" }],
  "list-found-technician": [
    { fields, filters: [filter("title", "ilike", "%leak%")] },
    undefined,
    "technician",
  ],
  "list-ranked": [{ fields, q: "leak", filters: [filter("status", "eq", "open")] }],
  "list-ranked-before": [
    { fields, q: "leak" },
    { keys: ["0.6079271"], id: ID, before: true },
  ],
  "list-ranked-sorted": [{ fields, q: "leak", sort: "dueAt" }],
  "list-held-null": [{ fields, filters: [filter("assigneeId", "isNull", "true")], sort: "dueAt" }],
  "list-two-filters": [
    {
      fields,
      filters: [filter("status", "eq", "open"), filter("teamId", "eq", ID)],
      size: "100",
    },
  ],
  "list-unique": [{ fields, filters: [filter("id", "in", ID)], sort: "-dueAt" }, keyed(false)],
  "list-viewer-relation": [{ fields, sort: "dueAt" }, undefined, "viewer"],
  "list-include-many": [{ ...included, sort: "-dueAt" }, keyed(false)],
  "list-groups-after": [
    {
      fields,
      filters: [
        { ...filter("status", "eq", "open"), groups: ["or", "0"] },
        { ...filter("dueAt", "lt", DUE), groups: ["or", "1"] },
        { ...filter("site.name", "eq", "Yard"), groups: ["or", "1", "not"] },
      ],
      sort: "-dueAt",
    },
    keyed(false),
  ],
};

const as = (role: string): RequestContext => requestOf(actorOf(role));
const order = { title: "Leak", siteId: ID };
type Operation = (context: OperationsContext) => Promise<unknown>;
const writes: Readonly<Record<string, Operation>> = {
  "create-manager": (c) =>
    createRecord(c, as("manager"), resourceOf(c, "workOrders"), {
      body: { ...order, requesterId: ID },
    }),
  "create-requester-key": (c) =>
    createRecord(c, as("requester"), resourceOf(c, "workOrders"), {
      body: order,
      idempotencyKey: "key",
    }),
  "create-many-requester": (c) => {
    const resource = resourceOf(c, "workOrders");
    const grant = decide(actorOf("requester"), resource, "create");
    const values = parseBody(order, grant, "create");
    return createMany(c, as("requester"), resource, grant, [values, values]);
  },
  "update-by-key": (c) => {
    const resource = resourceOf(c, "workOrders");
    const grant = decide(actorOf("manager"), resource, "update");
    const values = parseBody({ title: "New" }, grant, "update");
    const keys = parseBody({ externalId: "7" }, grant, "update");
    const parts = { grant, values, keys, id: ID, claim: undefined };
    return executeWrite(c, as("manager"), planUpdate(c, as("manager"), resource, parts));
  },
  "update-manager-state": (c) =>
    updateRecord(c, as("manager"), resourceOf(c, "workOrders"), {
      id: ID,
      body: { status: "done", dueAt: null },
      version: "3",
    }),
  "update-technician-key": (c) =>
    updateRecord(c, as("technician"), resourceOf(c, "workOrders"), {
      id: ID,
      body: { description: "New" },
      idempotencyKey: "key",
    }),
  "update-own-row": (c) =>
    updateRecord(c, as("requester"), resourceOf(c, "users"), { id: ID, body: { name: "Me" } }),
  "delete-manager": (c) =>
    deleteRecord(c, as("manager"), resourceOf(c, "teams"), { id: ID, version: "1" }),
};

const finders: Readonly<Record<string, readonly [role: string, by: string]>> = {
  "finder-pattern": ["technician", "title"],
  "finder-words": ["manager", "q"],
  "finder-words-of-some-fields": ["viewer", "q"],
};

const aggregates: Readonly<Record<string, Operation>> = {
  "aggregate-manager": (c) =>
    aggregateRecords(c, as("manager"), resourceOf(c, "workOrders"), {
      groupBy: "status,reportedAt.month",
      count: "true",
      measures: { max: "closedAt" },
      filters: [filter("site.name", "eq", "Yard"), filter("status", "in", "open,done")],
      sort: "-count",
    }),
  "aggregate-technician": (c) =>
    aggregateRecords(c, as("technician"), resourceOf(c, "workOrders"), { count: "true" }),
};

describe("an aggregate", () => {
  test.each(Object.entries(aggregates))("%s", async (name, operation) => {
    await expectGolden(name, await captureWrite(context, operation));
  });
});

describe("one record", () => {
  test.each(Object.entries(gets))("%s", async (name, [role, query]) => {
    const of = resourceOf(context, "workOrders");
    await expectGolden(name, await captureGet(context, requestOf(actorOf(role)), of, ID, query));
  });
});

describe("a page", () => {
  test.each(Object.entries(lists))("%s", async (name, [query, place, role = "manager"]) => {
    const of = resourceOf(context, "workOrders");
    await expectGolden(name, await captureList(context, actorOf(role), of, query, place));
  });
});

describe("a finder", () => {
  test.each(Object.entries(finders))("%s", async (name, [role, by]) => {
    const of = resourceOf(context, "workOrders");
    const grant = of.access.get(role)?.read;
    if (grant === undefined) throw new Error(`${role} reads work orders`);
    const finder =
      by === "q"
        ? searchFinder(context.model, of, grant)
        : matchFinder(context.model, of, grant, fieldOf(of.table, by), "ilike");
    const head = `-- (${finder?.arguments.join(", ")}) returns (${finder?.returns})`;
    const path = join(GOLDEN, `${name}.sql`);
    await expect(`${head}\n${finder?.body}\n`).toMatchFileSnapshot(path);
  });
});

describe("a write", () => {
  test.each(Object.entries(writes))("%s", async (name, operation) => {
    await expectGolden(name, await captureWrite(context, operation));
  });
});

test("no file is left of a statement that is gone", () => {
  const cases = [aggregates, gets, lists, finders, writes];
  const names = cases.flatMap((one) => Object.keys(one));
  expect(readdirSync(GOLDEN).sort()).toEqual(names.map((name) => `${name}.sql`).sort());
});
