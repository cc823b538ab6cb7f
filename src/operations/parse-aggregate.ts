// Reads the question of an aggregate against what the resource declares and the role may read: a
// field that one may not read can be neither grouped by, nor summed up, nor sorted or filtered by.
import type { Actor } from "../access/actor.ts";
import { type ErrorDetail, refuseInvalid } from "../base/errors.ts";
import { AGGREGATE_FIELDS_MAX, AGGREGATE_GROUPS_MAX } from "../base/limits.ts";
import { allowedNames } from "../base/spelling.ts";
import { hasBuckets } from "../model/compile-aggregates.ts";
import {
  type AggregatesModel,
  BUCKETS,
  type FieldModel,
  MEASURES,
  type Measure,
  type Model,
  type ReadGrant,
  type ResourceModel,
} from "../model/model.ts";
import type { AggregateOrder, Figure, Group } from "../sql/aggregate.ts";
import type { Filter } from "../sql/serve.ts";
import type { Value } from "../sql/statement.ts";
import { parseFilters, type RawFilter } from "./parse-filter.ts";
import { allowed, type Parsing } from "./parsing.ts";

/** A question as a face received it: every value is text. */
export interface AggregateQuery {
  /** What was wrong with it already: told with what is found here. */
  readonly problems?: readonly ErrorDetail[] | undefined;
  readonly groupBy?: string | undefined;
  readonly count?: string | undefined;
  readonly measures?: Readonly<Partial<Record<Measure, string>>> | undefined;
  readonly filters?: readonly RawFilter[] | undefined;
  readonly sort?: string | undefined;
  readonly size?: string | undefined;
  readonly timeZone?: string | undefined;
}

export interface AggregateRequest {
  readonly groups: readonly Group[];
  readonly figures: readonly Figure[];
  /** Alternatives of filters, one without groups. */
  readonly arms: readonly (readonly Filter[])[];
  /** PostgreSQL text, one per filter of every alternative. */
  readonly values: readonly Value[];
  readonly order: readonly AggregateOrder[];
  /** Undefined: all groups, or a refusal. */
  readonly size: number | undefined;
  readonly timeZone: string;
}

export const TIME_ZONE_DEFAULT = "UTC";

/** Throws PARAMETER_INVALID listing everything that is wrong. */
export function parseAggregate(
  query: AggregateQuery,
  resource: ResourceModel,
  declared: AggregatesModel,
  grant: ReadGrant,
  actor: Pick<Actor, "role">,
  model: Model,
): AggregateRequest {
  const problems = [...(query.problems ?? [])];
  const parsing: Parsing = { model, actor, resource, grant, problems };
  const groups = parseGroups(query.groupBy, readable(declared.groupBy, grant), problems);
  const figures = parseFigures(query, declared, grant, problems);
  const parsed = parseFilters(query.filters ?? [], parsing);
  const order = parseOrder(query.sort, groups, figures, problems);
  const size = parseSize(query.size, problems);
  if (figures.length === 0) {
    problems.push({ field: "count", message: `ask for something: count=true, ${MEASURES.join()}` });
  }
  if (groups.length > AGGREGATE_FIELDS_MAX || figures.length > AGGREGATE_FIELDS_MAX) {
    const message = `at most ${AGGREGATE_FIELDS_MAX} groups and as many measures`;
    problems.push({ field: "groupBy", message });
  }
  const hasInstants = groups.some(
    ({ bucket, field }) => bucket !== undefined && field.type?.sql === "timestamptz",
  );
  if (query.timeZone !== undefined && !hasInstants) {
    const message = "is for days, weeks … of an instant, and groupBy names none";
    problems.push({ field: "timeZone", message });
  }
  refuseInvalid("PARAMETER_INVALID", problems);
  return {
    groups,
    figures,
    arms: parsed.map((arm) => arm.map(({ filter }) => filter)),
    values: parsed.flat().map(({ value }) => value),
    order,
    size,
    timeZone: query.timeZone ?? TIME_ZONE_DEFAULT,
  };
}

