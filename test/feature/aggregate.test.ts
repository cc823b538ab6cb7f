// Aggregates against an oracle in JavaScript: random rows of two tenants, random groups, figures,
// filters and roles; bounds, time zones, ETag and time limit.
//
// Planted faults, each seen red: the role's row condition left out; rows marked as deleted counted;
// the filters left out; the time zone of days ignored; `order by` without nulls first; sums as
// numbers; the limit of groups not kept.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CostsWorld, decimal, OWNERS } from "../fixtures/costs-world.ts";
import { expectRefusal } from "../fixtures/refusals.ts";
import { type Answer, answersOf, type Question } from "../sql/cost-oracle.ts";

let world: CostsWorld;
beforeAll(async () => {
  world = await CostsWorld.start("aggregate");
}, 120_000);
afterAll(async () => {
  const failures = world.backend.log.filter((line) => line.message === "request failed");
  await world.backend.close();
  // The one of the test whose lock is not had in time.
  expect(failures.map((line) => line.code)).toEqual(["UNAVAILABLE"]);
});

const BUCKETED = ["", ".day", ".week", ".month", ".quarter", ".year"];
const groupName = fc.oneof(
  fc.constantFrom("stage", "hours", "day"),
  fc.constantFrom(...BUCKETED.slice(1)).map((bucket) => `day${bucket}`),
  fc.constantFrom(...BUCKETED.slice(1)).map((bucket) => `spentAt${bucket}`),
);
const question = fc.record({
  who: fc.constantFrom("acme admin", "acme owner", "acme clerk", "other admin", "other clerk"),
  groupBy: fc.uniqueArray(groupName, { maxLength: 3 }),
  timeZone: fc.constantFrom("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"),
  filter: fc.option(
    fc.constantFrom(
      { field: "stage", value: "spent" } as const,
      { field: "hours", value: "2" } as const,
      { field: "day", value: "2026-01-15" } as const,
    ),
    { nil: undefined },
  ),
  descending: fc.boolean(),
});

/** The figures of a group as the reply has them. */
function figures({ group, count, amounts, hours, units, spent }: Answer, isClerk: boolean) {
  const sum = (values: readonly bigint[]): bigint => values.reduce((all, one) => all + one, 0n);
  const [least = 0n] = amounts.toSorted((a, b) => (a < b ? -1 : 1));
  const instant = (at: number): string => new Date(at).toISOString().replace("Z", "000Z");
  const sumOfHours = hours.length === 0 ? null : String(sum(hours.map(BigInt)));
  const first = spent.length === 0 ? null : instant(Math.min(...spent));
  if (isClerk) return { group, count, sum: { hours: sumOfHours }, min: { spentAt: first } };
  return {
    group,
    count,
    sum: {
      amount: amounts.length === 0 ? null : decimal(sum(amounts)),
      hours: sumOfHours,
      units: units.length === 0 ? null : String(sum(units)),
    },
    min: { amount: amounts.length === 0 ? null : decimal(least), spentAt: first },
  };
}

/** Null smallest. */
function compare(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}

