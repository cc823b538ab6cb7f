// Reads the declared actions of one resource: their names, schemas and roles. Whatever it does not
// know is a problem at the start.
import { z } from "zod";
import type { AnyAction, AnyResource } from "./declare-untyped.ts";
import { type ActionModel, kebabCase, type RoleAccess } from "./model.ts";
import type { Problems } from "./problems.ts";

type Declared = AnyResource["options"];

const KEYS = ["input", "output", "access", "table", "run"];
// What the address and the typed client use besides.
const RESERVED = [
  ...["aggregate", "all", "bulkCreate", "bulkDelete", "bulkUpdate", "create", "delete", "get"],
  ...["list", "restore", "then", "update", "upsert"],
];
const NAME = /^[a-z][A-Za-z0-9]*$/;

export function compileActions(
  resource: string,
  options: Declared,
  roles: readonly string[],
  problems: Problems,
): ReadonlyMap<string, ActionModel> {
  const actions = new Map<string, ActionModel>();
  for (const [name, action] of Object.entries(options.actions ?? {})) {
    const where = `${resource}.actions.${name}`;
    if (!NAME.test(name)) problems.add(where, "an action is named like a method", "startWork");
    if (RESERVED.includes(name)) problems.add(where, "is a reserved name", "another name");
    if (options.scope === "global") problems.add(where, "a global resource is read-only to roles");
    for (const key of Object.keys(action)) {
      // A misspelt `access` would leave the action to nobody, or a misspelt `input` unchecked.
      if (KEYS.includes(key)) continue;
      problems.add(`${where}.${key}`, "is not part of an action; write input, output, access, run");
    }
    if (typeof action.run !== "function") problems.add(`${where}.run`, "is missing");
    if (action.table !== undefined && action.table !== resource) {
      problems.add(where, `is an action of ${action.table}`);
    }
    for (const role of action.access ?? []) {
      if (roles.includes(role)) continue;
      problems.add(`${where}.access`, `"${role}" is not a role; roles are ${roles.join(", ")}`);
    }
    actions.set(name, compileAction(name, action, where, problems));
  }
  return actions;
}

function compileAction(
  name: string,
  action: AnyAction,
  where: string,
  problems: Problems,
): ActionModel {
  const schema = (key: "input" | "output"): z.ZodType | undefined => {
    const given: unknown = action[key];
    if (given === undefined) return undefined;
    if (given instanceof z.ZodType) return key === "input" ? strict(given) : given;
    problems.add(`${where}.${key}`, "must be a Zod schema", "z.object({ ... })");
    return undefined;
  };
  return Object.freeze({
    name,
    path: kebabCase(name),
    input: schema("input"),
    output: schema("output"),
    run: action.run,
  });
}

/** Unknown keys of an object are refused, as everywhere else, unless its schema says otherwise. */
function strict(schema: z.ZodType): z.ZodType {
  const isPlain = schema instanceof z.ZodObject && schema.def.catchall === undefined;
  return isPlain ? schema.strict() : schema;
}

/** The actions of a role: all for "all", those of its grant, and those that name the role. */
export function actionsOf(
  role: string,
  actions: ReadonlyMap<string, ActionModel>,
  options: Declared,
  where: string,
  problems: Problems,
): RoleAccess["actions"] {
  const declared = options.access[role];
  const granted = new Set<string>();
  for (const [name, action] of Object.entries(options.actions ?? {})) {
    if (declared === "all" || action.access?.includes(role)) granted.add(name);
  }
  const names = typeof declared === "object" ? (declared.actions ?? []) : [];
  for (const name of names) {
    if (actions.has(name)) granted.add(name);
    else problems.add(`${where}.actions`, `there is no action "${name}"`);
  }
  const mayRead = declared === "all" || declared?.read !== undefined;
  if (granted.size > 0 && !mayRead) {
    const message = `may run ${[...granted].join(", ")}, but may read no record to run it on`;
    problems.add(where, message, 'read: { fields: ["id"] }');
  }
  // The declaration's order, whatever the grant's.
  const found = [...actions].filter(([name]) => granted.has(name));
  return found.length === 0 ? undefined : new Map(found);
}
