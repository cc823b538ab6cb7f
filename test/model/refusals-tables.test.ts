// What stops a start: tables, keys, relations and resources that could not be served as declared.
// Each row is a mistake and, word for word, what is said about it and what to write instead.
//
// Planted faults: each of the 54 places in src/model/compile*.ts that report one was silenced,
// one at a time, and a row here or in refusals-access.test.ts turned red; but for one of Drizzle's.
import { sql } from "drizzle-orm";
import {
  foreignKey,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
  varchar,
  vector,
} from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { id, state } from "../../src/model/columns.ts";
import {
  type Declared,
  organizationId,
  organizations,
  references,
  refusalOf,
  tenantTable,
  users,
} from "./declared.ts";

const all = { scope: "tenant", access: { boss: "all" } };
const served = (...tables: readonly string[]): Declared["resources"] =>
  Object.fromEntries(tables.map((table) => [table, all]));
const problems = (...lines: readonly string[]): string[] => {
  const count = lines.filter((line) => !line.startsWith("    ")).length;
  return [`Backend "test" has ${count === 1 ? "1 problem" : `${count} problems`}:`, ...lines];
};

const EMPTY = "  resources: is empty: nothing would be served";
const INSTANT = "timestamp with time zone";
type Case = readonly [mistake: string, declared: Declared, said: readonly string[]];

const loose = pgTable("loose", { id: id().primaryKey(), name: text() });
const optionalTenant = pgTable(
  "optional_tenant",
  { organizationId: uuid("organization_id").references(() => organizations.id), id: id() },
  (t) => [primaryKey({ columns: [t.organizationId, t.id] })],
);
const twoTenants = tenantTable("two_tenants", {
  otherId: uuid("other_id")
    .notNull()
    .references(() => organizations.id),
});
const single = tenantTable("single", { userId: uuid("user_id").references(() => users.id) });
const nullSet = tenantTable("null_set", { userId: uuid("user_id") }, (t) => [
  references(t, t.userId).onDelete("set null"),
]);
const nullUpdated = tenantTable("null_updated", { userId: uuid("user_id") }, (t) => [
  references(t, t.userId).onUpdate("set null"),
]);
const noKey = pgTable("no_key", { organizationId: organizationId(), id: id() });
const idKey = pgTable("id_key", { organizationId: organizationId(), id: id().primaryKey() });
const turnedKey = pgTable("turned_key", { organizationId: organizationId(), id: id() }, (t) => [
  primaryKey({ columns: [t.id, t.organizationId] }),
]);
const globalKey = pgTable("global_key", { id: id() });
const odd = tenantTable("odd", { and: text(), größe: text(), "a b": text(), __proto: text() });
const trackedText = tenantTable("tracked_text", {
  version: text(),
  updatedAt: integer(),
  deletedAt: text(),
});
const health = tenantTable("health", {});
const noId = pgTable("no_id", { organizationId: organizationId(), code: text() }, (t) => [
  primaryKey({ columns: [t.organizationId, t.code] }),
]);
const numbered = pgTable("numbered", { organizationId: organizationId(), id: integer() }, (t) => [
  primaryKey({ columns: [t.organizationId, t.id] }),
]);
const raw = tenantTable("raw", { near: vector({ dimensions: 3 }), name: varchar({ length: 3 }) });
const unwalled = tenantTable("unwalled", { a: text().unique(), b: text(), c: text() }, (t) => [
  unique().on(t.b),
  uniqueIndex().on(t.b, t.c),
  uniqueIndex().on(sql`lower(${t.c})`),
  // These are right.
  unique().on(t.organizationId, t.c),
  unique().on(t.id),
]);
const tasks = tenantTable(
  "tasks",
  {
    userId: uuid("user_id"),
    byId: uuid("by_id").notNull(),
    kind: state(["a", "b"]).notNull(),
    soft: state(["a"]),
    name: text(),
  },
  (t) => [references(t, t.userId), references(t, t.byId)],
);
const teams = tenantTable("teams", { name: text() });
/** A site's asset: the pair must exist, and the asset is what is referred to. */
const pair = tenantTable("pair", { nameOf: text("name_of"), userId: uuid("user_id") }, (t) => [
  foreignKey({
    columns: [t.organizationId, t.nameOf, t.userId],
    foreignColumns: [users.organizationId, users.name, users.id],
  }),
]);

type Relation = Readonly<Record<string, unknown>>;
const relation =
  (
    name: string,
    from: string,
    to: string,
    more: Relation = {},
  ): NonNullable<Declared["relations"]> =>
  (r) => ({
    tasks: {
      [name]: r.one[to]({
        from: [r.tasks.organizationId, r.tasks[from]],
        to: [r[to].organizationId, r[to].id],
        ...more,
      }),
    },
  });

