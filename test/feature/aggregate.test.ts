// Aggregates against an oracle in JavaScript: random rows of two tenants, random groups, figures,
// filters and roles. And what may not be asked, by whom.
//
// Planted faults, each seen red: the role's row condition left out; rows marked as deleted counted;
// the time zone of days ignored; `order by` without nulls first; every declared field offered
// whatever the role reads; the declared list not looked at; the limit of groups not kept.
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { expectRefusal, namedFields } from "../fixtures/refusals.ts";
import { type Answer, answersOf, type Cost, type Question } from "../sql/cost-oracle.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
const people = new Map<string, Person>();
const worlds = new Map<string, Cost[]>();
const owners = [newId(), newId()];

beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/costs");
  backend = await startTestBackend("aggregate", { directory });
  for (const name of ["acme", "other"]) {
    const tenant = await backend.tenant(name);
    for (const role of ["admin", "owner", "clerk", "stranger"]) {
      people.set(`${name} ${role}`, await backend.person(tenant, role, owners[0] ?? ""));
    }
    worlds.set(name, await insertCosts(tenant, name === "acme" ? 1 : 2));
  }
}, 120_000);
afterAll(async () => {
  const failures = backend.log.filter((line) => line.message === "request failed");
  await backend.close();
  // The one of the test whose lock is not had in time.
  expect(failures.map((line) => line.code)).toEqual(["UNAVAILABLE"]);
});

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 5 });
const second = fc
  .integer({ min: Date.UTC(2025, 9, 1) / 1_000, max: Date.UTC(2026, 3, 30) / 1_000 })
  .map((value) => value * 1_000);
const cost = fc.record({
  stage: fc.constantFrom("planned", "spent", "paid"),
  ownerId: maybe(fc.constantFrom(...owners)),
  place: maybe(fc.constantFrom(true, false)),
  isDeleted: fc.integer({ min: 0, max: 6 }).map((n) => n === 0),
  amount: maybe(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n })),
  hours: maybe(fc.constantFrom(-3, 0, 1, 2, 2_147_483_647)),
  units: maybe(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  spentAt: maybe(second),
  day: maybe(second.map((at) => new Date(at).toISOString().slice(0, 10))),
});

/** A sum or a minimum of thousandths as PostgreSQL writes it. */
function decimal(value: bigint): string {
  const digits = String(value < 0n ? -value : value).padStart(4, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

async function insertCosts(tenant: string, seed: number): Promise<Cost[]> {
  const places = { open: newId(), closed: newId() };
  for (const [key, id] of Object.entries(places)) {
    const values = [tenant, id, key, key === "open"];
    const text = "insert into places (organization_id, id, name, is_open) values ($1, $2, $3, $4)";
    await backend.owner.query(text, values);
  }
  const costs = fc.sample(cost, { numRuns: 90, seed });
  for (const one of costs) {
    const columns =
      "organization_id, id, title, stage, owner_id, place_id, amount, hours, units, spent_at, " +
      "day, deleted_at, secret";
    await backend.owner.query(
      `insert into costs (${columns}) ` +
        "values ($1, $2, 'x', $3, $4, $5, $6, $7, $8, $9, $10, $11, 7)",
      [
        tenant,
        newId(),
        one.stage,
        one.ownerId,
        one.place === null ? null : places[one.place ? "open" : "closed"],
        one.amount === null ? null : decimal(one.amount),
        one.hours,
        one.units,
        one.spentAt === null ? null : new Date(one.spentAt).toISOString(),
        one.day,
        one.isDeleted ? new Date(0).toISOString() : null,
      ],
    );
  }
  return costs.map(({ place, ...rest }) => ({ ...rest, placeIsOpen: place ?? undefined }));
}

function ask(who: string, query: string): Promise<Reply> {
  const { key = "" } = people.get(who) ?? {};
  return backend.request(`/v1/costs/aggregate${query === "" ? "" : `?${query}`}`, { key });
}

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
      const [world = "", role = ""] = who.split(" ");
      const isClerk = role === "clerk";
      const asked: Question = {
        groupBy,
        timeZone,
        filter,
        owner: role === "owner" ? owners[0] : undefined,
        onlyOpenPlaces: isClerk,
      };
      const expected = answersOf(worlds.get(world) ?? [], asked)
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
      const reply = await ask(who, String(parameters));
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
    const { json } = await ask("acme admin", "avg=hours,amount&max=weight&groupBy=stage");
    for (const { avg, max } of json.data) {
      expect(avg.hours).toMatch(/^-?\d+\.\d+$/);
      expect(avg.amount).toMatch(/^-?\d+\.\d+$/);
      expect(max).toEqual({ weight: null });
    }
    const none = await ask("acme admin", "avg=hours&count=true&filter[hours]=12345");
    expect(none.json.data).toEqual([{ group: {}, count: 0, avg: { hours: null } }]);
  });
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
        const refused = await ask("acme clerk", use);
        expectRefusal(refused, 400, "PARAMETER_INVALID");
        const unknown = await ask("acme clerk", use.replaceAll(field, "nothing"));
        const blank = (reply: Reply, name: string) =>
          JSON.stringify(reply.json.error.details).replaceAll(name, "·");
        expect(blank(refused, field)).toBe(blank(unknown, "nothing"));
      }
    }
  });

  test("nor can anybody use a hidden field, the tenant, or one that is not declared", async () => {
    for (const field of ["secret", "organizationId", "deletedAt", "version", "__proto__"]) {
      for (const use of USES(field).slice(0, 7)) {
        expectRefusal(await ask("acme admin", use), 400, "PARAMETER_INVALID");
      }
    }
  });

  test("is refused altogether without a grant to read", async () => {
    expectRefusal(await ask("acme stranger", "count=true"), 403, "FORBIDDEN");
  });

  test("learns nothing through a relation whose target it may not read", async () => {
    const query = "count=true&filter[place.name]=open";
    expectRefusal(await ask("acme clerk", query), 400, "PARAMETER_INVALID");
    const seen = await ask("acme owner", query);
    const mine = (worlds.get("acme") ?? []).filter(
      (one) => one.ownerId === owners[0] && one.placeIsOpen === true && !one.isDeleted,
    );
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
    ["count=true&include=place", "include"],
    ["count=true&fields=id", "fields"],
    ["count=true&having=1", "having"],
    ["count=true&filter[stage]=none", "filter[stage]"],
    ["count=true&sum=%FF", "sum"],
    ["count[x]=true", "count[x]"],
  ])("is refused by the parameter's name: %s", async (query, field) => {
    const reply = await ask("acme admin", query);
    expectRefusal(reply, 400, "PARAMETER_INVALID");
    expect(namedFields(reply)).toContain(field);
  });

  test("of a resource without aggregates is no address", async () => {
    const { key = "" } = people.get("acme admin") ?? {};
    const reply = await backend.request("/v1/places/aggregate?count=true", { key });
    expectRefusal(reply, 400, "PARAMETER_INVALID", "id");
  });
});

