import { integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { isClaimRef } from "../../src/model/declare-claims.ts";
import { define } from "../../src/model/define.ts";
import { me, resource, rows } from "./app/domain.ts";
import { relations } from "./app/relations.ts";
import app, { assets, users, workOrders } from "./app/resources.ts";
import { organizations, teamMembers, teams } from "./app/schema.ts";

const scope = "tenant";

function expectDeepFrozen(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Date) return;
  if ("_zod" in value) return; // The schemas of actions are kept as they are.
  expect(Object.isFrozen(value)).toBe(true);
  for (const entry of Object.values(value)) expectDeepFrozen(entry);
}

function startErrorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StartError) return `${error.message} | ${error.fix}`;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

describe("what define() was given", () => {
  // Planted fault: roles not copied -> red.
  test("is kept, frozen, where the resources and the backend can reach it", () => {
    const { domain } = app;
    expect(domain.relations).toBe(relations);
    expect(domain.tenant).toBe(organizations);
    expect(domain.roles).toEqual(["manager", "dispatcher", "technician", "requester"]);
    expect(domain.claims).toEqual({
      teamIds: { type: "uuid[]", column: teamMembers.teamId, where: teamMembers.userId },
      region: "text",
      onCall: "boolean",
      level: "integer",
    });
    for (const frozen of [domain, domain.roles, domain.claims, domain.claims.teamIds]) {
      expect(Object.isFrozen(frozen)).toBe(true);
    }
    expect(workOrders.domain).toBe(domain);
  });

  // Planted fault: roles not copied -> red.
  test("can be changed afterwards without effect", () => {
    const roles = ["manager"];
    const definition = define({ relations, tenant: organizations, roles });
    roles.push("intruder");
    expect(definition.domain.roles).toEqual(["manager"]);
  });

  // Planted fault: as() makes a copy -> red.
  test("stays the same under a name", () => {
    const definition = define({ relations, tenant: organizations, roles: ["manager"] });
    expect(definition.as()).toBe(definition);
  });
});

describe("me", () => {
  // Planted fault: every claim made a uuid -> red.
  test("stands for every declared claim, and for id and tenantId", () => {
    const kinds = Object.fromEntries(Object.entries(me).map(([k, v]) => [k, [v.claim, v.sqlType]]));
    expect(kinds).toEqual({
      id: ["id", "uuid"],
      tenantId: ["tenantId", "uuid"],
      teamIds: ["teamIds", "uuid[]"],
      region: ["region", "text"],
      onCall: ["onCall", "boolean"],
      level: ["level", "integer"],
    });
    expect(Object.values(me).every(isClaimRef)).toBe(true);
  });

  // Planted fault: isClaimRef looks for the key "claim" -> red.
  test("is not mistaken for data that looks like it", () => {
    for (const value of [{ claim: "id", sqlType: "uuid" }, "id", null, undefined, new Date(0)]) {
      expect(isClaimRef(value)).toBe(false);
    }
  });
});

describe("rows() and resource()", () => {
  // Planted fault: no copy of options -> red.
  test("keep a deep-frozen copy of what they are given", () => {
    const fields: ("id" | "name" | "version")[] = ["id", "name"];
    const declared = resource("users", { scope, access: { manager: { read: { fields } } } });
    fields.push("version");
    expect(declared.options).toEqual({
      scope: "tenant",
      access: { manager: { read: { fields: ["id", "name"] } } },
    });
    expect(Object.isFrozen(declared)).toBe(true);
    for (const { options } of [declared, workOrders, assets, users]) expectDeepFrozen(options);
    expect({ kind: declared.kind, name: declared.name }).toEqual({
      kind: "resource",
      name: "users",
    });
  });

  // Planted fault: dates kept by reference -> red.
  test("keep claims, and dates out of reach, and add nothing to a filter", () => {
    const due = new Date("2026-12-01T00:00:00Z");
    const mine = rows("workOrders", { assigneeId: me.id, dueAt: { lt: due } });
    due.setUTCFullYear(2099);
    expect(Reflect.ownKeys(mine)).toEqual(["assigneeId", "dueAt"]);
    expect(mine.assigneeId).toBe(me.id);
    expect(mine.dueAt).toEqual({ lt: new Date("2026-12-01T00:00:00Z") });
    expectDeepFrozen(mine);
    const more = rows("workOrders", { or: [mine, { status: "open" }] });
    expect(more).toEqual({ or: [mine, { status: "open" }] });
  });

  // Planted fault: undefined passed through -> red.
  test("refuse a condition that is undefined instead of dropping it", () => {
    const lost = JSON.parse("{}").id;
    expect(startErrorOf(() => rows("workOrders", { or: [{ assigneeId: lost }] }))).toMatch(
      /^rows\("workOrders"\)\.or\[0\]\.assigneeId is undefined\. \| Give it a value/,
    );
    expect(
      startErrorOf(() =>
        resource("users", { scope, access: { manager: { read: { rows: { id: lost } } } } }),
      ),
    ).toMatch(/^resource\("users"\)\.access\.manager\.read\.rows\.id is undefined/);
  });
});

