// The query parameters of reads, as far as a role may use them: readable fields and served sorts.
import {
  COUNT_ESTIMATE_MAX,
  FILTER_DEPTH_MAX,
  FILTERS_MAX,
  IN_VALUES_MAX,
  INCLUDE_DEPTH_MAX,
  INCLUDED_SIZE_DEFAULT,
  INCLUDED_SIZE_MAX,
  OFFSET_MAX,
  OR_ARMS_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
  SEARCH_TEXT_MAX,
} from "../base/limits.ts";
import { matchesOf } from "../model/compile-match.ts";
import { integerSchema, type JsonSchema, parameterSchema } from "../model/json-schema.ts";
import type { FieldModel, Match, Model, ReadGrant, ResourceModel } from "../model/model.ts";
import { type ReadableRelation, readableRelations } from "../operations/parsing.ts";
import { readableSearch } from "../sql/finder.ts";
import { describeForms, describeSort, readableForms } from "../sql/serve.ts";
import { orderOfMany } from "../sql/serve-many.ts";
import { deprecatedMark } from "./deprecation.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header" | "path";
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
  readonly deprecated?: true;
  readonly example?: unknown;
  readonly style?: string;
  readonly explode?: boolean;
}

/** Base64url. It holds the sort keys of a row, which PostgreSQL keeps in an index: 2,704 bytes. */
export const CURSOR_SCHEMA: JsonSchema = {
  type: "string",
  minLength: 1,
  maxLength: 32_768,
  pattern: "^[A-Za-z0-9_-]+$",
};

const RANGES = ["ne", "lt", "lte", "gt", "gte"];

/** `fields`, `include`, and of included records `fields[relation]` and pages. */
export function recordParameters(
  resource: ResourceModel,
  read: ReadGrant,
  model: Model,
  role: string,
): readonly Parameter[] {
  const pages = manyOf(includable(resource, read, model, role)).map(({ relation: { name } }) =>
    query(`page[${name}][after]`, `A cursor of ${name}: the page after it.`, CURSOR_SCHEMA),
  );
  return [...selectionParameters(resource, read, model, role), ...pages];
}

function selectionParameters(
  resource: ResourceModel,
  read: ReadGrant,
  model: Model,
  role: string,
): readonly Parameter[] {
  const parameters = [listOf("fields", "Only these fields.", read.fields)];
  const targets = includable(resource, read, model, role);
  const names = targets.map(({ relation }) => relation.name);
  if (names.length === 0) return parameters;
  for (const { relation, fields } of targets) {
    const about = `Only these fields of ${relation.name}; needs include=${relation.name}.`;
    parameters.push(listOf(`fields[${relation.name}]`, about, fields));
  }
  const size = {
    type: "integer",
    minimum: 1,
    maximum: INCLUDED_SIZE_MAX,
    default: INCLUDED_SIZE_DEFAULT,
  };
  for (const { relation } of manyOf(targets)) {
    const about = `Records of ${relation.name} for each record; needs include=${relation.name}.`;
    parameters.push(query(`page[${relation.name}][size]`, about, size));
  }
  const about =
    `Related records: ${names.join(", ")}, and with a dot those of theirs, at most ` +
    `${INCLUDE_DEPTH_MAX} relations far. \`fields\` and \`page\` take the same paths.`;
  const path = `^(${names.join("|")})(\\.[A-Za-z0-9_]+){0,${INCLUDE_DEPTH_MAX - 1}}$`;
  const items = { type: "string", pattern: path };
  return [...parameters, comma("include", about, { type: "array", items, minItems: 1 })];
}

/** The relations whose key and target a role may read. */
function readable(
  resource: ResourceModel,
  grant: ReadGrant,
  model: Model,
  role: string,
): readonly ReadableRelation[] {
  return readableRelations({ model, actor: { role }, resource, grant, problems: [] });
}

/** Those that can be included: one record, or many that an index finds. */
export function includable(
  resource: ResourceModel,
  read: ReadGrant,
  model: Model,
  role: string,
): readonly ReadableRelation[] {
  return readable(resource, read, model, role).filter(
    ({ relation }) => relation.kind === "one" || orderOfMany(relation, model) !== undefined,
  );
}

const manyOf = (targets: readonly ReadableRelation[]): readonly ReadableRelation[] =>
  targets.filter(({ relation }) => relation.kind === "many");

/** Those of a record, and filters, sort and page. */
export function readParameters(
  resource: ResourceModel,
  read: ReadGrant,
  model: Model,
  role: string,
): readonly Parameter[] {
  const names = new Set(read.fields.map((field) => field.name));
  const offered = readableForms(resource, names);
  const filtered = new Set(offered.flatMap((form) => form.prefix.map((key) => key.field)));
  const sorted = new Set(offered.map((form) => form.sorts[0]?.field));
  const parameters: Parameter[] = [...selectionParameters(resource, read, model, role)];
  for (const field of read.fields) {
    if (!filtered.has(field.name) && !sorted.has(field.name)) continue;
    const deprecation = resource.deprecated.fields.get(field.name);
    for (const one of filterParameters(field, sorted.has(field.name))) {
      parameters.push({ ...one, ...deprecatedMark(deprecation, one.description) });
    }
  }
  if (filtered.size + sorted.size > 0) {
    for (const target of readable(resource, read, model, role)) {
      parameters.push(...relatedParameters(target));
    }
    parameters.push(groupParameter(true));
  }
  parameters.push(...matchParameters(resource, read), ...searchParameters(resource, read));
  const served = describeForms(resource, names).join("; ");
  const keys = offered.flatMap((form) => [describeSort(form, false), describeSort(form, true)]);
  if (keys.length > 0) {
    const about = `Served together, in either direction (all fields turned): ${served}.`;
    parameters.push(query("sort", about, { type: "string", enum: [...new Set(keys)] }));
  }
  parameters.push(...pageParameters());
  return parameters;
}

