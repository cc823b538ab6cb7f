// What stops a start: policies that would grant more, less or something else than they say.
// Each row is a mistake and, word for word, what is said about it and what to write instead.
//
// Planted faults: see refusals-tables.test.ts.
import { integer, json, jsonb, pgTable, text, uuid, varchar } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { id, state } from "../../src/model/columns.ts";
import { createClaim } from "../../src/model/declare-claims.ts";
import { type Declared, references, refusalOf, tenantTable, users } from "./declared.ts";

const all = { scope: "tenant", access: { boss: "all" } };
const tasks = tenantTable(
  "tasks",
  {
    userId: uuid("user_id"),
    byId: uuid("by_id").notNull(),
    kind: state(["a", "b"]).notNull(),
    title: text().notNull(),
    secret: text(),
    count: integer().notNull().default(0),
    code: varchar({ length: 3 }),
    page: json(),
    data: jsonb(),
  },
  (t) => [references(t, t.userId), references(t, t.byId)],
);
const loose = pgTable("loose", { id: id().primaryKey(), name: text() });
const schema = { users, tasks };

/** Tasks with this policy; everything else is as it should be. */
const access = (
  policy: unknown,
  more: Partial<Declared> & { hidden?: string[] } = {},
): Declared => {
  const { hidden, ...declared } = more;
  const options = { scope: "tenant", access: policy, ...(hidden && { hidden }) };
  return { schema, resources: { users: all, tasks: options }, ...declared };
};
const readable = (rows: unknown, more: Partial<Declared> = {}): Declared =>
  access({ boss: { read: { rows } } }, more);

