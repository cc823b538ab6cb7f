// A statement is compiled once per key, so whatever changes its text must be part of the key.
import { expect, test } from "vitest";
import type { ResourceModel } from "../../src/model/model.ts";
import type { ListQuery, RawFilter } from "../../src/operations/parse-list.ts";
import { Shapes } from "../../src/operations/shapes.ts";
import type { Statement } from "../../src/sql/statement.ts";
import { captureGet, captureList, type Place, requestOf } from "./captured.ts";
import { actorOf, offlineContext } from "./offline.ts";
import { allPairs, filterOf, refusal } from "./serving-cases.ts";

/** Compiles every time, and compares with what the key stood for before. */
class CheckedShapes extends Shapes {
  readonly seen = new Map<string, string>();
  readonly wrong: string[] = [];

  override get<T>(key: string, compile: () => T): T {
    const made = compile();
    const { text: sql, slots } = statementIn(made);
    const text = `${sql} ${JSON.stringify(slots)}`;
    const known = this.seen.get(key);
    if (known !== undefined && known !== text) this.wrong.push(key);
    this.seen.set(key, text);
    return made;
  }
}

/** What is kept for a shape is its statement, alone or beside the reader of its rows. */
function statementIn(made: unknown): Statement {
  const { statement } = made as { readonly statement?: Statement };
  return statement ?? (made as Statement);
}

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";
const VALUES: Readonly<Record<string, string>> = {
  uuid: ID,
  text: "leak",
  timestamptz: "2026-06-01T08:00:00Z",
  integer: "1",
  boolean: "true",
};

/** Each relation, one further on, and pages of two sizes. */
function includes(resource: ResourceModel): ListQuery[] {
  const names = [...resource.table.relations.keys(), ...resource.table.manyRelations.keys()];
  return names.flatMap((include) => [
    { include },
    { include: `${include}.site`, fields: new Map([[`${include}.site`, "id"]]) },
    { include, pages: new Map([[include, { size: "3" }]]) },
    { include, pages: new Map([[include, { size: "4" }]]) },
  ]);
}

/** The test or else another one of the same field, and not a third. */
function inGroups(filters: readonly RawFilter[]): RawFilter[] {
  return filters.flatMap((one) => [
    { ...one, groups: ["or", "0"] },
    { field: one.field, operator: "isNull", value: "true", groups: ["or", "1"] },
    { field: one.field, operator: "isNull", value: "true", groups: ["or", "0", "not"] },
  ]);
}

// Planted fault: the null-ness of the cursor left out of the key -> red.
test("lists and records of the same key have the same text", { timeout: 120_000 }, async () => {
  const shapes = new CheckedShapes();
  const context = await offlineContext(shapes);
  const places: readonly (Place | undefined)[] = [
    undefined,
    { keys: [ID], id: ID, before: false },
    { keys: [ID], id: ID, before: true },
    { keys: [null], id: ID, before: false },
    { keys: [null], id: ID, before: true },
  ];
  for (const resource of context.model.resources.values()) {
    for (const [role, access] of resource.access) {
      if (access.read === undefined) continue;
      const actor = actorOf(role);
      for (const fields of [undefined, new Map([["", "id"]])]) {
        await captureGet(context, requestOf(actor), resource, ID, { fields });
      }
      for (const query of includes(resource)) {
        const isServed = refusal(resource, role, query, context.model) === undefined;
        if (!isServed) continue;
        await captureGet(context, requestOf(actor), resource, ID, query);
        for (const place of places) await captureList(context, actor, resource, query, place);
      }
      for (const pair of allPairs(resource, role)) {
        const value = pair.field.values?.[0] ?? VALUES[pair.field.type?.sql ?? ""] ?? "";
        const query = { filters: [filterOf(pair, value)], sort: pair.sort };
        if (refusal(resource, role, query, context.model) !== undefined) continue;
        for (const place of places) await captureList(context, actor, resource, query, place);
        await captureList(context, actor, resource, { ...query, size: "51" });
        const groups = { ...query, filters: inGroups(query.filters), sort: pair.sort ?? "-id" };
        if (refusal(resource, role, groups, context.model) !== undefined) continue;
        for (const place of places) await captureList(context, actor, resource, groups, place);
      }
    }
  }
  expect(shapes.wrong.slice(0, 5)).toEqual([]);
  expect(shapes.seen.size).toBeGreaterThan(3_000);
  // The other way round, many keys with one text would only cost plans.
  const texts = new Set(shapes.seen.values());
  expect(shapes.seen.size / texts.size).toBeLessThan(3);
});
