// What stops a start: versions that nobody could call, or that are not what they say. Each row is a
// mistake and, word for word, what is said about it.
//
// Planted fault: each place in src/model/compile-versions.ts that reports a problem made silent,
// one at a time -> a row here turned red.
import { text } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { type Declared, refusalOf, tenantTable, users as usersTable } from "./declared.ts";

describe("a start is refused", () => {
  const users = { scope: "tenant", access: { boss: "all" } };
  const resources = { users, teams: users };
  const schema = { users: usersTable, teams: tenantTable("teams", { name: text().notNull() }) };
  const noCreate = { omitOperations: ["create"] };
  const cases: readonly (readonly [mistake: string, versions: object, ...said: string[]])[] = [
    ["for no version", {}, "  versions: is empty", "    write: versions: { v1: {} }"],
    [
      "for names that are no versions, and changes of the newest",
      { "1": {}, v2: { since: "2026-01-01" } },
      "  versions.v2: is the newest, which is the model as it is",
      "    write: v2: {}",
      "  versions.1: is not a version",
      "    write: v2",
    ],
    [
      "for what there is not",
      {
        v1: { resources: { people: false, users: { rename: { nmae: "x" }, omit: ["y"] } } },
        v2: {},
      },
      "  versions.v1.resources.people: is not a resource",
      '  versions.v1.resources.users.rename: there is no field "nmae"',
      '  versions.v1.resources.users.omit: there is no field "y"',
    ],
    [
      "for names that cannot be",
      {
        v1: {
          resources: { users: { as: "health", rename: { id: "key", name: "or" }, renam: {} } },
        },
        v2: {},
      },
      '  versions.v1.resources.users.as: "health" cannot be a resource\'s name',
      "  versions.v1.resources.users.renam: write as, rename, omit, omitOperations",
      "  versions.v1.resources.users.rename.id: keeps its name",
      '  versions.v1.resources.users.rename.name: "or" cannot be a field\'s name',
    ],
    [
      "for two things of one name",
      { v1: { resources: { users: { rename: { name: "id" } } } }, v2: {} },
      '  versions.v1.resources.users.rename: "id" would be the name of two things',
    ],
    [
      "for a misspelt option, and an id that is omitted",
      { v1: { sinec: "2027-01-01", resources: { users: { omit: ["id"] } } }, v2: {} },
      "  versions.v1.sinec: write since, sunset, link, resources",
      "  versions.v1.resources.users.omit: every version has the id",
    ],
    [
      "for a field that is renamed and omitted, and for two resources of one name",
      {
        v1: {
          resources: {
            users: { as: "teams", rename: { name: "label" }, omit: ["name"], ...noCreate },
          },
        },
        v2: {},
      },
      "  versions.v1.resources.users.rename.name: is omitted, too",
      '  versions.v1.resources.teams.as: "teams" is users already',
    ],
    [
      "for a version in which nobody could create",
      { v1: { resources: { users: { omit: ["name"] } } }, v2: {} },
      "  versions.v1.resources.users.omit: nobody could create users without name",
      '    write: omitOperations: ["create"]',
    ],
    [
      "for operations that there are not, and an end without a beginning",
      { v1: { sunset: "2027-01-01", resources: { users: { omitOperations: ["erase"] } } }, v2: {} },
      "  versions.v1.since: is missing",
      '    write: since: "2027-01-31"',
      '  versions.v1.resources.users.omitOperations: "erase" is none of list, get, create, ' +
        "update, delete, upsert, bulkCreate, bulkUpdate, bulkDelete",
    ],
  ];
  test.each(cases)("%s", (_mistake, versions, ...said) => {
    const one = { schema, resources, versions };
    expect(refusalOf(one as Declared).slice(1)).toEqual(said);
  });
});
