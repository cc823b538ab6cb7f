// What stops a start: relations to many that are not the other side of foreign keys.
//
// Planted faults: each place in src/model/compile-many.ts that reports one silenced -> its row red.
import { text, uuid } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { type Declared, references, refusalOf, tenantTable, users } from "./declared.ts";

const tasks = tenantTable(
  "tasks",
  { userId: uuid("user_id"), byId: uuid("by_id").notNull(), name: text() },
  (t) => [references(t, t.userId), references(t, t.byId)],
);
const teams = tenantTable("teams", { name: text() });
const seats = tenantTable("seats", { teamId: uuid("team_id"), userId: uuid("user_id") }, (t) => [
  references(t, t.teamId, teams),
]);

type Relations = NonNullable<Declared["relations"]>;
type Options = (r: Parameters<Relations>[0]) => Readonly<Record<string, unknown>>;
/** `teams.all`, of the table `to`. */
const saidOf = (to: string, options: Options): unknown =>
  refusalOf({
    schema: { users, tasks, teams, seats },
    relations: (r) => ({ teams: { all: r.many[to](options(r)) } }),
    resources: {},
  });

const direct: Options = (r) => ({
  from: [r.teams.organizationId, r.teams.id],
  to: [r.tasks.organizationId, r.tasks.userId],
});

describe("the start is refused for a relation to many", () => {
  test.each<[string, string, Options, string]>([
    [
      "whose foreign key leads elsewhere",
      "tasks",
      direct,
      "  relations.teams.all: the foreign key of userId leads to users",
    ],
    [
      "by way of a table that does not lead there",
      "users",
      (r) => ({ from: r.teams.id.through(r.tasks.name), to: r.users.id.through(r.tasks.byId) }),
      "  relations.teams.all: no foreign key of tasks.name leads to teams",
    ],
    [
      "by way of a table that does not lead on",
      "users",
      (r) => ({ from: r.teams.id.through(r.seats.teamId), to: r.users.id.through(r.seats.userId) }),
      "  relations.teams.all: no foreign key of seats.userId leads to users",
    ],
    [
      "with a condition",
      "tasks",
      (r) => ({ ...direct(r), where: { name: "x" } }),
      "  relations.teams.all: has a where, which policies and includes would not apply",
    ],
  ])("%s", (_what, to, options, said) => {
    expect(saidOf(to, options)).toEqual(['Backend "test" has 1 problem:', said]);
  });
});
