// The aggregate of a resource in the OpenAPI document: as far as a role may read what is declared.
import { AGGREGATE_GROUPS_MAX } from "../base/limits.ts";
import { groupNames, hasBuckets } from "../model/compile-aggregates.ts";
import { type JsonSchema, replySchema } from "../model/json-schema.ts";
import {
  type AggregatesModel,
  type FieldModel,
  MEASURES,
  type ReadGrant,
  type ResourceModel,
} from "../model/model.ts";
import { readable } from "../operations/parse-aggregate.ts";
import {
  comma,
  filterParameters,
  groupParameter,
  type Parameter,
  query,
} from "./openapi-parameters.ts";

/** What the operation is made of, beside what every operation has. */
export function aggregateParts(
  resource: ResourceModel,
  read: ReadGrant,
  aggregates: AggregatesModel,
) {
  const reply = {
    description: "A figure of each kind for each group.",
    headers: { ETag: { description: "Names these figures.", schema: { type: "string" } } },
    content: { "application/json": { schema: aggregateSchema(aggregates, read) } },
  };
  return {
    verb: "aggregate",
    summary: `Count and sum up ${resource.path}`,
    description: "Of what the caller may see. Reads every record that the filters find.",
    parameters: aggregateParameters(aggregates, read),
    success: { 200: reply, 304: { description: "Nothing has changed." } },
    // A sum may be larger than its type can hold.
    errors: ["Unprocessable"] as const,
  };
}

/** What may be grouped by and summed up, and the tests of readable fields. */
function aggregateParameters(aggregates: AggregatesModel, read: ReadGrant): readonly Parameter[] {
  const groups = readable(aggregates.groupBy, read);
  const names = groups.flatMap(groupNames);
  const figures = MEASURES.flatMap((measure) =>
    readable(aggregates.measures[measure], read).map(({ name }) => `${measure}.${name}`),
  );
  const keys = [...names, "count", ...figures].flatMap((name) => [name, `-${name}`]);
  const parameters = [
    ...listOf("groupBy", "One group for each combination of their values.", names),
    // One figure at least must be asked for.
    {
      ...query("count", "How many records each group has.", { type: "boolean" }),
      example: true,
    },
    ...MEASURES.flatMap((measure) => {
      const fields = readable(aggregates.measures[measure], read).map(({ name }) => name);
      return listOf(measure, `The ${measure} of each of these fields.`, fields);
    }),
    ...listOf("sort", "By groups and figures of the reply.", keys),
    query("page[size]", "Only so many groups, the first by the sort.", {
      type: "integer",
      minimum: 1,
      maximum: AGGREGATE_GROUPS_MAX,
    }),
  ];
  if (groups.some((field) => hasBuckets(field))) {
    const about = "By whose calendar days, weeks … of an instant are told.";
    parameters.push(query("timeZone", about, { type: "string", default: "UTC" }));
  }
  const tested = read.fields.filter((field) => field.type?.comparable === true);
  return [
    ...parameters,
    groupParameter(false),
    ...tested.flatMap((field) => filterParameters(field, true)),
  ];
}

function listOf(name: string, description: string, values: readonly string[]): Parameter[] {
  if (values.length === 0) return [];
  const items = { type: "string", enum: values };
  return [comma(name, description, { type: "array", items, minItems: 1 })];
}

function aggregateSchema(aggregates: AggregatesModel, read: ReadGrant): JsonSchema {
  const groups = readable(aggregates.groupBy, read);
  const group = groups.flatMap((field) =>
    groupNames(field).map((name) => [name, groupSchema(field, name)] as const),
  );
  const properties: Record<string, JsonSchema> = {
    group: object(Object.fromEntries(group), []),
    count: { type: "integer", minimum: 0 },
  };
  for (const measure of MEASURES) {
    const fields = readable(aggregates.measures[measure], read);
    if (fields.length === 0) continue;
    const schema = (field: FieldModel): JsonSchema =>
      measure === "sum" || measure === "avg"
        ? { type: ["string", "null"] }
        : replySchema({ ...field, nullable: true });
    const figures = fields.map((field) => [field.name, schema(field)] as const);
    properties[measure] = object(Object.fromEntries(figures), []);
  }
  const meta = object(
    {
      groups: { type: "integer", minimum: 0, maximum: AGGREGATE_GROUPS_MAX },
      hasMore: { type: "boolean" },
      timeZone: { type: "string" },
    },
    ["groups", "hasMore", "timeZone"],
  );
  const data = {
    type: "array",
    items: object(properties, ["group"]),
    maxItems: AGGREGATE_GROUPS_MAX,
  };
  return object({ data, meta }, ["data", "meta"]);
}

/** The day that a bucket begins with, or a value of the field. */
function groupSchema(field: FieldModel, name: string): JsonSchema {
  if (name === field.name) return replySchema(field);
  return { type: field.nullable ? ["string", "null"] : "string", format: "date" };
}

function object(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema {
  return { type: "object", properties, required, additionalProperties: false };
}
