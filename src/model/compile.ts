// Turns a declared backend into the model, or refuses it with everything that is wrong.
import { getColumns, type Table } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { type AccessContext, compileRoleAccess } from "./compile-access.ts";
import { actionsOf, compileActions } from "./compile-actions.ts";
import { compileAggregates } from "./compile-aggregates.ts";
import { compileDeprecated } from "./compile-deprecated.ts";
import { compileManyRelations } from "./compile-many.ts";
import { compileSearch } from "./compile-search.ts";
import { compileTable } from "./compile-table.ts";
import { compileVersions } from "./compile-versions.ts";
import type { ClaimSource } from "./declare-claims.ts";
import type { AnyBackend, AnyDomain, AnyResource } from "./declare-untyped.ts";
import {
  type ClaimModel,
  type FieldModel,
  kebabCase,
  type Model,
  type ResourceModel,
  type RoleAccess,
  type TableModel,
} from "./model.ts";
import { Problems } from "./problems.ts";

/**
 * Compiles and checks a backend. Throws one StartError that lists every problem with its place in
 * the declaration and, where one line mends it, that line.
 */
export function compileModel(backend: AnyBackend): Model {
  const problems = new Problems();
  const { domain } = backend;
  const tables = compileTables(domain, problems);
  const tenant = [...tables.values()].find((table) => tableOf(domain, table.key) === domain.tenant);
  if (tenant === undefined) {
    // Every table would seem to belong to nobody.
    const alone = new Problems();
    alone.add("define.tenant", "is not among the tables of the relations");
    alone.throwIfAny(backend.name);
    throw new Error("unreachable");
  }
  // Names of fields and relations mean nothing while the tables are wrong: report those first.
  problems.throwIfAny(backend.name);
  const claims = compileClaims(domain, tables, problems);
  const context: AccessContext = { problems, tables, claims };
  const resources = new Map<string, ResourceModel>();
  for (const [key, resource] of Object.entries(backend.resources)) {
    if (key !== resource.name) {
      problems.add(`resources.${key}`, `holds the resource of ${resource.name}`, resource.name);
    }
    const compiled = compileResource(resource, tenant, domain.roles, context);
    if (compiled !== undefined) resources.set(compiled.name, compiled);
  }
  if (resources.size === 0) problems.add("resources", "is empty: nothing would be served");
  const { roles, relations } = domain;
  const only = { version: "v1", deprecation: undefined, older: [] };
  const { name } = backend;
  const model = { name, ...only, roles, claims, tables, resources, tenant, relations };
  checkReferencesReadable(model, problems);
  const versioned = compileVersions(model, backend.versions, RESERVED_NAMES, problems);
  problems.throwIfAny(backend.name);
  return Object.freeze(versioned);
}

function tableOf(domain: AnyDomain, key: string): PgTable | undefined {
  return domain.relations[key]?.table as PgTable | undefined;
}

function compileTables(domain: AnyDomain, problems: Problems): Map<string, TableModel> {
  const keys = new Map<Table, string>();
  for (const [key, entry] of Object.entries(domain.relations)) keys.set(entry.table as Table, key);
  const tables = new Map<string, TableModel>();
  for (const [key, entry] of Object.entries(domain.relations)) {
    const context = { problems, tenant: domain.tenant, keys, relations: entry.relations };
    tables.set(key, compileTable(key, entry.table as PgTable, context));
  }
  const context = { problems, tables: new Map(tables), keys };
  for (const [key, table] of tables) {
    const relations = domain.relations[key]?.relations ?? {};
    const manyRelations = compileManyRelations(table, relations, context);
    tables.set(key, Object.freeze({ ...table, manyRelations }));
  }
  return tables;
}

function compileClaims(
  domain: AnyDomain,
  tables: ReadonlyMap<string, TableModel>,
  problems: Problems,
): Map<string, ClaimModel> {
  const claims = new Map<string, ClaimModel>([
    ["id", { name: "id", sql: "uuid", lookup: undefined }],
    ["tenantId", { name: "tenantId", sql: "uuid", lookup: undefined }],
  ]);
  for (const [name, source] of Object.entries(domain.claims)) {
    if (claims.has(name)) problems.add(`claims.${name}`, `me.${name} is always there`);
    const sql = typeof source === "string" ? source : source.type;
    const lookup = compileLookup(name, source, domain, tables, problems);
    claims.set(name, Object.freeze({ name, sql, lookup }));
  }
  return claims;
}

