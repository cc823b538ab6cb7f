// Reads a list's or a record's query. Whatever is unknown, not readable by the role or not served
// by an index is refused with the parameter's name and what is allowed; nothing is ignored.
import type { Actor } from "../access/actor.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { OFFSET_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SORT_FIELDS_MAX } from "../base/limits.ts";
import type { FieldModel, Model, ReadGrant, ResourceModel } from "../model/model.ts";
import type { Include } from "../sql/read.ts";
import {
  describeForms,
  type Filter,
  filterName,
  type Served,
  type Sort,
  serve,
} from "../sql/serve.ts";
import type { Value } from "../sql/statement.ts";
import {
  found,
  type HighlightRequest,
  missingIndexes,
  parseSearch,
  type Search,
  searched,
} from "./found.ts";
import { type ParsedFilter, parseFilters, type RawFilter } from "./parse-filter.ts";
import { comparable, names, type Parsing, readableRelations, refuse } from "./parsing.ts";

export type { RawFilter };

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
  readonly offset?: string | undefined;
  readonly count?: string | undefined;
  /** What to search for, in the fields that the resource's `search` names. */
  readonly q?: string | undefined;
  readonly highlight?: string | undefined;
}

/** How many records the list has: counted to the end, or up to COUNT_ESTIMATE_MAX. */
export type CountKind = "exact" | "estimated";

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
  /** Rows to step over from the start of the list. */
  readonly offset: number;
  readonly count: CountKind | undefined;
  readonly highlight: HighlightRequest | undefined;
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
  const search = parseSearch(query, parsing);
  const sorts = parseSort(query.sort, parsing);
  const size = parseSize(query.size, problems);
  if (query.after !== undefined && query.before !== undefined) {
    problems.push({ field: "page", message: "takes after or before, not both" });
  }
  const offset = parseOffset(query, problems);
  const count = parseCount(query.count, problems);
  refuse(problems);
  const plan = planRows(parsed, search, sorts, parsing);
  if (plan === undefined)
    throw notServed(
      resource,
      parsed.map(({ filter }) => filter),
      query.sort,
      grant,
    );
  const text = query.after ?? query.before;
  return {
    ...selection,
    ...plan,
    highlight: search?.highlight,
    size,
    cursor: text === undefined ? undefined : { text, before: query.before !== undefined },
    offset,
    count,
  };
}

/** By the index that serves the list, or else by a finder. */
function planRows(
  parsed: readonly ParsedFilter[],
  search: Search | undefined,
  sorts: readonly Sort[] | undefined,
  parsing: Parsing,
): Pick<ListRequest, "filters" | "values" | "served"> | undefined {
  if (search !== undefined) return searched(search, parsed, sorts, parsing);
  const filters = parsed.map(({ filter }) => filter);
  const served = serve(parsing.resource, filters, sorts, parsing.grant.fields);
  if (served === undefined) return found(parsed, sorts, parsing);
  return { filters, values: parsed.map(({ value }) => value), served };
}

function notServed(
  resource: ResourceModel,
  filters: readonly Filter[],
  sort: string | undefined,
  grant: ReadGrant,
): BackwrightError {
  const asked = filters.map((filter) => `filter[${filterName(filter)}][${filter.operator}]`);
  const what = [...asked, ...(sort === undefined ? [] : [`sort=${sort}`])].join(" and ");
  const readable = new Set(grant.fields.map((field) => field.name));
  const allowed = describeForms(resource, readable).join("; ");
  const [first] = asked;
  const lines = missingIndexes(resource, filters);
  if (lines.length > 0) {
    const message =
      "is tested on one row after the other, so it goes only next to a filter that an index " +
      `serves, such as: ${allowed}. To find rows by it, declare in the table: ${lines.join("; ")}.`;
    return new BackwrightError("PARAMETER_INVALID", {
      message: `No index serves ${what}.`,
      details: [{ field: first ?? "filter", message }],
    });
  }
  if (filters.length > 0 && filters.every(({ through }) => through !== undefined)) {
    const message =
      "is tested on one row after the other, so it goes only next to a filter on the resource's " +
      `own fields that an index serves, such as: ${allowed}.`;
    return new BackwrightError("PARAMETER_INVALID", {
      message: `No index serves ${what}.`,
      details: [{ field: first ?? "filter", message }],
    });
  }
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
  const { problems } = parsing;
  const readable = readableRelations(parsing);
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

function parseSort(text: string | undefined, parsing: Parsing): readonly Sort[] | undefined {
  if (text === undefined) return undefined;
  const { grant, problems } = parsing;
  const sorts: Sort[] = [];
  const parts = text.split(",");
  // One more than the most, which may be the id. Never a message for each of thousands of commas.
  if (parts.length > SORT_FIELDS_MAX + 1) {
    problems.push({ field: "sort", message: `takes at most ${SORT_FIELDS_MAX} fields` });
    return undefined;
  }
  for (const part of parts) {
    const descending = part.startsWith("-");
    const name = descending ? part.slice(1) : part;
    const field = grant.fields.find((candidate) => candidate.name === name);
    if (field?.type?.comparable !== true) {
      const allowed = names(comparable(grant.fields));
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

function parseOffset(query: ListQuery, problems: ErrorDetail[]): number {
  if (query.offset === undefined) return 0;
  const offset = /^\d{1,5}$/.test(query.offset) ? Number(query.offset) : Number.NaN;
  if (!(offset <= OFFSET_MAX)) {
    const message = `must be from 0 to ${OFFSET_MAX}; further on, follow next`;
    problems.push({ field: "page[offset]", message });
  }
  if (query.after !== undefined || query.before !== undefined) {
    const message = "is counted from the start of the list, so it takes no after or before";
    problems.push({ field: "page[offset]", message });
  }
  return offset;
}

function parseCount(text: string | undefined, problems: ErrorDetail[]): CountKind | undefined {
  if (text === undefined || text === "exact" || text === "estimated") return text;
  problems.push({ field: "page[count]", message: "must be exact or estimated" });
  return undefined;
}
