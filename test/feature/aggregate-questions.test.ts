// What may not be asked of an aggregate, by whom, and how a question that is none is refused.
//
// Planted faults, each seen red: every declared field offered whatever the role reads; the declared
// list not looked at; any time zone taken that PostgreSQL takes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CostsWorld, OWNERS } from "../fixtures/costs-world.ts";
import { expectRefusal, namedFields } from "../fixtures/refusals.ts";
import type { Reply } from "../support/backend.ts";

let world: CostsWorld;
beforeAll(async () => {
  world = await CostsWorld.start("aggregate_questions");
}, 120_000);
afterAll(async () => {
  const failures = world.backend.log.filter((line) => line.message === "request failed");
  await world.backend.close();
  expect(failures).toEqual([]);
});

describe("a role that may not read a field", () => {
  // The question asks about a field in each place where one can stand.
  const USES = (field: string): readonly string[] => [
    `count=true&groupBy=${field}`,
    `count=true&groupBy=${field}.month`,
    `count=true&groupBy=stage,${field}`,
    ...["sum", "avg", "min", "max"].map((measure) => `${measure}=${field}`),
    `count=true&filter[${field}]=1`,
    `count=true&filter[${field}][isNull]=true`,
    `count=true&sort=sum.${field}&sum=hours`,
    `count=true&groupBy=stage&sort=${field}`,
  ];

  test("can use it nowhere, and learns no more of it than of one that there is not", async () => {
    for (const field of ["amount", "ownerId", "placeId", "units", "title", "colour"]) {
      for (const use of USES(field)) {
        const refused = await world.ask("acme clerk", use);
        expectRefusal(refused, 400, "PARAMETER_INVALID");
        const unknown = await world.ask("acme clerk", use.replaceAll(field, "nothing"));
        const blank = (reply: Reply, name: string) =>
          JSON.stringify(reply.json.error.details).replaceAll(name, "·");
        expect(blank(refused, field)).toBe(blank(unknown, "nothing"));
      }
    }
  });

  test("nor can anybody use a hidden field, the tenant, or one that is not declared", async () => {
    for (const field of ["secret", "organizationId", "deletedAt", "version", "__proto__"]) {
      for (const use of USES(field).slice(0, 7)) {
        expectRefusal(await world.ask("acme admin", use), 400, "PARAMETER_INVALID");
      }
    }
  });

  test("is refused altogether without a grant to read", async () => {
    expectRefusal(await world.ask("acme stranger", "count=true"), 403, "FORBIDDEN");
  });

  test("learns nothing through a relation whose target it may not read", async () => {
    const query = "count=true&filter[place.name]=open";
    expectRefusal(await world.ask("acme clerk", query), 400, "PARAMETER_INVALID");
    const seen = await world.ask("acme owner", query);
    const mine = world
      .costs("acme")
      .filter((one) => one.ownerId === OWNERS[0] && one.placeIsOpen === true && !one.isDeleted);
    expect(seen.json.data).toEqual([{ group: {}, count: mine.length }]);
  });
});

describe("a question that is none", () => {
  test.each([
    ["", "count"],
    ["count=false", "count"],
    ["count=yes", "count"],
    ["count=true&count=true", "count"],
    ["count=true&groupBy=stage,stage", "groupBy"],
    ["count=true&groupBy=", "groupBy"],
    ["count=true&groupBy=stage.month", "groupBy"],
    ["count=true&groupBy=day.hour", "groupBy"],
    ["count=true&groupBy=day.month.x", "groupBy"],
    ["count=true&groupBy=amount", "groupBy"],
    [`count=true&groupBy=${"stage,".repeat(900)}`, "groupBy"],
    ["sum=stage", "sum"],
    ["sum=hours,hours", "sum"],
    ["count=true&sort=sum.hours", "sort"],
    ["count=true&sort=count,-count", "sort"],
    ["count=true&groupBy=day.month&timeZone=UTC", "timeZone"],
    ["count=true&groupBy=spentAt.day&timeZone=Mars/Base", "timeZone"],
    ["count=true&groupBy=spentAt.day&timeZone=EST5EDT4,M3.2.0,M11.1.0", "timeZone"],
    ["count=true&groupBy=spentAt.day&timeZone=%2B02:00", "timeZone"],
    ["count=true&groupBy=spentAt.day&timeZone=america/new_york", "timeZone"],
    ["count=true&groupBy=spentAt.day&timeZone=%00", "timeZone"],
    ["count=true&page[size]=0", "page[size]"],
    ["count=true&page[size]=1001", "page[size]"],
    ["count=true&page[after]=x", "page[after]"],
    ["count=true&page[offset]=1", "page[offset]"],
    // Planted: a list of what an aggregate does not take, without q -> red (figures of everything).
    ["count=true&q=nothing", "q"],
    ["count=true&%71=nothing", "q"],
    ["count=true&highlight=true", "highlight"],
    ["count=true&page[place][size]=1", "page[place][size]"],
    ["count=true&include=place", "include"],
    ["count=true&fields=id", "fields"],
    ["count=true&having=1", "having"],
    ["count=true&filter[stage]=none", "filter[stage]"],
    ["count=true&sum=%FF", "sum"],
    ["count[x]=true", "count[x]"],
  ])("is refused by the parameter's name: %s", async (query, field) => {
    const reply = await world.ask("acme admin", query);
    expectRefusal(reply, 400, "PARAMETER_INVALID");
    expect(namedFields(reply)).toContain(field);
  });

  test("of a resource without aggregates is no address", async () => {
    const key = world.key("acme admin");
    const reply = await world.backend.request("/v1/places/aggregate?count=true", { key });
    expectRefusal(reply, 400, "PARAMETER_INVALID", "id");
  });
});