describe("groups", () => {
  test("beyond a thousand are refused, unless only the first are asked for", async () => {
    const tenant = await backend.tenant("many");
    const admin = await backend.person(tenant, "admin", newId());
    people.set("many admin", admin);
    await backend.owner.query(
      `insert into costs (organization_id, id, title, stage, hours)
       select $1, gen_random_uuid(), 'x', 'paid', least(n, 1000) from generate_series(1, 1003) n`,
      [tenant],
    );
    const most = await ask("many admin", "count=true&groupBy=hours");
    expect(most.json.data).toHaveLength(1_000);
    const first = await ask(
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
    await backend.owner.query(
      `insert into costs (organization_id, id, title, stage, hours)
       values ($1, gen_random_uuid(), 'x', 'paid', 0)`,
      [tenant],
    );
    const refused = await ask("many admin", "count=true&groupBy=hours");
    expectRefusal(refused, 400, "PARAMETER_INVALID", "groupBy");
    expect(refused.text).toContain("narrow it with filters");
  });

  test("of a day begin where the day begins by that clock", async () => {
    const tenant = await backend.tenant("clocks");
    people.set("clocks admin", await backend.person(tenant, "admin", newId()));
    // The last minute of 31 October and the first of 1 November in New York, and an infinite one.
    for (const at of ["2026-11-01T03:59:59.999999Z", "2026-11-01T04:00:00Z", "infinity"]) {
      await backend.owner.query(
        `insert into costs (organization_id, id, title, stage, spent_at)
         values ($1, gen_random_uuid(), 'x', 'paid', $2)`,
        [tenant, at],
      );
    }
    const query = "count=true&groupBy=spentAt.month&timeZone=America/New_York";
    const { json } = await ask("clocks admin", query);
    expect(json.data).toEqual([
      { group: { "spentAt.month": "2026-10-01" }, count: 1 },
      { group: { "spentAt.month": "2026-11-01" }, count: 1 },
      { group: { "spentAt.month": "infinity" }, count: 1 },
    ]);
    expect(json.meta.timeZone).toBe("America/New_York");
  });

  test("of an enum, a reference and a field of text come as in a record", async () => {
    const { json } = await ask("acme admin", "count=true&groupBy=colour,ownerId&min=title,lasted");
    expect(json.data[0]).toMatchObject({
      group: { colour: null, ownerId: null },
      min: { title: "x", lasted: null },
    });
  });
});

test("a reply has a weak ETag, and 304 answers who has it", async () => {
  const { key = "" } = people.get("acme admin") ?? {};
  const path = "/v1/costs/aggregate?count=true&groupBy=stage";
  const etag = (await backend.request(path, { key })).headers.get("etag") ?? "";
  expect(etag).toMatch(/^W\//);
  const headers = { "if-none-match": etag };
  expect((await backend.request(path, { key, headers })).status).toBe(304);
});

test("the contract of a role offers what it may read of what is declared", async () => {
  const paths = async (who: string) => {
    const { key = "" } = people.get(who) ?? {};
    const { json } = await backend.request("/openapi.json", { key });
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
  const { key = "" } = people.get("acme admin") ?? {};
  const path = "/v1/costs/aggregate?count=true";
  await backend.owner.query("begin; lock table costs in access exclusive mode");
  try {
    const reply = await backend.request(path, { key });
    expect(reply.status).toBe(503);
    expect(reply.headers.get("retry-after")).toMatch(/^\d+$/);
  } finally {
    await backend.owner.query("rollback");
  }
  expect((await backend.request(path, { key })).status).toBe(200);
});