test("any question of any role is answered as the oracle answers it", async () => {
  let groupsSeen = 0;
  await fc.assert(
    fc.asyncProperty(question, async ({ who, groupBy, timeZone, filter, descending }) => {
      const [tenant = "", role = ""] = who.split(" ");
      const isClerk = role === "clerk";
      const asked: Question = {
        groupBy,
        timeZone,
        filter,
        owner: role === "owner" ? OWNERS[0] : undefined,
        onlyOpenPlaces: isClerk,
      };
      const expected = answersOf(world.costs(tenant), asked)
        .map((answer) => figures(answer, isClerk))
        .sort((a, b) => {
          const sign = descending ? -1 : 1;
          const [first = "", ...rest] = groupBy;
          const by = compare(a.group[first] ?? null, b.group[first] ?? null) * sign;
          const others = rest.map((key) => compare(a.group[key] ?? null, b.group[key] ?? null));
          return [by, ...others].find((order) => order !== 0) ?? 0;
        });
      const parameters = new URLSearchParams({ count: "true" });
      if (groupBy.length > 0) parameters.set("groupBy", groupBy.join());
      if (groupBy.length > 0) parameters.set("sort", `${descending ? "-" : ""}${groupBy[0]}`);
      parameters.set("sum", isClerk ? "hours" : "amount,hours,units");
      parameters.set("min", isClerk ? "spentAt" : "amount,spentAt");
      if (filter !== undefined) parameters.set(`filter[${filter.field}]`, filter.value);
      const hasZone = groupBy.some((name) => name.startsWith("spentAt."));
      if (hasZone) parameters.set("timeZone", timeZone);
      const reply = await world.ask(who, String(parameters));
      expect(reply.status, reply.text).toBe(200);
      expect(reply.json.data).toEqual(expected);
      expect(reply.json.meta).toEqual({
        groups: expected.length,
        hasMore: false,
        timeZone: hasZone ? timeZone : "UTC",
      });
      groupsSeen += expected.length;
    }),
    { numRuns: 150, seed: 19 },
  );
  expect(groupsSeen).toBeGreaterThan(600);
});

describe("an average", () => {
  test("is text, and null where there is nothing to average", async () => {
    const { json } = await world.ask("acme admin", "avg=hours,amount&max=weight&groupBy=stage");
    for (const { avg, max } of json.data) {
      expect(avg.hours).toMatch(/^-?\d+\.\d+$/);
      expect(avg.amount).toMatch(/^-?\d+\.\d+$/);
      expect(max).toEqual({ weight: null });
    }
    const none = await world.ask("acme admin", "avg=hours&count=true&filter[hours]=12345");
    expect(none.json.data).toEqual([{ group: {}, count: 0, avg: { hours: null } }]);
  });
});

test("groups of conditions find each record once, under the same grants", async () => {
  const seen = world.costs("acme").filter((one) => !one.isDeleted);
  const either = seen.filter(({ stage, hours }) => stage === "paid" || hours === 2);
  const neither = seen.filter(({ stage }) => stage !== "paid");
  const query = "count=true&filter[or][0][stage]=paid&filter[or][1][hours]=2";
  const { json } = await world.ask("acme admin", query);
  expect(json.data).toEqual([{ group: {}, count: either.length }]);
  const negated = await world.ask("acme admin", "count=true&filter[not][stage]=paid");
  expect(negated.json.data).toEqual([{ group: {}, count: neither.length }]);
  const hidden = "count=true&filter[or][0][stage]=paid&filter[or][1][ownerId]=x";
  expectRefusal(await world.ask("acme clerk", hidden), 400, "PARAMETER_INVALID");
  const open = either.filter(({ placeIsOpen }) => placeIsOpen === true);
  const clerks = await world.ask("acme clerk", query);
  expect(clerks.json.data).toEqual([{ group: {}, count: open.length }]);
});

test("a sum that its type cannot hold is 422, and other figures can be asked", async () => {
  const tenant = await world.tenant("large");
  await world.backend.owner.query(
    `insert into costs (organization_id, id, title, stage, weight, lasted)
     select $1, gen_random_uuid(), 'x', 'paid', 1e308, make_interval(days => n)
     from generate_series(1, 3) n`,
    [tenant],
  );
  expectRefusal(await world.ask("large admin", "sum=weight"), 422, "UNPROCESSABLE");
  const { json } = await world.ask("large admin", "max=weight&min=lasted");
  expect(json.data).toEqual([{ group: {}, min: { lasted: "P1D" }, max: { weight: 1e308 } }]);
});