function compileLookup(
  name: string,
  source: ClaimSource,
  domain: AnyDomain,
  tables: ReadonlyMap<string, TableModel>,
  problems: Problems,
): ClaimModel["lookup"] {
  if (typeof source === "string") return undefined;
  const find = (wanted: PgColumn): [TableModel, FieldModel] | undefined => {
    for (const table of tables.values()) {
      const drizzle = tableOf(domain, table.key);
      if (drizzle === undefined) continue;
      for (const [field, column] of Object.entries(getColumns(drizzle))) {
        const model = table.fields.get(field);
        if (column === wanted && model !== undefined) return [table, model];
      }
    }
    return undefined;
  };
  const column = find(source.column);
  const where = find(source.where);
  if (column === undefined || where === undefined || column[0] !== where[0]) {
    problems.add(`claims.${name}`, "column and where must be of one table of the relations");
    return undefined;
  }
  if (column[0].tenantField === undefined) {
    problems.add(`claims.${name}`, `${column[0].key} has no tenant, so its rows are everybody's`);
  }
  const held = column[1].type?.sql.replace("varchar", "text");
  if (held !== source.type.replace("[]", "") || where[1].type?.sql !== "uuid") {
    problems.add(`claims.${name}`, `is ${source.type}, but the column is ${column[1].sqlType}`);
  }
  return { table: column[0], column: column[1], where: where[1] };
}

const OPTIONS = [
  ...["scope", "access", "hidden", "states", "search", "actions", "aggregates"],
  "deprecated",
];
const RESERVED_NAMES = ["auth", "batch", "console", "docs", "graphql", "health", "mcp", "ready"];

function compileResource(
  resource: AnyResource,
  tenant: TableModel,
  roles: readonly string[],
  context: AccessContext,
): ResourceModel | undefined {
  const { problems } = context;
  const { name, options } = resource;
  const table = context.tables.get(name);
  if (table === undefined) {
    problems.add(name, "is not a table of the relations");
    return undefined;
  }
  if (RESERVED_NAMES.includes(name)) problems.add(name, "is a reserved name of the server");
  for (const option of Object.keys(options)) {
    // A misspelt `hidden` would serve what it names.
    if (OPTIONS.includes(option)) continue;
    problems.add(`${name}.${option}`, `is not an option; options are ${OPTIONS.join(", ")}`);
  }
  if (!table.fields.has("id") || table.fields.get("id")?.type?.sql !== "uuid") {
    problems.add(name, "a served table needs a uuid id", "id: id()");
    return undefined;
  }
  checkScope(name, options.scope, table, tenant, problems);
  const hidden = options.hidden ?? [];
  for (const field of hidden) {
    if (!table.fields.has(field)) problems.add(`${name}.hidden`, `there is no field "${field}"`);
  }
  const served = [...table.fields.values()].filter((field) => {
    const isTenant = field === table.tenantField && field.name !== "id";
    // A row that bears the mark is in no reply, so the mark itself would always be null.
    return !isTenant && field !== table.deletedField && !hidden.includes(field.name);
  });
  for (const field of served) {
    if (field.type !== undefined) continue;
    const message = `the type ${field.sqlType} cannot be served without loss`;
    problems.add(`${name}.${field.name}`, message, `hidden: ["${field.name}"]`);
  }
  const unfinished = {
    name,
    ownName: name,
    path: kebabCase(name),
    omitted: new Set<string>(),
    scope: options.scope,
    table,
    served,
    recorded: served,
    states: compileStates(name, options.states ?? {}, table, problems),
    search: compileSearch({ name, table, served }, options.search, problems),
    actions: compileActions(name, options, roles, problems),
    aggregates: compileAggregates({ name, served }, options.aggregates, problems),
  };
  const access = compileAccess(unfinished, options, roles, context);
  const deprecated = compileDeprecated(unfinished, options.deprecated, problems);
  return Object.freeze({ ...unfinished, deprecated, access });
}

