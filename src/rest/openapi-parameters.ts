// The query parameters of reads, as far as a role may use them: readable fields and served sorts.
import { IN_VALUES_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../base/limits.ts";
import { type JsonSchema, parameterSchema } from "../model/json-schema.ts";
import type { FieldModel, Model, ReadGrant, ResourceModel } from "../model/model.ts";
import { describeForms, describeSort, readableForms } from "../sql/serve.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header" | "path";
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
  readonly style?: string;
  readonly explode?: boolean;
}

const RANGES = ["ne", "lt", "lte", "gt", "gte"];

/** `fields`, `fields[relation]`, `include`. */
export function recordParameters(
  resource: ResourceModel,
  read: ReadGrant,
  model: Model,
  role: string,
): readonly Parameter[] {
  const parameters = [listOf("fields", "Only these fields.", read.fields)];
  const names: string[] = [];
  for (const relation of resource.table.relations.values()) {
    const target = model.resources.get(relation.target)?.access.get(role)?.read;
    if (target === undefined || !read.fields.some((one) => one.name === relation.key)) continue;
    names.push(relation.name);
    const about = `Only these fields of ${relation.name}; needs include=${relation.name}.`;
    parameters.push(listOf(`fields[${relation.name}]`, about, target.fields));
  }
  if (names.length === 0) return parameters;
  const include = { type: "array", items: { type: "string", enum: names }, minItems: 1 };
  return [...parameters, comma("include", "Related records.", include)];
}

/** Those of a record, and filters, sort and page. */
export function readParameters(
  resource: ResourceModel,
  read: ReadGrant,
  model: Model,
  role: string,
): readonly Parameter[] {
  const readable = new Set(read.fields.map((field) => field.name));
  const offered = readableForms(resource, readable);
  const filtered = new Set(offered.flatMap((form) => form.prefix.map((key) => key.field)));
  const sorted = new Set(offered.map((form) => form.sorts[0]?.field));
  const parameters: Parameter[] = [...recordParameters(resource, read, model, role)];
  for (const field of read.fields) {
    if (filtered.has(field.name) || sorted.has(field.name)) {
      parameters.push(...filterParameters(field, sorted.has(field.name)));
    }
  }
  const served = describeForms(resource, readable).join("; ");
  const keys = offered.flatMap((form) => [describeSort(form, false), describeSort(form, true)]);
  if (keys.length > 0) {
    const about = `Served together, in either direction (all fields turned): ${served}.`;
    parameters.push(query("sort", about, { type: "string", enum: [...new Set(keys)] }));
  }
  const cursor = { type: "string", minLength: 1 };
  parameters.push(
    query("page[size]", "Records in a page.", {
      type: "integer",
      minimum: 1,
      maximum: PAGE_SIZE_MAX,
      default: PAGE_SIZE_DEFAULT,
    }),
    query("page[after]", "A cursor: the page after it.", cursor),
    query("page[before]", "A cursor: the page before it.", cursor),
  );
  return parameters;
}

function filterParameters(field: FieldModel, isSorted: boolean): Parameter[] {
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
  const items = { type: "string", enum: fields.map((field) => field.name) };
  return comma(name, description, { type: "array", items, minItems: 1 });
}

function query(name: string, description: string, schema: JsonSchema): Parameter {
  return { name, in: "query", required: false, description, schema };
}

/** A list in one parameter, its values separated by commas. */
function comma(name: string, description: string, schema: JsonSchema): Parameter {
  return { ...query(name, description, schema), style: "form", explode: false };
}
