// What is wrong with declared actions is told at the start, all of it at once.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { StartError } from "../../src/base/errors.ts";
import { compileModel } from "../../src/model/compile.ts";
import { manifest } from "../../src/model/manifest.ts";
import type { Model, ResourceModel } from "../../src/model/model.ts";
import { action, backend, event, resource } from "../types/app/domain.ts";
import { assets, users } from "../types/app/resources.ts";

const scope = "tenant";

/** As JavaScript would declare it, past the types. */
function compile(options: object, table = "teams"): Model {
  const declared: unknown = Reflect.apply(resource, undefined, [table, { scope, ...options }]);
  const resources = { assets, users, [table]: declared };
  return compileModel(Reflect.apply(backend, undefined, [{ name: "checked", resources }]));
}

function problemsOf(options: object): string {
  try {
    compile(options);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return "";
}

const access = { manager: "all" };
const run = async (): Promise<void> => {};

describe("an action that cannot be served", () => {
  // Planted fault: RESERVED emptied -> red.
  test("has a name that is taken by a verb or is no name of a method", () => {
    for (const name of ["restore", "list", "all", "get", "create", "update", "delete", "then"]) {
      expect(problemsOf({ access, actions: { [name]: { run } } })).toMatch(
        new RegExp(`teams\\.actions\\.${name}: is a reserved name`),
      );
    }
    for (const name of ["Start", "start-work", "1st", "start_work"]) {
      expect(problemsOf({ access, actions: { [name]: { run } } })).toMatch(/like a method/);
    }
  });

  test("has no run, a misspelt word, or an input that is no schema", () => {
    expect(problemsOf({ access, actions: { start: {} } })).toMatch(/start\.run: is missing/);
    expect(problemsOf({ access, actions: { start: { run, acess: [] } } })).toMatch(
      /start\.acess: is not part of an action/,
    );
    expect(problemsOf({ access, actions: { start: { run, input: {} } } })).toMatch(
      /start\.input: must be a Zod schema/,
    );
  });

  test("is that of another table", () => {
    const close = action("workOrders", { run });
    expect(problemsOf({ access, actions: { close } })).toMatch(/is an action of workOrders/);
  });
});

describe("a grant of actions that cannot be used", () => {
  // Planted fault: actionsOf silent about unknown names -> red.
  test("names an action that there is not, or a role that there is not", () => {
    const granted = { ...access, technician: { read: true, actions: ["strat"] } };
    expect(problemsOf({ access: granted, actions: { start: { run } } })).toMatch(
      /teams\.access\.technician\.actions: there is no action "strat"/,
    );
    expect(problemsOf({ access, actions: { start: { run, access: ["boss"] } } })).toMatch(
      /start\.access: "boss" is not a role/,
    );
  });

  // Planted fault: the check of read left out -> red.
  test("is that of a role which may read no record to run it on", () => {
    const blind = { ...access, technician: { create: true, actions: ["start"] } };
    expect(problemsOf({ access: blind, actions: { start: { run } } })).toMatch(
      /teams\.access\.technician: may run start, but may read no record/,
    );
    expect(problemsOf({ access, actions: { start: { run, access: ["technician"] } } })).toMatch(
      /start\.access: technician may read no record/,
    );
  });
});

describe("a compiled action", () => {
  test("stands in the model and the manifest with its path and its roles", () => {
    const input = z.object({ reason: z.string() });
    const reading = { ...access, technician: { read: true, actions: ["closeNow"] } };
    const model = compile({
      access: { ...reading, dispatcher: { read: true } },
      actions: { closeNow: { input, run }, start: { run, access: ["dispatcher"] } },
    });
    const teams = model.resources.get("teams") as ResourceModel;
    const names = Object.fromEntries(
      [...teams.access].map(([role, grants]) => [role, [...(grants.actions?.keys() ?? [])]]),
    );
    expect(names).toEqual({
      manager: ["closeNow", "start"],
      technician: ["closeNow"],
      dispatcher: ["start"],
    });
    expect(JSON.parse(JSON.stringify(manifest(model))).resources.teams).toMatchObject({
      actions: {
        closeNow: { path: "/v1/teams/{id}/close-now", hasInput: true, replies: "record" },
        start: { path: "/v1/teams/{id}/start", hasInput: false, replies: "record" },
      },
      access: { technician: { actions: ["closeNow"] } },
    });
  });
});

// Planted fault: the check of names left out -> red.
test("an event has a name that a topic can carry", () => {
  for (const name of ["", "work order", "a..b", ".a", "a.", "1.a"]) {
    expect(() => event(name, z.object({}))).toThrow(StartError);
  }
  expect(event("workOrder.assigned_twice", z.object({})).name).toBe("workOrder.assigned_twice");
});
