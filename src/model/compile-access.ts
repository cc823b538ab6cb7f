// Reads the policy of one resource into grants: names become fields, filters become predicates.
// Whatever it does not know is a problem at the start, never a wider or narrower grant.
import { containsPattern, matchesOf, patternProblem } from "./compile-match.ts";
import { isFreeText } from "./compile-search.ts";
import { isClaimRef } from "./declare-claims.ts";
import type { AnyCreateGrant, AnyGrant, AnyUpdateGrant, AnyVerbs } from "./declare-untyped.ts";
import {
  COMPARISONS,
  type Comparison,
  type CreateGrant,
  EVERYTHING,
  type FieldModel,
  MATCHES,
  type Match,
  type Model,
  OPERATORS,
  type Operand,
  type Predicate,
  type ReadGrant,
  type ResourceModel,
  type RoleAccess,
  type TableModel,
  type UpdateGrant,
} from "./model.ts";
import type { Problems } from "./problems.ts";

export interface AccessContext {
  readonly problems: Problems;
  readonly tables: ReadonlyMap<string, TableModel>;
  readonly claims: Model["claims"];
}

type Unfinished = Omit<ResourceModel, "access" | "deprecated">;
/** Actions are granted beside the verbs: compile-actions.ts. */
type VerbAccess = Omit<RoleAccess, "actions">;

const WITHOUT_EQUALITY: ReadonlySet<string> = new Set(["json", "point", "line"]);
const VERBS = ["read", "create", "update", "delete", "actions"];

/** Compiles what one role may do. `where` is the path in the declaration, for problems. */
export function compileRoleAccess(
  resource: Unfinished,
  declared: "all" | AnyVerbs,
  where: string,
  context: AccessContext,
): VerbAccess {
  const readOnly = resource.scope === "global";
  const isTenant = resource.table.tenantField?.name === "id";
  if (declared === "all") {
    const whole = isTenant ? {} : ({ create: true, delete: true } as const);
    const verbs: AnyVerbs = readOnly ? { read: true } : { read: true, update: true, ...whole };
    return compileVerbs(resource, verbs, where, context);
  }
  for (const verb of ["create", "delete"] as const) {
    if (!isTenant || declared[verb] === undefined) continue;
    context.problems.add(`${where}.${verb}`, `a role belongs to a tenant and cannot ${verb} one`);
  }
  for (const verb of Object.keys(declared)) {
    if (!VERBS.includes(verb)) {
      context.problems.add(`${where}.${verb}`, `is not a verb; verbs are ${VERBS.join(", ")}`);
    }
  }
  if (readOnly && (declared.create ?? declared.update ?? declared.delete) !== undefined) {
    context.problems.add(where, "a global resource is read-only to roles", "{ read: true }");
  }
  return compileVerbs(resource, declared, where, context);
}

function compileVerbs(
  resource: Unfinished,
  verbs: AnyVerbs,
  where: string,
  context: AccessContext,
): VerbAccess {
  const { read, create, update, delete: remove } = verbs;
  checkKeys(read, ["rows", "fields"], `${where}.read`, context);
  checkKeys(create, ["rows", "fields", "set"], `${where}.create`, context);
  checkKeys(update, ["rows", "fields", "after"], `${where}.update`, context);
  checkKeys(remove, ["rows"], `${where}.delete`, context);
  return Object.freeze({
    read: read && compileRead(resource, read === true ? {} : read, `${where}.read`, context),
    create:
      create && compileCreate(resource, create === true ? {} : create, `${where}.create`, context),
    update:
      update && compileUpdate(resource, update === true ? {} : update, `${where}.update`, context),
    delete: remove && {
      rows: compileRows(
        resource.table,
        remove === true ? undefined : remove.rows,
        `${where}.delete.rows`,
        context,
      ),
    },
  });
}

/** A misspelt limit would grant without it: `row` for `rows` would open every row. */
function checkKeys(
  grant: true | AnyGrant | undefined,
  known: readonly string[],
  where: string,
  context: AccessContext,
): void {
  if (grant === undefined || grant === true) return;
  if (typeof grant !== "object" || grant === null) {
    context.problems.add(where, `must be true or say ${known.join(", ")}`);
    return;
  }
  for (const key of Object.keys(grant)) {
    if (known.includes(key)) continue;
    context.problems.add(`${where}.${key}`, `is not part of a grant; write ${known.join(", ")}`);
  }
}

