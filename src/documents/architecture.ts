// docs/backend-architecture.md: what the backend serves, to whom, and what happens in it.
import type { Model, ResourceModel } from "../model/model.ts";
import { code, codes, mermaid, page, prose, table } from "./markdown.ts";
import { actionDiagram, operationDiagrams } from "./sequences.ts";

export function architecturePage(model: Model): string {
  const resources = [...model.resources.values()];
  return page(
    "# Backend architecture",
    prose(`${code(model.name)} serves ${resources.length} resources to the roles
      ${codes(model.roles)}. A tenant is a row of ${code(model.tenant.sqlName)}. A role that has no
      rule may do nothing.`),
    "## What an operation does",
    operationDiagrams(),
    prose(`A write is one transaction: the row, its audit entry, its event and the stored reply of
      its \`Idempotency-Key\` are all there or none is.`),
    claimsSection(model),
    "## Resources",
    table(
      ["resource", "address", "rows", "table"],
      resources.map((one) => resourceRow(model.version, one)),
    ),
    ...resources.flatMap((resource) => resourceSection(resource, model)),
  );
}

function claimsSection(model: Model): string | undefined {
  const claims = [...model.claims.values()];
  if (claims.length === 0) return undefined;
  const rows = claims.map(({ name, sql, lookup }) => [
    code(`me.${name}`),
    sql,
    lookup === undefined
      ? "carried by the credential"
      : `looked up in ${code(`${lookup.table.sqlName}.${lookup.column.column}`)}, ` +
        "believed for at most five seconds",
  ]);
  return page("## What is known about a caller", table(["claim", "type", "from"], rows)).trimEnd();
}

const resourceRow = (version: string, { name, path, scope, table: { sqlName } }: ResourceModel) => [
  code(name),
  code(`/${version}/${path}`),
  scope === "tenant" ? "of the caller's tenant" : "of all tenants, read-only",
  code(sqlName),
];

function resourceSection(resource: ResourceModel, model: Model): readonly (string | undefined)[] {
  return [
    `### ${resource.name}`,
    table(["operation", ...model.roles], operationRows(resource, model.roles)),
    ...[...resource.states].map(([field, moves]) => stateDiagram(resource, field, moves)),
    ...[...resource.actions.keys()].map((name) => actionDiagram(resource, name, model)),
  ];
}

function operationRows(resource: ResourceModel, roles: readonly string[]) {
  const grants = roles.map((role) => resource.access.get(role));
  const verbs = ["read", "create", "update", "delete"] as const;
  const rows = verbs.map((verb) => [
    verb,
    ...grants.map((access) => {
      const grant = access?.[verb];
      if (grant === undefined) return "–";
      return grant.rows.kind === "everything" ? "yes" : "some rows";
    }),
  ]);
  const actions = [...resource.actions.keys()].map((name) => [
    name,
    ...grants.map((access) => (access?.actions?.has(name) === true ? "yes" : "–")),
  ]);
  return [...rows, ...actions];
}

function stateDiagram(
  resource: ResourceModel,
  field: string,
  moves: ReadonlyMap<string, readonly string[]>,
): string {
  const names = [...moves.keys()];
  const id = (state: string): string => `s${names.indexOf(state)}`;
  const lines = [
    ...names.map((state) => `state "${state.replaceAll('"', "'")}" as ${id(state)}`),
    ...[...moves].flatMap(([from, next]) =>
      next.length === 0 ? [`${id(from)} --> [*]`] : next.map((to) => `${id(from)} --> ${id(to)}`),
    ),
  ];
  return page(
    `How ${code(`${resource.name}.${field}`)} moves:`,
    mermaid("stateDiagram-v2", lines),
  ).trimEnd();
}
