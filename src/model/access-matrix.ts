// Who may do what, as tables: operations by role, fields by role, and the conditions on rows as
// numbered notes. Made of the same grants that requests are decided by.
import type { CreateGrant, Model, Predicate, ResourceModel, RoleAccess } from "./model.ts";
import { operandText, predicateText } from "./predicate-text.ts";

export interface AccessMatrix {
  readonly resource: string;
  /** Head first. "–" is not allowed, "all" every row, "[1]" rows by note 1. */
  readonly operations: readonly (readonly string[])[];
  /** r: reads, c: may give on create, u: may change. */
  readonly fields: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

const NOT = "–";

export function accessMatrix(model: Model, resource: ResourceModel): AccessMatrix {
  const notes: string[] = [];
  const noteFor = (text: string): string => {
    const known = notes.indexOf(text);
    return `[${known === -1 ? notes.push(text) : known + 1}]`;
  };
  const { roles } = model;
  const cells = (cell: (access: RoleAccess | undefined) => string): string[] =>
    roles.map((role) => cell(resource.access.get(role)));
  const rows = (verb: "read" | "update" | "delete"): readonly string[] => [
    verb,
    ...cells((access) => {
      const grant = access?.[verb];
      return grant === undefined ? NOT : rowsCell(grant.rows, noteFor);
    }),
  ];
  const create = (): readonly string[] => [
    "create",
    ...cells((access) => {
      if (access?.create === undefined) return NOT;
      const note = createNote(access.create);
      return note === undefined ? "all" : noteFor(note);
    }),
  ];
  const actions = [...resource.actions.keys()].map((name) => [
    name,
    ...cells((access) => (access?.actions?.has(name) === true ? "yes" : NOT)),
  ]);
  return {
    resource: resource.name,
    operations: [
      ["operation", ...roles],
      rows("read"),
      create(),
      rows("update"),
      rows("delete"),
      ...actions,
    ],
    fields: [["field", ...roles], ...fieldRows(resource, roles)],
    notes,
  };
}

function rowsCell(rows: Predicate, noteFor: (text: string) => string): string {
  return rows.kind === "everything" ? "all" : noteFor(`where ${predicateText(rows)}`);
}

function createNote({ rows, set }: CreateGrant): string | undefined {
  const parts = [...set].map(([field, value]) => `${field.name} is set to ${operandText(value)}`);
  if (rows.kind !== "everything") parts.unshift(`must be ${predicateText(rows)}`);
  return parts.length === 0 ? undefined : parts.join(", ");
}

function fieldRows(resource: ResourceModel, roles: readonly string[]): readonly string[][] {
  return resource.served.map((field) => [
    field.name,
    ...roles.map((role) => {
      const { read, create, update } = resource.access.get(role) ?? {};
      const letters = [
        read?.fields.includes(field) === true ? "r" : "",
        create?.fields.includes(field) === true ? "c" : "",
        update?.fields.includes(field) === true ? "u" : "",
      ].join("");
      return letters === "" ? NOT : letters;
    }),
  ]);
}