function compileRead(
  resource: Unfinished,
  grant: AnyGrant,
  where: string,
  context: AccessContext,
): ReadGrant {
  const fields = grantedFields(resource, resource.served, grant.fields, where, context);
  const id = resource.table.fields.get("id");
  // The id is always readable: links, cursors and the address of a record are made of it.
  const withId = id === undefined || fields.includes(id) ? fields : [id, ...fields];
  return {
    rows: compileRows(resource.table, grant.rows, `${where}.rows`, context),
    fields: withId,
  };
}

function writableFields(resource: Unfinished): readonly FieldModel[] {
  return resource.served.filter((field) => !field.managed);
}

function compileCreate(
  resource: Unfinished,
  grant: AnyCreateGrant,
  where: string,
  context: AccessContext,
): CreateGrant {
  const set = new Map<FieldModel, Operand>();
  for (const [name, value] of Object.entries(grant.set ?? {})) {
    const field = resource.table.fields.get(name);
    if (field === undefined || (field.managed && name !== "id")) {
      context.problems.add(`${where}.set.${name}`, "is not a field that can be set");
      continue;
    }
    set.set(field, operand(field, value, `${where}.set.${name}`, context));
  }
  const writable = writableFields(resource);
  const fields = grantedFields(resource, writable, grant.fields, where, context);
  for (const field of resource.table.fields.values()) {
    if (field.nullable || field.hasDefault || field.managed) continue;
    if (set.has(field) || fields.includes(field)) continue;
    context.problems.add(
      where,
      `cannot create: ${field.name} is required, but neither writable nor set`,
      `fields: [..., "${field.name}"]`,
    );
  }
  return {
    rows: compileRows(resource.table, grant.rows, `${where}.rows`, context),
    fields: fields.filter((field) => !set.has(field)),
    set,
  };
}

function compileUpdate(
  resource: Unfinished,
  grant: AnyUpdateGrant,
  where: string,
  context: AccessContext,
): UpdateGrant {
  const rows = compileRows(resource.table, grant.rows, `${where}.rows`, context);
  const after =
    grant.after === undefined
      ? rows
      : compileRows(resource.table, grant.after, `${where}.after`, context);
  const fields = grantedFields(resource, writableFields(resource), grant.fields, where, context);
  return { rows, after, fields };
}

function grantedFields(
  resource: Unfinished,
  allowed: readonly FieldModel[],
  names: readonly string[] | undefined,
  where: string,
  context: AccessContext,
): readonly FieldModel[] {
  if (names === undefined) return allowed;
  const fields: FieldModel[] = [];
  for (const name of names) {
    const field = allowed.find((candidate) => candidate.name === name);
    if (field !== undefined) fields.push(field);
    else {
      const why = resource.table.fields.has(name)
        ? "is hidden or kept by Backwright, so it cannot be granted here"
        : `is not a field of ${resource.name}`;
      context.problems.add(`${where}.fields`, `"${name}" ${why}`);
    }
  }
  // The table's order, whatever the declaration's: one mask has one spelling.
  return allowed.filter((field) => fields.includes(field));
}

/** A declared filter as a predicate. `undefined` and `{}` mean every row. */
export function compileRows(
  table: TableModel,
  rows: unknown,
  where: string,
  context: AccessContext,
): Predicate {
  if (rows === undefined) return EVERYTHING;
  if (typeof rows !== "object" || rows === null || Array.isArray(rows)) {
    context.problems.add(where, "must be a filter object", "{ field: value }");
    return EVERYTHING;
  }
  const parts = Object.entries(rows)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => compileEntry(table, key, value, `${where}.${key}`, context));
  const [only] = parts;
  if (only === undefined) return EVERYTHING;
  return parts.length === 1 ? only : { kind: "all", of: parts };
}

function compileEntry(
  table: TableModel,
  key: string,
  value: unknown,
  where: string,
  context: AccessContext,
): Predicate {
  if (key === "and" || key === "or") {
    if (!Array.isArray(value) || value.length === 0) {
      context.problems.add(where, "needs a list of at least one filter");
      return EVERYTHING;
    }
    const of = value.map((part, at) => compileRows(table, part, `${where}[${at}]`, context));
    return { kind: key === "and" ? "all" : "any", of };
  }
  if (key === "not") return { kind: "not", of: compileRows(table, value, where, context) };
  const field = table.fields.get(key);
  if (field !== undefined) return compileTests(field, value, where, context);
  const relation = table.relations.get(key) ?? table.manyRelations.get(key);
  const target = relation === undefined ? undefined : context.tables.get(relation.target);
  if (relation !== undefined && target !== undefined) {
    return { kind: "related", relation, where: compileRows(target, value, where, context) };
  }
  context.problems.add(where, `${table.key} has no field or relation "${key}"`);
  return EVERYTHING;
}