/** Tests of a part of a value that an index finds rows by; others go beside a served filter. */
function matchParameters({ table }: ResourceModel, { fields }: ReadGrant): Parameter[] {
  return fields.flatMap((field) => {
    const isFound = table.partIndexes.some(
      (one) => one.kind !== "words" && one.field === field.name,
    );
    return (isFound ? matchesOf(field) : []).map((match) => {
      const schema = { type: "string", minLength: 1, maxLength: SEARCH_TEXT_MAX };
      const about = `${field.name} ${MATCH_WORDS[match]}`;
      return query(`filter[${field.name}][${match}]`, about, schema);
    });
  });
}

const MATCH_WORDS: Readonly<Record<Match, string>> = {
  like: "is like a pattern of % (any text) and _ (any character).",
  ilike: "is like a pattern of % and _, whatever the case.",
  contains: "contains this text, or all these members.",
};

function searchParameters({ search }: ResourceModel, read: ReadGrant): Parameter[] {
  const fields = readableSearch(search, read);
  if (fields.length === 0) return [];
  const names = fields.map((field) => field.name).join(", ");
  const about = `Words to find in ${names}; "…" for a phrase, - for none of, or. Best first.`;
  const marks = "Adds meta.highlights: by id and field, HTML with <mark> around what q has found.";
  return [
    query("q", about, { type: "string", minLength: 1, maxLength: SEARCH_TEXT_MAX }),
    query("highlight", marks, { type: "boolean", default: false }),
  ];
}

function pageParameters(): Parameter[] {
  const size = { ...integerSchema(1, PAGE_SIZE_MAX), default: PAGE_SIZE_DEFAULT };
  const offset = { ...integerSchema(0, OFFSET_MAX), default: 0 };
  const count = { type: "string", enum: ["exact", "estimated"] };
  const steps = "Records to step over from the start; each is read. Not with a cursor.";
  const total = `Asks for total: all records counted, or, estimated, up to ${COUNT_ESTIMATE_MAX}.`;
  return [
    query("page[size]", "Records in a page.", size),
    query("page[after]", "A cursor: the page after it.", CURSOR_SCHEMA),
    query("page[before]", "A cursor: the page before it.", CURSOR_SCHEMA),
    query("page[offset]", steps, offset),
    query("page[count]", total, count),
  ];
}

/** Equality stands for every operator: the others are many, and go by the same pattern. */
function relatedParameters({ relation: { name }, fields }: ReadableRelation): Parameter[] {
  return fields
    .filter((field) => field.type?.comparable === true)
    .map((field) => {
      const about =
        `${field.name} of ${name} equals; other tests with an [operator] after it. Tested on one ` +
        "row after the other: needs a filter on this resource's own fields beside it.";
      return query(`filter[${name}.${field.name}]`, about, parameterSchema(field));
    });
}

/** Groups hold the other filters, so that their names have no end: said by example. */
export function groupParameter(isServed: boolean): Parameter {
  const about =
    "Groups of the other filters: filter[or][0][field]=a&filter[or][1][field][lt]=b, " +
    "filter[and][0][field]=a, filter[not][field]=a. Under one number all must hold. At most " +
    `${FILTER_DEPTH_MAX} deep, ${FILTERS_MAX} conditions, ${OR_ARMS_MAX} alternatives` +
    `${isServed ? "; an index must serve each of these under the same sort" : ""}.`;
  const groups = { type: "array", items: { type: "object" }, minItems: 1 };
  const properties = { and: groups, or: groups, not: { type: "object" } };
  const schema = { type: "object", properties };
  return { ...query("filter", about, schema), style: "deepObject", explode: true };
}

export function filterParameters(field: FieldModel, isSorted: boolean): Parameter[] {
  const schema = parameterSchema(field);
  const name = `filter[${field.name}]`;
  const list = { type: "array", items: schema, minItems: 1, maxItems: IN_VALUES_MAX };
  const found = [
    query(name, `${field.name} equals.`, schema),
    comma(`${name}[in]`, `${field.name} is one of.`, list),
  ];
  if (field.nullable) {
    found.push(query(`${name}[isNull]`, `${field.name} is null, or not.`, { type: "boolean" }));
  }
  if (isSorted || field.values !== undefined) {
    found.push(comma(`${name}[nin]`, `${field.name} is none of; null is not found.`, list));
  }
  if (isSorted) {
    for (const operator of RANGES) {
      found.push(query(`${name}[${operator}]`, `${field.name} is ${operator}.`, schema));
    }
  }
  return found;
}

function listOf(name: string, description: string, fields: readonly FieldModel[]): Parameter {
  return comma(name, description, listSchema(fields.map((field) => field.name)));
}

function listSchema(names: readonly string[]): JsonSchema {
  const items = { type: "string", enum: names };
  return { type: "array", items, minItems: 1, maxItems: names.length };
}

export function query(name: string, description: string, schema: JsonSchema): Parameter {
  return { name, in: "query", required: false, description, schema };
}

/** A list in one parameter, its values separated by commas. */
export function comma(name: string, description: string, schema: JsonSchema): Parameter {
  return { ...query(name, description, schema), style: "form", explode: false };
}