const TASKS = "tasks.access.boss";
const OPERATORS = "write one of eq, ne, lt, lte, gt, gte, in, nin, isNull, like, ilike, contains";
const VERBS = "read, create, update, delete, actions";
const UNGRANTABLE = "is hidden or kept by Backwright, so it cannot be granted here";
const CASES: readonly (readonly [mistake: string, declared: Declared, ...said: string[]])[] = [
  [
    "no policy",
    access({}),
    "  tasks.access: is missing: nobody could do anything",
    '    write: access: { boss: "all" }',
  ],
  [
    "no access at all",
    access(undefined),
    "  tasks.access: is missing: nobody could do anything",
    '    write: access: { boss: "all" }',
  ],
  [
    "a role that there is not",
    access({ bos: "all", Clerk: { read: true } }),
    "  tasks.access.bos: is not a role; roles are boss, clerk",
    "  tasks.access.Clerk: is not a role; roles are boss, clerk",
  ],
  [
    "a verb that there is not",
    access({ boss: { reed: true, read: true } }),
    `  ${TASKS}.reed: is not a verb; verbs are ${VERBS}`,
  ],
  [
    "a grant whose limits are misspelt",
    access({
      boss: {
        read: { row: {} },
        create: { field: [] },
        update: { rows: {}, set: {} },
        delete: { where: {} },
      },
    }),
    `  ${TASKS}.read.row: is not part of a grant; write rows, fields`,
    `  ${TASKS}.create.field: is not part of a grant; write rows, fields, set`,
    `  ${TASKS}.update.set: is not part of a grant; write rows, fields, after`,
    `  ${TASKS}.delete.where: is not part of a grant; write rows`,
  ],
  [
    "a grant that is neither true nor limits",
    access({ boss: { read: "own", update: 1 } }),
    `  ${TASKS}.read: must be true or say rows, fields`,
    `  ${TASKS}.update: must be true or say rows, fields, after`,
  ],
  [
    "fields that are hidden, kept or none",
    access(
      {
        boss: {
          read: { fields: ["id", "secret", "nothing"] },
          update: { fields: ["id", "organizationId", "secret"] },
        },
      },
      { hidden: ["secret", "nope"] },
    ),
    '  tasks.hidden: there is no field "nope"',
    `  ${TASKS}.read.fields: "secret" ${UNGRANTABLE}`,
    `  ${TASKS}.read.fields: "nothing" is not a field of tasks`,
    `  ${TASKS}.update.fields: "id" ${UNGRANTABLE}`,
    `  ${TASKS}.update.fields: "organizationId" ${UNGRANTABLE}`,
    `  ${TASKS}.update.fields: "secret" ${UNGRANTABLE}`,
  ],
  [
    "a create that cannot fill a required field",
    access({ boss: { create: { fields: ["title"], set: { kind: "a" } } } }),
    `  ${TASKS}.create: cannot create: byId is required, but neither writable nor set`,
    '    write: fields: [..., "byId"]',
  ],
  [
    "a required field that is hidden from a create of everything",
    access({ boss: { create: true } }, { hidden: ["title"] }),
    `  ${TASKS}.create: cannot create: title is required, but neither writable nor set`,
    '    write: fields: [..., "title"]',
  ],
  [
    "values that cannot be set",
    access({
      boss: { create: { set: { organizationId: "x", nothing: 2, kind: "c", byId: "x" } } },
    }),
    `  ${TASKS}.create.set.organizationId: is not a field that can be set`,
    `  ${TASKS}.create.set.nothing: is not a field that can be set`,
    `  ${TASKS}.create.set.kind: is not a value of kind (text)`,
    `  ${TASKS}.create.set.byId: is not a value of byId (uuid)`,
  ],
  [
    "a reference that may be written, but not read",
    {
      schema,
      resources: {
        users: { scope: "tenant", access: { clerk: "all" } },
        tasks: { scope: "tenant", access: { boss: { update: { fields: ["userId"] } } } },
      },
    },
    `  ${TASKS}.update: boss may write userId, but may not read users`,
    '    write: users: access: { boss: { read: { fields: ["id"] } } }',
  ],
  [
    "a reference to what is not served",
    {
      schema,
      resources: {
        tasks: { scope: "tenant", access: { boss: { update: { fields: ["userId"] } } } },
      },
    },
    `  ${TASKS}.update: userId references users, which is not served`,
  ],
  [
    "rows by what is no field, relation or operator",
    readable({ nothing: 1, title: { similar: "x" }, count: [1] }),
    `  ${TASKS}.read.rows.nothing: tasks has no field or relation "nothing"`,
    `  ${TASKS}.read.rows.title.similar: is not an operator; ${OPERATORS}`,
    `  ${TASKS}.read.rows.count.0: is not an operator; ${OPERATORS}`,
  ],
  [
    "rows by a relation to many",
    readable(
      { tasks: {} },
      {
        resources: {
          users: {
            scope: "tenant",
            access: { boss: { read: { rows: { tasks: { kind: "a", nothing: 1 } } } } },
          },
        },
        relations: (r) => ({
          users: {
            tasks: r.many.tasks({
              from: [r.users.organizationId, r.users.id],
              to: [r.tasks.organizationId, r.tasks.userId],
            }),
          },
        }),
      },
    ),
    '  users.access.boss.read.rows.tasks.nothing: tasks has no field or relation "nothing"',
  ],
  [
    "rows that say nothing",
    readable({ or: [], and: {}, kind: {}, title: { in: "a" } }),
    `  ${TASKS}.read.rows.or: needs a list of at least one filter`,
    `  ${TASKS}.read.rows.and: needs a list of at least one filter`,
    `  ${TASKS}.read.rows.kind: says nothing: name a value or an operator`,
    "    write: leave it out",
    `  ${TASKS}.read.rows.title.in: needs a list, or a claim that is a list`,
  ],
  [
    "rows that are no filter",
    access({ boss: { update: { rows: "all", after: null }, delete: { rows: [] } } }),
    `  ${TASKS}.update.rows: must be a filter object`,
    "    write: { field: value }",
    `  ${TASKS}.update.after: must be a filter object`,
    "    write: { field: value }",
    `  ${TASKS}.delete.rows: must be a filter object`,
    "    write: { field: value }",
  ],
  [
    "rows by values of another type",
    readable({ count: "x", byId: { ne: 1 }, kind: { in: ["a", "c"] }, secret: { isNull: "yes" } }),
    `  ${TASKS}.read.rows.count: is not a value of count (integer)`,
    `  ${TASKS}.read.rows.byId.ne: is not a value of byId (uuid)`,
    `  ${TASKS}.read.rows.kind.in: is not a value of kind (text)`,
    `  ${TASKS}.read.rows.secret.isNull: must be true or false`,
  ],
  [
    "rows by comparing json",
    readable({ page: { eq: { a: 1 } } }),
    `  ${TASKS}.read.rows.page: json cannot be compared, only tested with isNull; jsonb can`,
  ],
  [
    "claims of another type, or none",
    readable(
      {
        title: createClaim("level", "integer"),
        userId: { in: createClaim("tags", "text[]") },
        byId: createClaim("tags", "text[]"),
        count: createClaim("nobody", "integer"),
      },
      { claims: { tags: "text[]", level: "integer" } },
    ),
    `  ${TASKS}.read.rows.title: me.level is integer, the field needs text`,
    `  ${TASKS}.read.rows.userId.in: me.tags is text[], the field needs uuid[]`,
    `  ${TASKS}.read.rows.byId: me.tags is text[], the field needs uuid`,
    `  ${TASKS}.read.rows.count: there is no claim "nobody"`,
  ],
  [
    "claims that are looked up where they cannot be",
    readable(undefined, {
      schema: { users, tasks, loose },
      claims: {
        mixed: { type: "text", column: users.name, where: loose.id },
        open: { type: "text", column: loose.name, where: loose.id },
        kind: { type: "uuid", column: users.name, where: users.id },
        id: "uuid",
      },
    }),
    "  claims.mixed: column and where must be of one table of the relations",
    "  claims.open: loose has no tenant, so its rows are everybody's",
    "  claims.kind: is uuid, but the column is text",
    "  claims.id: me.id is always there",
  ],
  [
    "a global resource that is written",
    {
      schema: { loose },
      resources: {
        loose: {
          scope: "global",
          access: { boss: { read: true, update: true }, clerk: { delete: true } },
        },
      },
    },
    "  loose.access.boss: a global resource is read-only to roles",
    "    write: { read: true }",
    "  loose.access.clerk: a global resource is read-only to roles",
    "    write: { read: true }",
  ],
  [
    "a tenant that its roles would make or end",
    {
      schema: {},
      resources: {
        organizations: { scope: "tenant", access: { boss: { create: true, delete: true } } },
      },
    },
    "  organizations.access.boss.create: a role belongs to a tenant and cannot create one",
    "  organizations.access.boss.delete: a role belongs to a tenant and cannot delete one",
  ],
];

describe("the start is refused for", () => {
  const cases = CASES.map(([mistake, declared, ...said]) => ({ mistake, declared, said }));
  test.each(cases)("$mistake", ({ declared, said }) => {
    const count = said.filter((line) => !line.startsWith("    ")).length;
    const first = `Backend "test" has ${count === 1 ? "1 problem" : `${count} problems`}:`;
    expect(refusalOf(declared)).toEqual([first, ...said]);
  });
});

test("policies that are right start", () => {
  const claims = { tags: "text[]", region: "text", mine: "uuid[]" } as const;
  const rows = {
    or: [
      { code: createClaim("region", "text") },
      { code: { in: createClaim("tags", "text[]") } },
      { userId: { in: createClaim("mine", "uuid[]") }, secret: { isNull: true } },
      { not: { count: { gt: 1, lte: 9 } }, data: { isNull: false }, page: { isNull: true } },
      { kind: { in: ["a", "b"] }, byId: createClaim("id", "uuid"), secret: null },
    ],
  };
  const policy = { boss: { read: { rows }, update: { rows, after: {} }, delete: { rows } } };
  expect(refusalOf(access(policy, { claims }))).toEqual([]);
});