function compileTests(
  field: FieldModel,
  value: unknown,
  where: string,
  context: AccessContext,
): Predicate {
  if (value === null) return { kind: "isNull", field, isNull: true };
  if (typeof value !== "object" || isClaimRef(value) || value instanceof Date) {
    return { kind: "compare", field, operator: "eq", value: operand(field, value, where, context) };
  }
  const sql = field.type?.sql ?? "";
  if (WITHOUT_EQUALITY.has(sql) && !Object.keys(value).every((key) => key === "isNull")) {
    const other = sql === "json" ? "; jsonb can" : "";
    context.problems.add(where, `${sql} cannot be compared, only tested with isNull${other}`);
  }
  const parts = Object.entries(value)
    .filter(([, given]) => given !== undefined)
    .map(([operator, given]): Predicate => {
      const at = `${where}.${operator}`;
      if (operator === "isNull") {
        if (typeof given !== "boolean") context.problems.add(at, "must be true or false");
        return { kind: "isNull", field, isNull: given === true };
      }
      if (operator === "in") return compileIn(field, given, at, context);
      if (operator === "nin") {
        return { kind: "not", of: compileIn(field, given, at, context) };
      }
      if (COMPARISONS.includes(operator as Comparison)) {
        const value = operand(field, given, at, context);
        return { kind: "compare", field, operator: operator as Comparison, value };
      }
      const match = MATCHES.find((one) => one === operator);
      if (match !== undefined) return compileMatch(field, match, given, at, context);
      context.problems.add(at, `is not an operator; write one of ${OPERATORS.join(", ")}`);
      return EVERYTHING;
    });
  const [only] = parts;
  if (only === undefined) {
    context.problems.add(where, "says nothing: name a value or an operator", "leave it out");
    return EVERYTHING;
  }
  return parts.length === 1 ? only : { kind: "all", of: parts };
}

function compileMatch(
  field: FieldModel,
  match: Match,
  given: unknown,
  where: string,
  context: AccessContext,
): Predicate {
  const allowed = matchesOf(field);
  if (!allowed.includes(match)) {
    context.problems.add(where, `is not a test that ${field.name} (${field.sqlType}) can take`);
    return EVERYTHING;
  }
  const isText = isFreeText(field);
  if (isText && isClaimRef(given)) {
    context.problems.add(where, "takes a text, not a claim");
    return EVERYTHING;
  }
  const value = operand(field, given, where, context);
  if (!isText || value.kind === "claim") return { kind: "match", field, operator: match, value };
  const text = match === "contains" ? containsPattern(value.text ?? "") : value.text;
  const problem = patternProblem(text ?? "");
  if (problem !== undefined) context.problems.add(where, problem);
  return { kind: "match", field, operator: match, value: { kind: "constant", text } };
}

function compileIn(
  field: FieldModel,
  given: unknown,
  where: string,
  context: AccessContext,
): Predicate {
  if (isClaimRef(given)) {
    checkClaim(given.claim, `${field.type?.sql}[]`, where, context);
    return { kind: "in", field, values: { kind: "claim", claim: given.claim } };
  }
  if (!Array.isArray(given)) {
    context.problems.add(where, "needs a list, or a claim that is a list");
    return EVERYTHING;
  }
  return { kind: "in", field, values: given.map((one) => operand(field, one, where, context)) };
}

function operand(
  field: FieldModel,
  value: unknown,
  where: string,
  context: AccessContext,
): Operand {
  if (isClaimRef(value)) {
    checkClaim(value.claim, field.type?.sql ?? "", where, context);
    return { kind: "claim", claim: value.claim };
  }
  if (value === null) return { kind: "constant", text: null };
  const plain = value instanceof Date ? value.toISOString() : value;
  const checked = field.type?.schema.safeParse(plain);
  if (field.type === undefined || checked === undefined || !checked.success) {
    context.problems.add(where, `is not a value of ${field.name} (${field.sqlType})`);
    return { kind: "constant", text: null };
  }
  return { kind: "constant", text: field.type.encode(checked.data) };
}

function checkClaim(claim: string, wanted: string, where: string, context: AccessContext): void {
  const declared = context.claims.get(claim);
  if (declared === undefined) {
    context.problems.add(where, `there is no claim "${claim}"`);
  } else if (declared.sql !== wanted.replace("varchar", "text")) {
    context.problems.add(where, `me.${claim} is ${declared.sql}, the field needs ${wanted}`);
  }
}