/** The declared fields that the role may read. */
export function readable(fields: readonly FieldModel[], grant: ReadGrant): readonly FieldModel[] {
  return fields.filter((field) => grant.fields.includes(field));
}

function* listed(
  text: string | undefined,
  parameter: string,
  problems: ErrorDetail[],
): Generator<string> {
  // Never a message for each of thousands of commas.
  const parts = (text?.split(",") ?? []).slice(0, AGGREGATE_FIELDS_MAX + 1);
  for (const part of new Set(parts)) yield part;
  if (new Set(parts).size === parts.length) return;
  problems.push({ field: parameter, message: "names a field twice" });
}

function parseGroups(
  text: string | undefined,
  fields: readonly FieldModel[],
  problems: ErrorDetail[],
): readonly Group[] {
  const groups: Group[] = [];
  for (const name of listed(text, "groupBy", problems)) {
    const [fieldName = "", unit, ...rest] = name.split(".");
    const field = fields.find((candidate) => candidate.name === fieldName);
    const bucket = BUCKETS.find((candidate) => candidate === unit);
    if (field === undefined) {
      const message = `"${name}" cannot be grouped by; ${allowed(fieldName, fields)}`;
      problems.push({ field: "groupBy", message });
    } else if (unit !== undefined && !hasBuckets(field)) {
      problems.push({ field: "groupBy", message: `"${name}": ${fieldName} is no date or time` });
    } else if ((unit !== undefined && bucket === undefined) || rest.length > 0) {
      const message = `"${name}" is not a group; ${fieldName} has ${BUCKETS.join(", ")}`;
      problems.push({ field: "groupBy", message });
    } else groups.push({ name, field, bucket });
  }
  return groups;
}

function parseFigures(
  query: AggregateQuery,
  declared: AggregatesModel,
  grant: ReadGrant,
  problems: ErrorDetail[],
): readonly Figure[] {
  const figures: Figure[] = [];
  if (query.count === "true") figures.push({ name: "count", measure: "count", field: undefined });
  else if (query.count !== undefined && query.count !== "false") {
    problems.push({ field: "count", message: "must be true or false" });
  }
  for (const measure of MEASURES) {
    const fields = readable(declared.measures[measure], grant);
    for (const name of listed(query.measures?.[measure], measure, problems)) {
      const field = fields.find((candidate) => candidate.name === name);
      if (field !== undefined) figures.push({ name: `${measure}.${name}`, measure, field });
      else {
        const message = `"${name}" is not offered here; ${allowed(name, fields)}`;
        problems.push({ field: measure, message });
      }
    }
  }
  return figures;
}

/** As asked, then by the groups that it leaves out. */
function parseOrder(
  text: string | undefined,
  groups: readonly Group[],
  figures: readonly Figure[],
  problems: ErrorDetail[],
): readonly AggregateOrder[] {
  const columns = [...groups, ...figures].map(({ name }) => name);
  const order: AggregateOrder[] = [];
  for (const key of listed(text, "sort", problems)) {
    const descending = key.startsWith("-");
    const column = columns.indexOf(descending ? key.slice(1) : key);
    if (column === -1) {
      const others = allowedNames(key.replace(/^-/, ""), columns);
      const message = `"${key}" is not in the reply, with "-" or without; ${others}`;
      problems.push({ field: "sort", message });
    } else if (order.some((one) => one.column === column)) {
      problems.push({ field: "sort", message: `names "${columns[column]}" twice` });
    } else order.push({ column, descending });
  }
  groups.forEach((_, column) => {
    if (!order.some((one) => one.column === column)) order.push({ column, descending: false });
  });
  return order;
}

function parseSize(text: string | undefined, problems: ErrorDetail[]): number | undefined {
  if (text === undefined) return undefined;
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && size <= AGGREGATE_GROUPS_MAX) return size;
  problems.push({ field: "page[size]", message: `must be from 1 to ${AGGREGATE_GROUPS_MAX}` });
  return undefined;
}