describe("groups", () => {
  test("beyond a thousand are refused, unless only the first are asked for", async () => {
    const tenant = await world.tenant("many");
    await world.backend.owner.query(
      `insert into costs (organization_id, id, title, stage, hours)
       select $1, gen_random_uuid(), 'x', 'paid', least(n, 1000) from generate_series(1, 1003) n`,
      [tenant],
    );
    const most = await world.ask("many admin", "count=true&groupBy=hours");
    expect(most.json.data).toHaveLength(1_000);
    const first = await world.ask(
      "many admin",
      "count=true&groupBy=hours&sort=-count,-hours&page[size]=2",
    );
    expect(first.json).toEqual({
      data: [
        { group: { hours: 1_000 }, count: 4 },
        { group: { hours: 999 }, count: 1 },
      ],
      meta: { groups: 2, hasMore: true, timeZone: "UTC" },
    });
    await world.backend.owner.query(
      `insert into costs (organization_id, id, title, stage, hours)
       values ($1, gen_random_uuid(), 'x', 'paid', 0)`,
      [tenant],
    );
    const refused = await world.ask("many admin", "count=true&groupBy=hours");
    expectRefusal(refused, 400, "PARAMETER_INVALID", "groupBy");
    expect(refused.text).toContain("narrow it with filters");
  });

  test("of a day begin where the day begins by that clock", async () => {
    const tenant = await world.tenant("clocks");
    // The last minute of 31 October and the first of 1 November in New York, and an infinite one.
    for (const at of ["2026-11-01T03:59:59.999999Z", "2026-11-01T04:00:00Z", "infinity"]) {
      await world.backend.owner.query(
        `insert into costs (organization_id, id, title, stage, spent_at)
         values ($1, gen_random_uuid(), 'x', 'paid', $2)`,
        [tenant, at],
      );
    }
    const query = "count=true&groupBy=spentAt.month&timeZone=America/New_York";
    const { json } = await world.ask("clocks admin", query);
    expect(json.data).toEqual([
      { group: { "spentAt.month": "2026-10-01" }, count: 1 },
      { group: { "spentAt.month": "2026-11-01" }, count: 1 },
      { group: { "spentAt.month": "infinity" }, count: 1 },
    ]);
    expect(json.meta.timeZone).toBe("America/New_York");
  });

  test("of an enum, a reference and a field of text come as in a record", async () => {
    const { json } = await world.ask(
      "acme admin",
      "count=true&groupBy=colour,ownerId&min=title,lasted",
    );
    expect(json.data[0]).toMatchObject({
      group: { colour: null, ownerId: null },
      min: { title: "x", lasted: null },
    });
  });
});

test("a reply has a weak ETag, and 304 answers who has it", async () => {
  const key = world.key("acme admin");
  const path = "/v1/costs/aggregate?count=true&groupBy=stage";
  const etag = (await world.backend.request(path, { key })).headers.get("etag") ?? "";
  expect(etag).toMatch(/^W\//);
  const headers = { "if-none-match": etag };
  expect((await world.backend.request(path, { key, headers })).status).toBe(304);
});

test("the contract of a role offers what it may read of what is declared", async () => {
  const paths = async (who: string) => {
    const key = world.key(who);
    const { json } = await world.backend.request("/openapi.json", { key });
    return json.paths["/v1/costs/aggregate"]?.get;
  };
  const clerk = await paths("acme clerk");
  const names = clerk.parameters.map((one: { name: string }) => one.name);
  expect(names).toEqual(expect.arrayContaining(["groupBy", "count", "sum", "min", "timeZone"]));
  expect(JSON.stringify(clerk)).not.toMatch(/amount|ownerId|placeId|units|title|colour|secret/);
  const admin = await paths("acme admin");
  expect(JSON.stringify(admin)).toMatch(/"sum\.amount"/);
  expect(await paths("acme stranger")).toBeUndefined();
});

test("no statement outlives its time: it ends as 503 and the next is answered", async () => {
  const key = world.key("acme admin");
  const path = "/v1/costs/aggregate?count=true";
  await world.backend.owner.query("begin; lock table costs in access exclusive mode");
  try {
    const reply = await world.backend.request(path, { key });
    expect(reply.status).toBe(503);
    expect(reply.headers.get("retry-after")).toMatch(/^\d+$/);
  } finally {
    await world.backend.owner.query("rollback");
  }
  expect((await world.backend.request(path, { key })).status).toBe(200);
});
