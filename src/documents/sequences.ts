// What happens in which order, as Mermaid: the four general operations once, and each action with
// who may run it, what holds it back, what it locks, what it writes and which events come of it.
import type { Model, ResourceModel } from "../model/model.ts";
import { code, mermaid, page } from "./markdown.ts";

const PARTIES = ["participant S as Server", "participant P as PostgreSQL"];

const READ = [
  "actor C as Caller",
  ...PARTIES,
  "C->>S: GET with an API key",
  "S->>S: key to actor: tenant, role, claims",
  "S->>S: parse, then decide: the role's fields and rows, an index for filter and sort",
  "S->>P: tenant's setting and one prepared statement, in one round trip",
  "P->>P: row-level security keeps to the tenant, the statement to the role's rows",
  "P-->>S: rows",
  "alt one record that is absent or not visible",
  "  S-->>C: 404",
  "else If-None-Match holds its ETag",
  "  S-->>C: 304",
  "else",
  '  S-->>C: 200 { "data": … }',
  "end",
];

interface WriteFlow {
  readonly request: string;
  readonly guards: string;
  readonly lock: string;
  readonly row: string;
  readonly event: string;
  readonly done: string;
  readonly refused: string;
}

const WRITES: Readonly<Record<string, WriteFlow>> = {
  create: {
    request: "POST with an API key and a body",
    guards: "the role's rows, references that it may read",
    lock: "unique keys hold up who creates the same",
    row: "insert the row, forced values in it",
    event: "created",
    done: "201 with Location",
    refused: "403, 409 or 422",
  },
  update: {
    request: "PATCH with an API key and a body",
    guards: "the role's rows before and after, If-Match, states, references",
    lock: "lock of the row",
    row: "update the row, version + 1",
    event: "updated",
    done: "200 with the new ETag",
    refused: "403, 404, 409, 412 or 422",
  },
  delete: {
    request: "DELETE with an API key",
    guards: "the role's rows, If-Match",
    lock: "lock of the row",
    row: "delete the row, or mark it as deleted",
    event: "deleted",
    done: "204",
    refused: "403, 404, 409 or 412",
  },
};

/** A section for each of read, create, update and delete, true of every resource. */
export function operationDiagrams(): string {
  const writes = Object.entries(WRITES).map(([verb, flow]) => section(verb, writeLines(flow)));
  return page(section("read", READ), ...writes).trimEnd();
}

const section = (name: string, lines: readonly string[]): string =>
  page(
    `### ${name[0]?.toUpperCase()}${name.slice(1)}`,
    mermaid("sequenceDiagram", lines),
  ).trimEnd();

const writeLines = ({ request, guards, lock, row, event, done, refused }: WriteFlow) => [
  "actor C as Caller",
  ...PARTIES,
  `C->>S: ${request}`,
  "S->>S: key to actor, parse, then decide: the verb and the fields of the body",
  "S->>P: one statement, one transaction",
  `Note over P: guards in its where: ${guards}`,
  "P->>P: claim of the Idempotency-Key",
  `P->>P: ${lock}`,
  "alt every guard holds",
  `  P->>P: ${row}`,
  "  P->>P: audit entry",
  `  P->>P: event ${event}`,
  "  P->>P: reply stored for the Idempotency-Key",
  "  P-->>S: commit: the record as it is now",
  `  S-->>C: ${done}`,
  "else",
  "  P-->>S: nothing was written",
  "  S->>P: a reading statement: which guard was it",
  `  S-->>C: ${refused}`,
  "end",
];

/** One action of a resource, with what its declaration says; its own code is told as that. */
export function actionDiagram(resource: ResourceModel, name: string, model: Model): string {
  const action = resource.actions.get(name);
  const path = `/${model.version}/${resource.path}/{id}/${action?.path}`;
  const table = resource.table.sqlName;
  const states = [...resource.states.keys()];
  const guard = states.length === 0 ? "" : `, guarded by the states of ${states.join(", ")}`;
  const version = resource.table.versionField === undefined ? "" : ", version + 1";
  const lines = [
    `actor C as ${plain(rolesOf(resource, name).join(", ") || "nobody yet")}`,
    `participant A as ${plain(name)}`,
    "participant P as PostgreSQL",
    `C->>A: POST ${path}`,
    `A->>A: role may ${plain(name)}, else 403`,
    `A->>A: body ${action?.input === undefined ? "is empty" : "fits the schema"}, else 400`,
    "A->>P: begin, claim of the Idempotency-Key",
    `A->>P: lock of the row of ${table} (for update)`,
    `Note over A,P: ${plain(visibleRows(resource, name))}, else 404`,
    "Note over A,P: If-Match is its version, else 412",
    `A->>A: code of ${plain(name)}: rules of its own, mostly 422`,
    "opt change",
    `  A->>P: update ${table}${version}${guard}`,
    `  A->>P: audit entry ${plain(name)}, event ${resource.ownName}.updated`,
    "end",
    "opt emit, ops, tx",
    "  A->>P: events of its own, operations as the caller, tables that are not served",
    "end",
    "A->>P: reply stored for the Idempotency-Key, commit",
    `A-->>C: 200 ${action?.output === undefined ? "with the record" : "with the output"}`,
  ];
  return page(`${code(name)}:`, mermaid("sequenceDiagram", lines)).trimEnd();
}

const rolesOf = ({ access }: ResourceModel, action: string): readonly string[] =>
  [...access].flatMap(([role, grants]) => (grants.actions?.has(action) === true ? [role] : []));

/** Whose row conditions the lock asks: an action is run on a record that one may read. */
function visibleRows(resource: ResourceModel, action: string): string {
  const narrow = rolesOf(resource, action).filter((role) => {
    const rows = resource.access.get(role)?.read?.rows;
    return rows !== undefined && rows.kind !== "everything";
  });
  if (narrow.length === 0) return "the record is of the caller's tenant";
  return `the record is of the caller's tenant and visible to ${narrow.join(", ")} by their rows`;
}

/** A semicolon ends a statement of Mermaid, a hash begins a character code. */
const plain = (text: string): string => text.replace(/[;#\n]/g, " ");
