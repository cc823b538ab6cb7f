// Reads a list's or a record's query. Whatever is unknown, not readable by the role or not served
// by an index is refused with the parameter's name and what is allowed; nothing is ignored.
import type { Actor } from "../access/actor.ts";
import { type ErrorDetail, refuseInvalid } from "../base/errors.ts";
import { OFFSET_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SORT_FIELDS_MAX } from "../base/limits.ts";
import type { Model, ReadGrant, ResourceModel } from "../model/model.ts";
import type { Sort } from "../sql/serve.ts";
import type { Value } from "../sql/statement.ts";
import { type HighlightRequest, parseSearch, searchedArms, withSearch } from "./found.ts";
import { parseFilters, type RawFilter } from "./parse-filter.ts";
import { type RecordQuery, refuseManyRows, type Selection, select } from "./parse-selection.ts";
import { allowed, comparable, type Parsing } from "./parsing.ts";
import { type Planned, planArms, plannedOf } from "./plan-arms.ts";

export type { RawFilter, RecordQuery };

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

export interface ListRequest extends Selection, Planned {
  /** PostgreSQL text, one per filter of every arm. */
  readonly values: readonly Value[];
  readonly size: number;
  readonly cursor: { readonly text: string; readonly before: boolean } | undefined;
  /** Rows to step over from the start of the list. */
  readonly offset: number;
  readonly count: CountKind | undefined;
  readonly highlight: HighlightRequest | undefined;
}

/** Throws PARAMETER_INVALID listing everything that is wrong. */
export function parseList(
  query: ListQuery,
  resource: ResourceModel,
  grant: ReadGrant,
  actor: Pick<Actor, "role">,
  model: Model,
): ListRequest {
  const problems = [...(query.problems ?? [])];
  const parsing: Parsing = { model, actor, resource, grant, problems };
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
  refuseManyRows(selection, size, problems);
  refuseInvalid("PARAMETER_INVALID", problems);
  const searched = withSearch(parsed, search);
  const planned =
    search === undefined
      ? planArms(parsed, sorts, parsing)
      : plannedOf(searchedArms(searched, search, sorts, parsing));
  const text = query.after ?? query.before;
  return {
    ...selection,
    ...planned,
    values: searched.flat().map(({ value }) => value),
    highlight: search?.highlight,
    size,
    cursor: text === undefined ? undefined : { text, before: query.before !== undefined },
    offset,
    count,
  };
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
      const others = allowed(name, comparable(grant.fields));
      const message = `"${name}" cannot be sorted by, with "-" or without; ${others}`;
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