describe("backend()", () => {
  // Planted fault: resources not copied -> red.
  test("keeps its name and its resources, frozen", () => {
    expect(app.kind).toBe("backend");
    expect(app.name).toBe("work-orders");
    expect(app.resources).toEqual({ workOrders, assets, users });
    expect(app.resources.users).toBe(users);
    expect(Object.isFrozen(app) && Object.isFrozen(app.resources)).toBe(true);
  });
});

describe("a claim that cannot be what it says", () => {
  const elsewhere = pgTable("elsewhere", { userId: uuid().notNull(), rank: integer() });
  const loose = pgTable("loose", { teamId: uuid(), userName: text(), badges: text().array() });
  // As JavaScript would call it, past the types.
  const claims = (given: Record<string, unknown>): string =>
    startErrorOf(() =>
      Reflect.apply(define, undefined, [
        { relations, tenant: organizations, roles: ["a"], claims: given },
      ]),
    );

  // Planted fault: the built-in check removed -> red.
  test("is refused when it takes the name of a built-in one", () => {
    expect(claims({ id: "text" })).toMatch(/claims\.id: every caller has me\.id already.*Leave id/);
    expect(claims({ tenantId: "uuid" })).toMatch(/me\.tenantId already/);
  });

  // Planted fault: kinds looked up with `in` -> red.
  test("is refused when its kind is unknown", () => {
    expect(claims({ a: "date" })).toMatch(/claims\.a: date is not a kind of claim.*uuid\[\]/);
    expect(claims({ a: "toString" })).toMatch(/toString is not a kind/);
    const source = { type: "json", column: teams.name, where: teams.id };
    expect(claims({ a: source })).toMatch(/json is not a kind/);
  });

  // Planted fault: the comparison of tables removed -> red.
  test("is refused when its columns are of different tables", () => {
    const source = { type: "uuid[]", column: teamMembers.teamId, where: elsewhere.userId };
    expect(claims({ a: source })).toMatch(/team_members\.team_id.*elsewhere\.userId.*different/);
  });

  // Planted fault: the dimensions of an array ignored -> red.
  test("is refused when its column is of another type", () => {
    const source = { type: "uuid[]", column: elsewhere.rank, where: elsewhere.userId };
    expect(claims({ a: source })).toMatch(/elsewhere\.rank is integer, which is not a uuid\[\]/);
    const arrays = { type: "text[]", column: loose.badges, where: loose.teamId };
    expect(claims({ a: arrays })).toMatch(/loose\.badges is text\[\], which is not a text\[\]/);
  });

  // Planted fault: the type of `where` not checked -> red.
  test("is refused when it is looked up by something that is no id", () => {
    const source = { type: "uuid", column: loose.teamId, where: loose.userName };
    expect(claims({ a: source })).toMatch(/where loose\.userName is text, not uuid/);
  });

  // Planted fault: integer claims wanted from bigint columns -> red.
  test("is accepted when all of it fits", () => {
    const source = { type: "integer", column: elsewhere.rank, where: elsewhere.userId } as const;
    const { me: caller } = define({
      relations,
      tenant: organizations,
      roles: ["a"],
      claims: { rank: source },
    });
    expect(caller.rank.sqlType).toBe("integer");
  });
});
