// Reads the declared versions: the newest is the model itself, each older one a model derived of
// it. Whatever it does not know, or a caller could not live with, is a problem at the start.
import { checkDays, operationNames } from "./compile-deprecated.ts";
import type { AnyVersions, VersionChanges } from "./declare-contract.ts";
import type { Model, ResourceModel } from "./model.ts";
import type { Problems } from "./problems.ts";
import { versionModel } from "./version.ts";

const VERSION = /^v[1-9]\d{0,3}$/;
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const RESOURCE_NAME = /^[a-z][A-Za-z0-9]*$/;
const RESERVED_FIELDS = ["and", "or", "not"];
// What Backwright keeps has one name in every version that has it.
const FIXED = ["id", "createdAt", "updatedAt", "version"];
const OPTIONS = ["since", "sunset", "link", "resources"];
const CHANGES = ["as", "rename", "omit", "omitOperations"];

type Changes = Readonly<Record<string, false | VersionChanges>>;

/** The model with its versions; `v1` alone where none are declared. */
export function compileVersions(
  model: Model,
  declared: AnyVersions | undefined,
  reserved: readonly string[],
  problems: Problems,
): Model {
  if (declared === undefined) return model;
  const names = Object.keys(declared).sort((one, other) => numberOf(other) - numberOf(one));
  const [newest] = names;
  if (newest === undefined) problems.add("versions", "is empty", "versions: { v1: {} }");
  const older: Model[] = [];
  for (const version of names) {
    const where = `versions.${version}`;
    const options = declared[version] ?? {};
    if (!VERSION.test(version)) problems.add(where, "is not a version", "v2");
    for (const key of Object.keys(options)) {
      if (!OPTIONS.includes(key)) problems.add(`${where}.${key}`, `write ${OPTIONS.join(", ")}`);
    }
    const { since, sunset, link, resources = {} } = options;
    if (since !== undefined) checkDays(where, { since, sunset }, problems);
    else if (sunset !== undefined)
      problems.add(`${where}.since`, "is missing", 'since: "2027-01-31"');
    if (version === newest) {
      if (Object.keys(options).length === 0) continue;
      problems.add(where, "is the newest, which is the model as it is", `${version}: {}`);
      continue;
    }
    const before = problems.count;
    checkResources(where, model, resources, reserved, problems);
    if (problems.count > before) continue;
    const deprecation =
      since === undefined
        ? undefined
        : Object.freeze({
            since,
            ...(sunset !== undefined && { sunset }),
            ...(link !== undefined && { link }),
          });
    older.push(versionModel(model, version, deprecation, resources));
  }
  return { ...model, version: newest ?? model.version, older };
}

function numberOf(version: string): number {
  return Number(version.slice(1));
}

function checkResources(
  where: string,
  model: Model,
  changes: Changes,
  reserved: readonly string[],
  problems: Problems,
): void {
  const taken = new Map<string, string>();
  for (const name of Object.keys(changes)) {
    if (!model.resources.has(name)) problems.add(`${where}.resources.${name}`, "is not a resource");
  }
  for (const resource of model.resources.values()) {
    const at = `${where}.resources.${resource.name}`;
    const change = changes[resource.name];
    if (change === false) continue;
    const name = change?.as ?? resource.name;
    if (!RESOURCE_NAME.test(name) || reserved.includes(name)) {
      problems.add(`${at}.as`, `"${name}" cannot be a resource's name`);
    }
    const other = taken.get(name);
    if (other !== undefined) problems.add(`${at}.as`, `"${name}" is ${other} already`);
    taken.set(name, resource.name);
    if (change !== undefined) checkChanges(at, resource, change, problems);
  }
}

function checkChanges(
  at: string,
  resource: ResourceModel,
  change: VersionChanges,
  problems: Problems,
): void {
  for (const key of Object.keys(change)) {
    if (!CHANGES.includes(key)) problems.add(`${at}.${key}`, `write ${CHANGES.join(", ")}`);
  }
  const served = resource.served.map((field) => field.name);
  const { rename = {}, omit = [], omitOperations = [] } = change;
  for (const [field, name] of Object.entries(rename)) {
    if (!served.includes(field)) problems.add(`${at}.rename`, `there is no field "${field}"`);
    if (FIXED.includes(field)) problems.add(`${at}.rename.${field}`, "keeps its name");
    if (omit.includes(field)) problems.add(`${at}.rename.${field}`, "is omitted, too");
    if (name === undefined || !NAME.test(name) || RESERVED_FIELDS.includes(name)) {
      problems.add(`${at}.rename.${field}`, `"${name}" cannot be a field's name`);
    }
  }
  for (const field of omit) {
    if (!served.includes(field)) problems.add(`${at}.omit`, `there is no field "${field}"`);
    if (field === "id") problems.add(`${at}.omit`, "every version has the id");
  }
  checkUnique(at, resource, change, problems);
  checkCreatable(at, resource, change, problems);
  const operations = operationNames(resource);
  for (const operation of omitOperations) {
    if (operations.includes(operation)) continue;
    problems.add(`${at}.omitOperations`, `"${operation}" is none of ${operations.join(", ")}`);
  }
}

/** No two fields may have one name, nor a field and a relation. */
function checkUnique(
  at: string,
  { table }: ResourceModel,
  { rename = {}, omit = [] }: VersionChanges,
  problems: Problems,
): void {
  const taken = new Set([...table.relations.keys(), ...table.manyRelations.keys()]);
  for (const field of table.fields.keys()) {
    if (omit.includes(field)) continue;
    const name = rename[field] ?? field;
    if (taken.has(name)) problems.add(`${at}.rename`, `"${name}" would be the name of two things`);
    taken.add(name);
  }
}

/** A version without a field that a create needs could not create at all. */
function checkCreatable(
  at: string,
  resource: ResourceModel,
  { omit = [], omitOperations = [] }: VersionChanges,
  problems: Problems,
): void {
  if (omitOperations.includes("create")) return;
  const needed = new Set(
    [...resource.access.values()].flatMap(({ create }) =>
      (create?.fields ?? [])
        .filter((field) => !field.nullable && !field.hasDefault)
        .map((field) => field.name),
    ),
  );
  for (const field of omit.filter((one) => needed.has(one))) {
    const message = `nobody could create ${resource.name} without ${field}`;
    problems.add(`${at}.omit`, message, 'omitOperations: ["create"]');
  }
}