function compileAccess(
  resource: Omit<ResourceModel, "access" | "deprecated">,
  options: AnyResource["options"],
  roles: readonly string[],
  context: AccessContext,
): Map<string, RoleAccess> {
  const access = new Map<string, RoleAccess>();
  const where = `${resource.name}.access`;
  // As JavaScript would call it, past the types.
  const declared = options.access as AnyResource["options"]["access"] | undefined;
  if (declared === undefined || Object.keys(declared).length === 0) {
    const roleName = roles[0] ?? "role";
    const advice = `access: { ${roleName}: "all" }`;
    context.problems.add(where, "is missing: nobody could do anything", advice);
    return access;
  }
  for (const [role, verbs] of Object.entries(declared)) {
    if (!roles.includes(role)) {
      context.problems.add(`${where}.${role}`, `is not a role; roles are ${roles.join(", ")}`);
      continue;
    }
    const at = `${where}.${role}`;
    const actions = actionsOf(role, resource.actions, options, at, context.problems);
    const compiled = compileRoleAccess(resource, verbs, at, context);
    access.set(role, Object.freeze({ ...compiled, actions }));
  }
  for (const [name, action] of Object.entries(options.actions ?? {})) {
    for (const role of action.access ?? []) {
      if (Object.hasOwn(declared, role) || !roles.includes(role)) continue;
      const message = `${role} may read no record to run it on`;
      context.problems.add(`${resource.name}.actions.${name}.access`, message);
    }
  }
  return access;
}

function checkScope(
  name: string,
  scope: string | undefined,
  table: TableModel,
  tenant: TableModel,
  problems: Problems,
): void {
  const where = `${name}.scope`;
  if (scope !== "tenant" && scope !== "global") {
    const advice = table.tenantField === undefined ? 'scope: "global"' : 'scope: "tenant"';
    problems.add(where, "is missing: do its rows belong to a tenant, or to everybody?", advice);
  } else if (scope === "tenant" && table.tenantField === undefined) {
    problems.add(
      where,
      "no column of the table references the tenant table",
      `${tenant.key.replace(/s$/, "")}Id: uuid("${tenant.sqlName.replace(/s$/, "")}_id")` +
        `.notNull().references(() => ${tenant.key}.id)`,
    );
  } else if (scope === "global" && table.tenantField !== undefined) {
    problems.add(where, "the table has a tenant column, so its rows are not global", '"tenant"');
  }
}

function compileStates(
  name: string,
  declared: NonNullable<AnyResource["options"]["states"]>,
  table: TableModel,
  problems: Problems,
): ResourceModel["states"] {
  const states = new Map<string, ReadonlyMap<string, readonly string[]>>();
  for (const [field, moves] of Object.entries(declared)) {
    const where = `${name}.states.${field}`;
    const { values, nullable } = table.fields.get(field) ?? {};
    if (values === undefined) {
      problems.add(where, "is not a state field", `${field}: state([...])`);
      continue;
    }
    if (nullable === true) {
      // Nothing leads out of NULL or into it: no record could ever move.
      problems.add(where, "has moves, so it may not be null", ".notNull().default(...)");
    }
    for (const value of values) {
      if (!Object.hasOwn(moves, value))
        problems.add(where, `"${value}" is left out`, `${value}: []`);
    }
    for (const [from, to] of Object.entries(moves)) {
      const unknown = [from, ...to].filter((state) => !values.includes(state));
      for (const state of unknown) problems.add(`${where}.${from}`, `"${state}" is not a state`);
    }
    states.set(field, new Map(Object.entries(moves)));
  }
  return states;
}

// Writing a reference needs read access to its target (else 422 as if it did not exist), so a role
// that may write one and can never read the target has a grant that cannot be used.
function checkReferencesReadable(model: Model, problems: Problems): void {
  for (const resource of model.resources.values()) {
    for (const [role, access] of resource.access) {
      for (const verb of ["create", "update"] as const) {
        for (const field of access[verb]?.fields ?? []) {
          const key = resource.table.references.get(field.name);
          const target = key === undefined ? undefined : model.resources.get(key);
          if (key === undefined || target?.access.get(role)?.read !== undefined) continue;
          const where = `${resource.name}.access.${role}.${verb}`;
          if (target === undefined) {
            problems.add(where, `${field.name} references ${key}, which is not served`);
            continue;
          }
          problems.add(
            where,
            `${role} may write ${field.name}, but may not read ${key}`,
            `${key}: access: { ${role}: { read: { fields: ["id"] } } }`,
          );
        }
      }
    }
  }
}
