// The query parameters of reads, as far as a role may use them: readable fields and served sorts.
import {
  COUNT_ESTIMATE_MAX,
  IN_VALUES_MAX,
  OFFSET_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
} from "../base/limits.ts";
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
  for (const { name, fields } of readableTargets(resource, read, model, role)) {
    names.push(name);
    const about = `Only these fields of ${name}; needs include=${name}.`;
    parameters.push(listOf(`fields[${name}]`, about, fields));
  }
  if (names.length === 0) return parameters;
  const include = { type: "array", items: { type: "string", enum: names }, minItems: 1 };
  return [...parameters, comma("include", "Related records.", include)];
}

interface Target {
  readonly name: string;
  readonly fields: readonly FieldModel[];
}

/** The relations whose key and target a role may read. */
function readableTargets(
  resource: ResourceModel,
  read: ReadGrant,
  model: Model,
  role: string,
): readonly Target[] {
  return [...resource.table.relations.values()].flatMap(({ name, key, target }) => {
    const grant = model.resources.get(target)?.access.get(role)?.read;
    const isReadable = grant !== undefined && read.fields.some((one) => one.name === key);
    return isReadable ? [{ name, fields: grant.fields }] : [];
  });
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
  if (filtered.size + sorted.size > 0) {
    for (const target of readableTargets(resource, read, model, role)) {
      parameters.push(...relatedParameters(target));
    }
  }
  const served = describeForms(resource, readable).join("; ");
  const keys = offered.flatMap((form) => [describeSort(form, false), describeSort(form, true)]);
  if (keys.length > 0) {
    const about = `Served together, in either direction (all fields turned): ${served}.`;
    parameters.push(query("sort", about, { type: "string", enum: [...new Set(keys)] }));
  }
  parameters.push(...pageParameters());
  return parameters;
}

function pageParameters(): Parameter[] {
  const cursor = { type: "string", minLength: 1 };
  const size = {
    type: "integer",
    minimum: 1,
    maximum: PAGE_SIZE_MAX,
    default: PAGE_SIZE_DEFAULT,
  };
  const offset = { type: "integer", minimum: 0, maximum: OFFSET_MAX, default: 0 };
  const count = { type: "string", enum: ["exact", "estimated"] };
  const steps = "Records to step over from the start; each is read. Not with a cursor.";
  const total = `Asks for total: all records counted, or, estimated, up to ${COUNT_ESTIMATE_MAX}.`;
  return [
    query("page[size]", "Records in a page.", size),
    query("page[after]", "A cursor: the page after it.", cursor),
    query("page[before]", "A cursor: the page before it.", cursor),
    query("page[offset]", steps, offset),
    query("page[count]", total, count),
  ];
}

/** Equality stands for every operator: the others are many, and go by the same pattern. */
function relatedParameters({ name, fields }: Target): Parameter[] {
  return fields
    .filter((field) => field.type?.comparable === true)
    .map((field) => {
      const about =
        `${field.name} of ${name} equals; other tests with an [operator] after it. Tested on one ` +
        "row after the other: needs a filter on this resource's own fields beside it.";
      return query(`filter[${name}.${field.name}]`, about, parameterSchema(field));
    });
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
  const items = { type: "string", enum: fields.map((field) => field.name) };
  return comma(name, description, { type: "array", items, minItems: 1 });
}

export function query(name: string, description: string, schema: JsonSchema): Parameter {
  return { name, in: "query", required: false, description, schema };
}

/** A list in one parameter, its values separated by commas. */
export function comma(name: string, description: string, schema: JsonSchema): Parameter {
  return { ...query(name, description, schema), style: "form", explode: false };
}
