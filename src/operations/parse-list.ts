// Reads a list's or a record's query. Whatever is unknown, not readable by the role or not served
// by an index is refused with the parameter's name and what is allowed; nothing is ignored.
import type { Actor } from "../access/actor.ts";
import { grantOf } from "../access/decide.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import {
  IN_VALUES_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
  SORT_FIELDS_MAX,
} from "../base/limits.ts";
import { encodeArray } from "../model/fields.ts";
import {
  type FieldModel,
  type Model,
  OPERATORS,
  type Operator,
  type ReadGrant,
  type ResourceModel,
} from "../model/model.ts";
import type { Include } from "../sql/read.ts";
import { describeForms, type Filter, type Served, type Sort, serve } from "../sql/serve.ts";
import type { Value } from "../sql/statement.ts";

/** A query as a face received it: every value is text. */
export interface RecordQuery {
  readonly include?: string | undefined;
  /** Root fields under "", those of an included relation under its name. */
  readonly fields?: ReadonlyMap<string, string> | undefined;
}

export interface ListQuery extends RecordQuery {
  readonly filters?: readonly RawFilter[] | undefined;
  readonly sort?: string | undefined;
  readonly size?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

export interface RawFilter {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

export interface Selection {
  readonly fields: readonly FieldModel[];
  readonly includes: readonly Include[];
}

export interface ListRequest extends Selection {
  readonly filters: readonly Filter[];
  /** PostgreSQL text, one per filter. */
  readonly values: readonly Value[];
  readonly served: Served;
  readonly size: number;
  readonly cursor: { readonly text: string; readonly before: boolean } | undefined;
}

interface Parsing {
  readonly model: Model;
  readonly actor: Pick<Actor, "role">;
  readonly resource: ResourceModel;
  readonly grant: ReadGrant;
  readonly problems: ErrorDetail[];
}

function names(fields: readonly { readonly name: string }[]): string {
  return fields.map((field) => field.name).join(", ");
}

function refuse(problems: readonly ErrorDetail[]): void {
  if (problems.length === 0) return;
  const parameters = [...new Set(problems.map((problem) => problem.field))].slice(0, 10);
  throw new BackwrightError("PARAMETER_INVALID", {
    message: `Not valid: ${parameters.join(", ")}.`,
    details: problems,
  });
}

/** Throws PARAMETER_INVALID listing everything that is wrong. */
export function parseSelection(
  query: RecordQuery,
  resource: ResourceModel,
  grant: ReadGrant,
  actor: Pick<Actor, "role">,
  model: Model,
): Selection {
  const parsing: Parsing = { model, actor, resource, grant, problems: [] };
  const selection = select(query, parsing);
  refuse(parsing.problems);
  return selection;
}

/** Throws PARAMETER_INVALID listing everything that is wrong. */
export function parseList(
  query: ListQuery,
  resource: ResourceModel,
  grant: ReadGrant,
  actor: Pick<Actor, "role">,
  model: Model,
): ListRequest {
  const parsing: Parsing = { model, actor, resource, grant, problems: [] };
  const { problems } = parsing;
  const selection = select(query, parsing);
  const parsed = parseFilters(query.filters ?? [], parsing);
  const sorts = parseSort(query.sort, parsing);
  const size = parseSize(query.size, problems);
  if (query.after !== undefined && query.before !== undefined) {
    problems.push({ field: "page", message: "takes after or before, not both" });
  }
  refuse(problems);
  const filters = parsed.map(({ filter }) => filter);
  const served = serve(resource, filters, sorts, grant.fields);
  if (served === undefined) throw notServed(resource, filters, query.sort, grant);
  const text = query.after ?? query.before;
  return {
    ...selection,
    filters,
    values: parsed.map(({ value }) => value),
    served,
    size,
    cursor: text === undefined ? undefined : { text, before: query.before !== undefined },
  };
}

function notServed(
  resource: ResourceModel,
  filters: readonly Filter[],
  sort: string | undefined,
  grant: ReadGrant,
): BackwrightError {
  const asked = filters.map((filter) => `filter[${filter.field.name}][${filter.operator}]`);
  const what = [...asked, ...(sort === undefined ? [] : [`sort=${sort}`])].join(" and ");
  const readable = new Set(grant.fields.map((field) => field.name));
  const allowed = describeForms(resource, readable).join("; ");
  const [first] = asked;
  const turned = allowed.includes(",") ? " (of several fields, all turned together)" : "";
  const message = `Served in either direction${turned}: ${allowed}.`;
  return new BackwrightError("PARAMETER_INVALID", {
    message: `No index serves ${what}.`,
    details: [{ field: first ?? "sort", message }],
  });
}

function select(query: RecordQuery, parsing: Parsing): Selection {
  const { resource, grant, problems } = parsing;
  const fields = pickFields(query.fields?.get(""), grant.fields, "fields", problems);
  const included = query.include === undefined ? [] : query.include.split(",");
  const includes: Include[] = [];
  for (const name of new Set(included)) {
    const include = findInclude(name, query, parsing);
    if (include !== undefined) includes.push(include);
  }
  for (const name of query.fields?.keys() ?? []) {
    if (name !== "" && !included.includes(name)) {
      problems.push({ field: `fields[${name}]`, message: `needs include=${name}` });
    }
  }
  const order = [...resource.table.relations.keys()];
  includes.sort((a, b) => order.indexOf(a.relation.name) - order.indexOf(b.relation.name));
  return { fields, includes };
}

function findInclude(name: string, query: RecordQuery, parsing: Parsing): Include | undefined {
  const { resource, grant, actor, model, problems } = parsing;
  const readable = includable(resource, grant, actor, model);
  const found = readable.find((candidate) => candidate.relation.name === name);
  if (found === undefined) {
    const allowed = readable.map((one) => one.relation.name).join(", ");
    problems.push({
      field: "include",
      message: `cannot include "${name}"; allowed: ${allowed === "" ? "nothing" : allowed}`,
    });
    return undefined;
  }
  const chosen = query.fields?.get(name);
  return { ...found, fields: pickFields(chosen, found.fields, `fields[${name}]`, problems) };
}

// A relation can be included where the role may read the key that leads there and the target.
function includable(
  resource: ResourceModel,
  grant: ReadGrant,
  actor: Pick<Actor, "role">,
  model: Model,
): Include[] {
  const found: Include[] = [];
  for (const relation of resource.table.relations.values()) {
    const target = model.resources.get(relation.target);
    const read = target === undefined ? undefined : grantOf(actor, target, "read");
    const keyReadable = grant.fields.some((field) => field.name === relation.key);
    if (target === undefined || read === undefined || !keyReadable) continue;
    found.push({ relation, target, rows: read.rows, fields: read.fields });
  }
  return found;
}

function pickFields(
  text: string | undefined,
  readable: readonly FieldModel[],
  parameter: string,
  problems: ErrorDetail[],
): readonly FieldModel[] {
  if (text === undefined) return readable;
  const wanted = new Set(text.split(","));
  for (const name of wanted) {
    if (readable.some((field) => field.name === name)) continue;
    const message = `"${name}" is not a field; allowed: ${names(readable)}`;
    problems.push({ field: parameter, message });
  }
  return readable.filter((field) => wanted.has(field.name));
}

interface ParsedFilter {
  readonly filter: Filter;
  readonly value: Value;
}

function parseFilters(raw: readonly RawFilter[], parsing: Parsing): ParsedFilter[] {
  const parsed: ParsedFilter[] = [];
  for (const one of raw) {
    const filter = parseFilter(one, parsing);
    if (filter !== undefined) parsed.push(filter);
  }
  // Canonical order: the same question has one text, however it was spelled.
  const key = ({ filter }: ParsedFilter): string => `${filter.field.name} ${filter.operator}`;
  return parsed.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function parseFilter(raw: RawFilter, parsing: Parsing): ParsedFilter | undefined {
  const { grant, problems } = parsing;
  const field = grant.fields.find((candidate) => candidate.name === raw.field);
  const parameter =
    raw.operator === "eq" ? `filter[${raw.field}]` : `filter[${raw.field}][${raw.operator}]`;
  if (field?.type?.comparable !== true) {
    const allowed = names(grant.fields.filter((one) => one.type?.comparable === true));
    problems.push({ field: parameter, message: `cannot be filtered by; allowed: ${allowed}` });
    return undefined;
  }
  const operator = OPERATORS.find((candidate) => candidate === raw.operator);
  if (operator === undefined) {
    const message = `there is no operator "${raw.operator}"; allowed: ${OPERATORS.join(", ")}`;
    problems.push({ field: parameter, message });
    return undefined;
  }
  if (operator === "isNull") {
    if (raw.value === "true" || raw.value === "false") {
      return {
        filter: { field, operator, through: undefined, isNull: raw.value === "true" },
        value: null,
      };
    }
    problems.push({ field: parameter, message: "must be true or false" });
    return undefined;
  }
  return parseComparison(raw, field, operator, parameter, problems);
}

function parseComparison(
  raw: RawFilter,
  field: FieldModel,
  operator: Exclude<Operator, "isNull">,
  parameter: string,
  problems: ErrorDetail[],
): ParsedFilter | undefined {
  const isList = operator === "in" || operator === "nin";
  const texts = isList ? raw.value.split(",") : [raw.value];
  const values = new Set<string>();
  for (const text of texts) {
    const value = field.type?.parse(text);
    if (value !== undefined) values.add(value);
    else {
      const allowed = field.values ?? [field.type?.example ?? ""];
      const hint = field.values === undefined ? "expected something like" : "allowed:";
      problems.push({ field: parameter, message: `is not valid; ${hint} ${allowed.join(", ")}` });
      return undefined;
    }
  }
  if (values.size > IN_VALUES_MAX) {
    problems.push({ field: parameter, message: `takes at most ${IN_VALUES_MAX} values` });
    return undefined;
  }
  // "None of these states" is "one of the others", which an index can find.
  if ((operator === "ne" || operator === "nin") && field.values !== undefined) {
    const others = field.values.filter((value) => !values.has(value));
    return {
      filter: { field, operator: "in", isNull: false, through: undefined },
      value: encodeArray(others),
    };
  }
  const value = isList ? encodeArray([...values]) : ([...values][0] ?? "");
  return { filter: { field, operator, through: undefined, isNull: false }, value };
}

function parseSort(text: string | undefined, parsing: Parsing): readonly Sort[] | undefined {
  if (text === undefined) return undefined;
  const { grant, problems } = parsing;
  const sorts: Sort[] = [];
  for (const part of text.split(",")) {
    const descending = part.startsWith("-");
    const name = descending ? part.slice(1) : part;
    const field = grant.fields.find((candidate) => candidate.name === name);
    if (field?.type?.comparable !== true) {
      const allowed = names(grant.fields.filter((one) => one.type?.comparable === true));
      const message = `"${name}" cannot be sorted by; allowed, with or without "-": ${allowed}`;
      problems.push({ field: "sort", message });
    } else if (sorts.some((one) => one.field === field)) {
      problems.push({ field: "sort", message: `names "${name}" twice` });
    } else sorts.push({ field, descending });
  }
  const [last, previous] = [sorts.at(-1), sorts.at(-2)];
  // The id ends every sort in the direction of the last key anyway.
  if (last?.field.name === "id" && last.descending === previous?.descending) sorts.pop();
  if (sorts.length > SORT_FIELDS_MAX) {
    problems.push({ field: "sort", message: `takes at most ${SORT_FIELDS_MAX} fields` });
  }
  return sorts;
}

function parseSize(text: string | undefined, problems: ErrorDetail[]): number {
  if (text === undefined) return PAGE_SIZE_DEFAULT;
  const size = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && size <= PAGE_SIZE_MAX) return size;
  problems.push({ field: "page[size]", message: `must be from 1 to ${PAGE_SIZE_MAX}` });
  return PAGE_SIZE_DEFAULT;
}
