// The contract as TypeScript text, for a repository that does not have the backend: what
// contract.ts works out as a type, here made of the compiled model. Nothing of Drizzle is in it.
import { groupNames } from "./compile-aggregates.ts";
import type { FieldType } from "./field-type.ts";
import { type JsonSchema, zodSchema } from "./json-schema.ts";
import {
  type ActionModel,
  type AnyRelationModel,
  type FieldModel,
  MEASURES,
  type Model,
  type ResourceModel,
} from "./model.ts";
import { typeText } from "./type-text.ts";

/**
 * `export interface Api { … }` for `createClient<Api>` of "backwright/client", the same text every
 * time. With a role: the resources, fields, relations and actions that it is granted.
 */
export function printContract(model: Model, role?: string): string {
  const resources = [...model.resources.values()].filter((one) => isGranted(one, role));
  const whose = role === undefined ? "" : `, as far as the role ${role} may use it`;
  const lines = resources
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((resource) => printResource(resource, model, role));
  return [
    `// The API of ${model.name}${whose}.`,
    "// Made by `backwright client`; not edited by hand. To use it:",
    "//",
    '//   import { createClient } from "backwright/client";',
    "//   const client = createClient<Api>({ url, key });",
    "",
    "export interface Api {",
    ...lines.map((line) => `  ${line}`).flatMap(wrapped),
    "}",
    "",
  ].join("\n");
}

const COLUMNS_MAX = 100;
const LITERALS = /^( *)(\w+\??): ("[^"]*"(?: \| "[^"]*")+);$/;

/** A long list of literals, one on a line. */
function wrapped(line: string): readonly string[] {
  const [, indent = "", name = "", union = ""] = LITERALS.exec(line) ?? [];
  if (line.length <= COLUMNS_MAX || union === "") return [line];
  const literals = union.split(" | ").map((literal) => `${indent}  | ${literal}`);
  return [`${indent}${name}:`, `${literals.join("\n")};`];
}

function printResource(resource: ResourceModel, model: Model, role: string | undefined): string[] {
  const actions = role === undefined ? resource.actions : resource.access.get(role)?.actions;
  return block(resource.name, [
    ...block(
      "fields",
      readable(resource, role).map((field) => `${field.name}: ${nullable(field, replyType)};`),
    ),
    ...block(
      "write",
      writable(resource, role).map((field) => `${field.name}?: ${nullable(field, bodyType)};`),
      "Record<string, never>",
    ),
    ...block(
      "links",
      links(resource, model, role).map((relation) => {
        const { kind, name, target } = relation;
        const end = kind === "one" ? `optional: ${relation.optional}` : "many: true";
        return `${name}: { to: ${JSON.stringify(target)}; ${end} };`;
      }),
    ),
    ...block("actions", [...(actions?.values() ?? [])].flatMap(printAction)),
    ...printAggregates(resource, role),
  ]);
}

/** `{}` would be the type of everything; a body without fields takes none at all. */
function block(name: string, lines: readonly string[], empty = "Record<never, never>"): string[] {
  if (lines.length === 0) return [`${name}: ${empty};`];
  return [`${name}: {`, ...lines.map((line) => `  ${line}`), "};"];
}

function printAction({ name, input, output }: ActionModel): string[] {
  return [
    `${name}: {`,
    `  input: ${input === undefined ? "undefined" : typeText(zodSchema(input, "output"))};`,
    `  output: ${output === undefined ? '"the record"' : typeText(zodSchema(output, "output"))};`,
    "};",
  ];
}

/** What reports may ask for. */
function printAggregates(resource: ResourceModel, role: string | undefined): string[] {
  const { aggregates } = resource;
  const fields = readable(resource, role);
  if (aggregates === undefined || fields.length === 0) return ["aggregates: undefined;"];
  const given = (declared: readonly FieldModel[]) =>
    declared.filter((field) => fields.includes(field));
  return block("aggregates", [
    ...printNames("groupBy", given(aggregates.groupBy).flatMap(groupNames)),
    ...MEASURES.flatMap((measure) => {
      const names = given(aggregates.measures[measure]).map(({ name }) => name);
      return printNames(measure, names);
    }),
  ]);
}

/** One name to a line, because each date to group by has six. */
function printNames(member: string, names: readonly string[]): string[] {
  if (names.length < 2) return [`${member}: ${typeText({ enum: names })};`];
  const lines = names.map((name) => `  | ${JSON.stringify(name)}`);
  return [`${member}:`, ...lines.slice(0, -1), `${lines.at(-1)};`];
}

/* ---------- what a role is granted ---------- */

function isGranted(resource: ResourceModel, role: string | undefined): boolean {
  if (role === undefined) return true;
  return Object.values(resource.access.get(role) ?? {}).some((grant) => grant !== undefined);
}

function readable(resource: ResourceModel, role: string | undefined): readonly FieldModel[] {
  return role === undefined ? resource.served : (resource.access.get(role)?.read?.fields ?? []);
}

function writable(resource: ResourceModel, role: string | undefined): readonly FieldModel[] {
  const own = resource.served.filter((field) => !field.managed);
  if (role === undefined) return resource.scope === "global" ? [] : own;
  const { create, update } = resource.access.get(role) ?? {};
  const granted = [...(create?.fields ?? []), ...(update?.fields ?? [])];
  return own.filter((field) => granted.includes(field));
}

/** The relations that lead to a resource that is served. */
function links(
  resource: ResourceModel,
  model: Model,
  role: string | undefined,
): readonly AnyRelationModel[] {
  const { relations, manyRelations } = resource.table;
  return [...relations.values(), ...manyRelations.values()].filter(({ target }) => {
    const other = model.resources.get(target);
    return other !== undefined && readable(other, role).length > 0;
  });
}

/* ---------- fields ---------- */

function nullable(field: FieldModel, type: (field: FieldModel) => string): string {
  return field.nullable ? `${type(field)} | null` : type(field);
}

function replyType(field: FieldModel): string {
  const { type, values } = field;
  return typeText(literals(values ?? type?.values) ?? sqlSchema(type?.sql ?? field.sqlType, type));
}

/** Eight-byte integers are also accepted as numbers where these are exact. */
function bodyType(field: FieldModel): string {
  const isBigint = field.type?.sql === "bigint";
  return isBigint ? `${replyType(field)} | number` : replyType(field);
}

function literals(values: readonly string[] | undefined): JsonSchema | undefined {
  return values === undefined ? undefined : { enum: values };
}

const NUMBERS = ["smallint", "integer", "real", "double precision"];

const COORDINATES: Readonly<Record<string, number>> = { point: 2, line: 3 };

function sqlSchema(sql: string, type: FieldType | undefined): JsonSchema {
  if (sql.endsWith("[]")) {
    const element = type?.element;
    const items = literals(element?.values) ?? sqlSchema(sql.slice(0, -2), element);
    return { type: "array", items };
  }
  const coordinates = COORDINATES[sql];
  if (coordinates !== undefined) {
    return { type: "array", prefixItems: Array(coordinates).fill({ type: "number" }) };
  }
  if (NUMBERS.includes(sql)) return { type: "number" };
  if (sql === "boolean") return { type: "boolean" };
  return sql === "json" || sql === "jsonb" ? {} : { type: "string" };
}
