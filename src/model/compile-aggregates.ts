// Reads which fields of a resource may be grouped by and summed up. Whatever it does not know is a
// problem at the start.
import type { FieldType } from "./field-type.ts";
import {
  type AggregatesModel,
  BUCKETS,
  type FieldModel,
  MEASURES,
  type Measure,
  type ResourceModel,
} from "./model.ts";
import type { Problems } from "./problems.ts";

const NUMBERS = ["smallint", "integer", "bigint", "numeric", "real", "double precision"];
const DATES = ["date", "timestamp", "timestamptz"];
const ORDERED = [...NUMBERS, ...DATES, "time", "timetz", "interval", "text", "varchar"];
// Neither is there an equality of these that a group could go by, nor would one be asked for.
const NEVER_GROUPED = ["json", "jsonb", "point", "line"];

const KEYS = ["groupBy", ...MEASURES];

function isGroupable({ sql }: FieldType): boolean {
  return !NEVER_GROUPED.includes(sql) && !sql.endsWith("[]");
}

/** Whether a group may be a day, month … of the field. */
export function hasBuckets(field: FieldModel): boolean {
  return DATES.includes(field.type?.sql ?? "");
}

/** Undefined where a resource declares none. */
export function compileAggregates(
  resource: Pick<ResourceModel, "name" | "served">,
  declared: unknown,
  problems: Problems,
): AggregatesModel | undefined {
  if (declared === undefined) return undefined;
  const where = `${resource.name}.aggregates`;
  if (typeof declared !== "object" || declared === null || Array.isArray(declared)) {
    problems.add(where, "must say what may be asked", '{ groupBy: ["status"] }');
    return undefined;
  }
  const lists = declared as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(lists)) {
    if (KEYS.includes(key)) continue;
    problems.add(`${where}.${key}`, `is not part of aggregates; write ${KEYS.join(", ")}`);
  }
  const fieldsOf = (key: string, what: string, fits: (type: FieldType) => boolean) =>
    namedFields(resource, lists[key], fits, { where: `${where}.${key}`, what, problems });
  const sums = (type: FieldType): boolean => NUMBERS.includes(type.sql);
  const extremes = (type: FieldType): boolean => ORDERED.includes(type.sql);
  const measures: Readonly<Record<Measure, readonly FieldModel[]>> = {
    sum: fieldsOf("sum", "summed up", sums),
    avg: fieldsOf("avg", "averaged", sums),
    min: fieldsOf("min", "put in order", extremes),
    max: fieldsOf("max", "put in order", extremes),
  };
  return Object.freeze({ groupBy: fieldsOf("groupBy", "grouped by", isGroupable), measures });
}

function namedFields(
  { name, served }: Pick<ResourceModel, "name" | "served">,
  names: unknown,
  fits: (type: FieldType) => boolean,
  { where, what, problems }: { where: string; what: string; problems: Problems },
): readonly FieldModel[] {
  if (names === undefined) return [];
  if (!Array.isArray(names)) {
    problems.add(where, "must be a list of fields", '["status"]');
    return [];
  }
  const found: FieldModel[] = [];
  for (const one of names) {
    const field = served.find((candidate) => candidate.name === one);
    if (field === undefined) {
      problems.add(where, `"${String(one)}" is no field of ${name} that is served`);
    } else if (field.type === undefined || !fits(field.type)) {
      problems.add(where, `${field.name} is ${field.sqlType}, which cannot be ${what}`);
    } else found.push(field);
  }
  return found;
}

/** The names by which a request may group: `status`, `createdAt`, `createdAt.month`. */
export function groupNames(field: FieldModel): readonly string[] {
  const buckets = hasBuckets(field) ? BUCKETS : [];
  return [field.name, ...buckets.map((bucket) => `${field.name}.${bucket}`)];
}