const CASES: readonly Case[] = [
  [
    "a tenant table without a tenant column",
    { schema: { loose }, resources: served("loose") },
    problems(
      "  loose.scope: no column of the table references the tenant table",
      '    write: organizationId: uuid("organization_id").notNull()' +
        ".references(() => organizations.id)",
    ),
  ],
  [
    "a tenant that may be null",
    { schema: { optionalTenant }, resources: served("optionalTenant") },
    problems(
      "  optionalTenant.organization_id: names the tenant and may be null",
      "    write: .notNull()",
    ),
  ],
  [
    "two columns that name a tenant",
    { schema: { twoTenants }, resources: served("twoTenants") },
    problems("  twoTenants: has two foreign keys to the tenant table; which one owns the row?"),
  ],
  [
    "a foreign key between tenant tables of one column",
    { schema: { users, single }, resources: served("users", "single") },
    problems(
      "  single.userId: references users without the tenant, " +
        "so a row could point into another tenant",
      "    write: foreignKey({ columns: [t.organizationId, t.userId], " +
        "foreignColumns: [users.organizationId, users.id] })",
    ),
  ],
  [
    "a foreign key that would set the tenant to null with a deletion or a change of its target",
    { schema: { users, nullSet, nullUpdated }, resources: served("users") },
    problems(
      "  nullSet: a foreign key to users would set the tenant column to null",
      "  nullUpdated: a foreign key to users would set the tenant column to null",
    ),
  ],
  [
    "a primary key that is not tenant and id",
    { schema: { noKey, idKey, turnedKey }, resources: served("noKey", "idKey", "turnedKey") },
    problems(
      ...["noKey", "idKey", "turnedKey"].flatMap((table) => [
        `  ${table}: needs a primary key of tenant and id`,
        "    write: primaryKey({ columns: [t.organizationId, t.id] })",
      ]),
    ),
  ],
  [
    "a global table without a primary key",
    {
      schema: { globalKey },
      resources: { globalKey: { scope: "global", access: { boss: { read: true } } } },
    },
    problems("  globalKey: needs the primary key id", "    write: primaryKey({ columns: [t.id] })"),
  ],
  [
    "a unique key that spans tenants",
    { schema: { unwalled }, resources: served("unwalled") },
    problems(
      "  unwalled: a unique key of b spans all tenants: begin it with the tenant",
      "    write: unique().on(t.organizationId, t.b)",
      "  unwalled: a unique key of a spans all tenants: begin it with the tenant",
      "    write: unique().on(t.organizationId, t.a)",
      "  unwalled: a unique key of b, c spans all tenants: begin it with the tenant",
      "    write: unique().on(t.organizationId, t.b, t.c)",
      "  unwalled: a unique key of an expression spans all tenants: begin it with the tenant",
    ),
  ],
  [
    "field names that no query could name, or that are words of the filter language",
    { schema: { odd }, resources: served("odd") },
    problems(
      '  odd.and: "and" is a word of the filter language',
      "    write: another name",
      "  odd.größe: field names are ASCII letters, digits and _, a letter first",
      "  odd.a b: field names are ASCII letters, digits and _, a letter first",
      "  odd.__proto: field names are ASCII letters, digits and _, a letter first",
    ),
  ],
  [
    "kept fields of another type",
    { schema: { trackedText }, resources: served("trackedText") },
    problems(
      "  trackedText.version: version is kept by Backwright and must be integer",
      "    write: ...tracked()",
      `  trackedText.updatedAt: updatedAt is kept by Backwright and must be ${INSTANT}`,
      "    write: ...tracked()",
      `  trackedText.deletedAt: deletedAt is kept by Backwright and must be ${INSTANT}`,
      "    write: ...softDeleted()",
    ),
  ],
  [
    "a required reference whose relation is optional",
    { schema: { users, tasks }, relations: relation("by", "byId", "users"), resources: {} },
    problems("  relations.tasks.by: byId is never null", "    write: optional: false"),
  ],
  [
    "an optional reference whose relation is not",
    {
      schema: { users, tasks },
      relations: relation("user", "userId", "users", { optional: false }),
      resources: {},
    },
    problems("  relations.tasks.user: userId may be null", "    write: optional: true"),
  ],
  [
    "a relation to another table than its foreign key",
    {
      schema: { users, tasks, teams },
      relations: relation("user", "userId", "teams"),
      resources: {},
    },
    problems("  relations.tasks.user: the foreign key of userId leads to users"),
  ],
  [
    "a relation without a foreign key",
    {
      schema: { users, tasks, teams },
      relations: relation("team", "name", "teams"),
      resources: {},
    },
    problems("  relations.tasks.team: no foreign key of tasks.name leads to teams"),
  ],
  [
    "a relation with a condition",
    {
      schema: { users, tasks },
      relations: relation("user", "userId", "users", { where: { name: "x" } }),
      resources: {},
    },
    problems("  relations.tasks.user: has a where, which policies and includes would not apply"),
  ],
  [
    "a relation that no query could name",
    { schema: { users, tasks }, relations: relation("the-user", "userId", "users"), resources: {} },
    problems(
      "  relations.tasks.the-user: relation names are ASCII letters, digits and _, a letter first",
    ),
  ],
  [
    "a tenant that is not among the tables",
    { schema: { users }, tenant: loose, resources: served("users") },
    problems("  define.tenant: is not among the tables of the relations"),
  ],
  [
    "a resource of no table",
    { schema: { users }, resources: { ...served("users"), things: all } },
    problems("  things: is not a table of the relations"),
  ],
  [
    "a resource under another name",
    { schema: { users }, resources: { people: ["users", all] } },
    problems("  resources.people: holds the resource of users", "    write: users"),
  ],
  ["no resource", { schema: { users }, resources: {} }, problems(EMPTY)],
  [
    "a name that the server keeps for itself",
    { schema: { health }, resources: served("health") },
    problems("  health: is a reserved name of the server"),
  ],
  [
    "a served table without a uuid id",
    { schema: { users, noId, numbered }, resources: served("users", "noId", "numbered") },
    problems(
      ...["noId", "numbered"].flatMap((table) => [
        `  ${table}: a served table needs a uuid id`,
        "    write: id: id()",
      ]),
    ),
  ],
  [
    "a type that JSON cannot carry",
    { schema: { raw }, resources: served("raw") },
    problems(
      "  raw.near: the type vector(3) cannot be served without loss",
      '    write: hidden: ["near"]',
    ),
  ],
  [
    "a resource that does not say whose its rows are",
    {
      schema: { users, loose },
      resources: { users: { access: { boss: "all" } }, loose: { access: { boss: "all" } } },
    },
    problems(
      "  users.scope: is missing: do its rows belong to a tenant, or to everybody?",
      '    write: scope: "tenant"',
      "  loose.scope: is missing: do its rows belong to a tenant, or to everybody?",
      '    write: scope: "global"',
    ),
  ],
  [
    "a tenant's table as a global one",
    {
      schema: { users },
      resources: { users: { scope: "global", access: { boss: { read: true } } } },
    },
    problems(
      "  users.scope: the table has a tenant column, so its rows are not global",
      '    write: "tenant"',
    ),
  ],
  [
    "an option that there is not, such as a misspelt hidden",
    { schema: { users }, resources: { users: { ...all, hiden: ["name"] } } },
    problems(
      "  users.hiden: is not an option; " +
        "options are scope, access, hidden, states, search, actions, aggregates, deprecated",
    ),
  ],
  [
    "states that leave one out, lead nowhere, are no states or may be null",
    {
      schema: { users, tasks },
      resources: {
        ...served("users"),
        tasks: { ...all, states: { kind: { a: ["b", "c"], d: [] }, name: {}, soft: { a: [] } } },
      },
    },
    problems(
      '  tasks.states.kind: "b" is left out',
      "    write: b: []",
      '  tasks.states.kind.a: "c" is not a state',
      '  tasks.states.kind.d: "d" is not a state',
      "  tasks.states.name: is not a state field",
      "    write: name: state([...])",
      "  tasks.states.soft: has moves, so it may not be null",
      "    write: .notNull().default(...)",
    ),
  ],
  [
    "a reference of several columns whose target nobody serves",
    {
      schema: { users, pair },
      resources: { pair: { ...all, access: { boss: { update: true } } } },
    },
    problems("  pair.access.boss.update: userId references users, which is not served"),
  ],
];

describe("the start is refused for", () => {
  test.each(CASES)("%s", (_mistake, declared, said) => {
    const refusal = refusalOf(declared);
    // An example of tables alone serves nothing, which is not its mistake.
    const isAlone = refusal.length === 2;
    expect(isAlone ? refusal : refusal.filter((line) => line !== EMPTY)).toEqual(said);
  });
});

test("a relation named as a column is refused, by Drizzle already", () => {
  const relations = relation("name", "userId", "users");
  const declared = { schema: { users, tasks }, relations, resources: served("users", "tasks") };
  expect(() => refusalOf(declared)).toThrow('collides with column "name" of table "tasks"');
});

test("what is right starts", () => {
  expect(
    refusalOf({
      schema: { users, tasks, teams },
      relations: relation("user", "userId", "users"),
      resources: {
        ...served("users", "teams"),
        tasks: { ...all, hidden: ["name"], states: { kind: { a: ["b"], b: [] } } },
      },
    }),
  ).toEqual([]);
});
