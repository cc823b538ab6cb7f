// What stops a start: actions that nobody could run, that a caller could not name, or that are not
// what they say. Each row is a mistake and, word for word, what is said about it.
//
// Planted faults: each of the 10 places in src/model/compile-actions.ts that report a problem was
// made silent, one at a time, and a row here turned red.
import { pgTable, text } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { id } from "../../src/model/columns.ts";
import { type Declared, refusalOf, users } from "./declared.ts";

const run = () => undefined;
/** Users with these actions; everything else is as it should be. */
const actions = (declared: object, access: object = { boss: "all" }): Declared => ({
  schema: { users },
  resources: { users: { scope: "tenant", access, actions: declared } },
});
const loose = pgTable("loose", { id: id().primaryKey(), name: text() });

const CASES: readonly (readonly [mistake: string, declared: Declared, ...said: string[]])[] = [
  [
    "a name that is none of a method",
    actions({ "start-work": { run }, Start: { run }, "1st": { run } }),
    ...["start-work", "Start", "1st"].flatMap((name) => [
      `  users.actions.${name}: an action is named like a method`,
      "    write: startWork",
    ]),
  ],
  [
    "a name that addresses or clients use",
    actions({ restore: { run }, list: { run }, update: { run } }),
    ...["restore", "list", "update"].flatMap((name) => [
      `  users.actions.${name}: is a reserved name`,
      "    write: another name",
    ]),
  ],
  [
    "an action on global rows",
    {
      schema: { loose },
      resources: {
        loose: { scope: "global", access: { boss: { read: true } }, actions: { start: { run } } },
      },
    },
    "  loose.actions.start: a global resource is read-only to roles",
  ],
  [
    "a part that there is not, such as a misspelt access",
    actions({ start: { run, acess: ["boss"], inputs: z.object({}) } }),
    "  users.actions.start.acess: is not part of an action; write input, output, access, run",
    "  users.actions.start.inputs: is not part of an action; write input, output, access, run",
  ],
  [
    "nothing to run",
    actions({ start: {}, stop: { run: "stop" } }),
    "  users.actions.start.run: is missing",
    "  users.actions.stop.run: is missing",
  ],
  [
    "an action of another table",
    actions({ start: { run, table: "tasks" } }),
    "  users.actions.start: is an action of tasks",
  ],
  [
    "a role that there is not",
    actions({ start: { run, access: ["boss", "bos"] } }),
    '  users.actions.start.access: "bos" is not a role; roles are boss, clerk',
  ],
  [
    "input or output that is no schema",
    actions({ start: { run, input: { name: "text" }, output: "text" } }),
    "  users.actions.start.input: must be a Zod schema",
    "    write: z.object({ ... })",
    "  users.actions.start.output: must be a Zod schema",
    "    write: z.object({ ... })",
  ],
  [
    "a grant of an action that there is not",
    actions({ start: { run } }, { boss: { read: true, actions: ["start", "stop"] } }),
    '  users.access.boss.actions: there is no action "stop"',
  ],
  [
    "a role that an action names and the policy does not",
    actions({ start: { run, access: ["clerk"] } }),
    "  users.actions.start.access: clerk may read no record to run it on",
  ],
  [
    "a role that may run actions and read nothing",
    actions({ start: { run, access: ["clerk"] } }, { boss: { read: true }, clerk: {} }),
    "  users.access.clerk: may run start, but may read no record to run it on",
    '    write: read: { fields: ["id"] }',
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

test("actions that are right start", () => {
  const input = z.object({ name: z.string() });
  const declared = { start: { run, input, output: input, access: ["clerk"] }, stop: { run } };
  const access = { boss: { read: true, actions: ["stop"] }, clerk: { read: true } };
  expect(refusalOf(actions(declared, access))).toEqual([]);
});
