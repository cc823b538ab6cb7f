// The manifest: the whole backend as one JSON document, stable from run to run, so that two of
// them can be compared. Everything in it comes from the compiled model.
import type {
  AggregatesModel,
  FieldModel,
  Model,
  Operand,
  Predicate,
  ResourceModel,
  RoleAccess,
} from "./model.ts";
import { isOmitted } from "./version.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** The document's format; it grows by additions only. */
const MANIFEST_VERSION = 1;

export function manifest(model: Model): Json {
  return {
    manifest: MANIFEST_VERSION,
    name: model.name,
    version: model.version,
    older: Object.fromEntries(model.older.map((one) => [one.version, describeVersion(one)])),
    tenant: model.tenant.key,
    roles: model.roles,
    claims: entries(model.claims, ({ sql, lookup }) => ({
      type: sql,
      from: lookup === undefined ? "credential" : `${lookup.table.key}.${lookup.column.name}`,
    })),
    resources: entries(model.resources, (one) => describeResource(one, model.version)),
  };
}

/** Who may do what, by resource and role: the part of the manifest that access is decided by. */
export function accessOf(model: Model): Json {
  return entries(model.resources, ({ access }) => entries(access, describeAccess));
}

function entries<T>(map: ReadonlyMap<string, T>, describe: (value: T) => Json): Json {
  return Object.fromEntries([...map].sort(byName).map(([key, value]) => [key, describe(value)]));
}

function byName<T>([a]: readonly [string, T], [b]: readonly [string, T]): number {
  return a < b ? -1 : 1;
}

/** What an older version calls differently; null is what it does not have. */
function describeVersion({ deprecation, resources, version }: Model): Json {
  return {
    deprecated: deprecation === undefined ? null : { ...deprecation },
    resources: entries(resources, ({ path, omitted, recorded }) =>
      omitted === "all"
        ? null
        : {
            path: `/${version}/${path}`,
            fields: Object.fromEntries(
              recorded
                .filter((field) => field.name !== field.ownName)
                .map((field) => [field.ownName, isOmitted(field) ? null : field.name]),
            ),
            omittedOperations: [...omitted].sort(),
          },
    ),
  };
}

function describeResource(resource: ResourceModel, version: string): Json {
  const { table } = resource;
  return {
    path: `/${version}/${resource.path}`,
    scope: resource.scope,
    table: table.schema === undefined ? table.sqlName : `${table.schema}.${table.sqlName}`,
    fields: Object.fromEntries(resource.served.map((field) => [field.name, describeField(field)])),
    relations: entries(table.relations, ({ key, target, optional }) => ({ key, target, optional })),
    manyRelations: entries(table.manyRelations, ({ key, target, through }) => ({
      key,
      target,
      ...(through === undefined ? {} : { through: `${through.table}.${through.targetKey}` }),
    })),
    indexes: table.indexes.map(({ name, unique, keys }) => ({
      name,
      unique,
      keys: keys.map((key) => `${key.descending ? "-" : ""}${key.field}`),
    })),
    ...(table.partIndexes.length > 0 && {
      partIndexes: table.partIndexes.map((index) =>
        index.kind === "words"
          ? { name: index.name, words: index.fields, language: index.language }
          : { name: index.name, [index.kind]: index.field },
      ),
    }),
    ...(resource.search && { search: resource.search.fields.map(({ name }) => name) }),
    states: entries(resource.states, (moves) => Object.fromEntries(moves)),
    actions: entries(resource.actions, ({ path, input, output }) => ({
      path: `/${version}/${resource.path}/{id}/${path}`,
      hasInput: input !== undefined,
      replies: output === undefined ? "record" : "output",
    })),
    ...(resource.aggregates && { aggregates: describeAggregates(resource.aggregates) }),
    deprecated: {
      fields: entries(resource.deprecated.fields, (one) => ({ ...one })),
      operations: entries(resource.deprecated.operations, (one) => ({ ...one })),
    },
    access: entries(resource.access, describeAccess),
  };
}

function describeField(field: FieldModel): Json {
  return {
    type: field.type?.sql ?? field.sqlType,
    nullable: field.nullable,
    hasDefault: field.hasDefault,
    managed: field.managed,
    ...(field.values === undefined ? {} : { values: field.values }),
  };
}

function describeAggregates({ groupBy, measures }: AggregatesModel): Json {
  const names = (fields: readonly FieldModel[]): Json => fields.map((field) => field.name);
  const { sum, avg, min, max } = measures;
  return {
    groupBy: names(groupBy),
    sum: names(sum),
    avg: names(avg),
    min: names(min),
    max: names(max),
  };
}

function describeAccess({ read, create, update, delete: remove, actions }: RoleAccess): Json {
  const names = (fields: readonly FieldModel[]): Json => fields.map((field) => field.name);
  return {
    ...(read && { read: { rows: describePredicate(read.rows), fields: names(read.fields) } }),
    ...(create && {
      create: {
        rows: describePredicate(create.rows),
        fields: names(create.fields),
        set: Object.fromEntries(
          [...create.set].map(([field, operand]) => [field.name, describeOperand(operand)]),
        ),
      },
    }),
    ...(update && {
      update: {
        rows: describePredicate(update.rows),
        after: describePredicate(update.after),
        fields: names(update.fields),
      },
    }),
    ...(remove && { delete: { rows: describePredicate(remove.rows) } }),
    ...(actions && { actions: [...actions.keys()].sort() }),
  };
}

function describeOperand(operand: Operand): Json {
  return operand.kind === "claim" ? { claim: operand.claim } : operand.text;
}

/** In the filter language, with claims as `{ "claim": name }`. */
function describePredicate(predicate: Predicate): Json {
  switch (predicate.kind) {
    case "everything":
      return {};
    case "all":
      return { and: predicate.of.map(describePredicate) };
    case "any":
      return { or: predicate.of.map(describePredicate) };
    case "not":
      return { not: describePredicate(predicate.of) };
    case "compare":
      return {
        [predicate.field.name]: { [predicate.operator]: describeOperand(predicate.value) },
      };
    case "in":
      return {
        [predicate.field.name]: {
          in:
            "kind" in predicate.values
              ? { claim: predicate.values.claim }
              : predicate.values.map(describeOperand),
        },
      };
    case "match":
      return {
        [predicate.field.name]: { [predicate.operator]: describeOperand(predicate.value) },
      };
    case "isNull":
      return { [predicate.field.name]: { isNull: predicate.isNull } };
    case "related":
      return { [predicate.relation.name]: describePredicate(predicate.where) };
  }
}
