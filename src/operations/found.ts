// Lists whose rows a finder finds: by a part of a value where no index holds them in order, and by
// the words of `q`. Few rows are found, so every filter and every order goes with them.
import { SEARCH_TEXT_MAX } from "../base/limits.ts";
import { isFreeText, partIndexLine } from "../model/compile-search.ts";
import { isStorableText } from "../model/fields.ts";
import { type FieldModel, fieldOf, type ResourceModel, type SearchModel } from "../model/model.ts";
import { type Finder, matchFinder, readableSearch, searchFinder } from "../sql/finder.ts";
import {
  anyOrder,
  type Filter,
  filterName,
  newestFirst,
  type Served,
  type Sort,
} from "../sql/serve.ts";
import type { Value } from "../sql/statement.ts";
import type { ParsedFilter } from "./parse-filter.ts";
import { holdsTrigram, isMatch } from "./parse-match.ts";
import { type Parsing, refuse } from "./parsing.ts";

export interface HighlightRequest {
  readonly search: SearchModel;
  /** Those that the role may read. */
  readonly fields: readonly FieldModel[];
  readonly text: string;
}

/** What `q` asks for. */
export interface Search {
  readonly text: string;
  readonly finder: Finder;
  readonly highlight: HighlightRequest | undefined;
}

interface FoundRows {
  readonly filters: readonly Filter[];
  readonly values: readonly Value[];
  readonly served: Served;
}

/** Pushes what is wrong to the problems of `parsing`. */
export function parseSearch(
  query: { readonly q?: string | undefined; readonly highlight?: string | undefined },
  { model, resource, grant, problems }: Parsing,
): Search | undefined {
  const { q, highlight } = query;
  if (highlight !== undefined && highlight !== "true" && highlight !== "false") {
    problems.push({ field: "highlight", message: "must be true or false" });
  } else if (highlight === "true" && q === undefined) {
    problems.push({ field: "highlight", message: "marks what q has found, so it needs q" });
  }
  if (q === undefined) return undefined;
  const { search } = resource;
  const finder = searchFinder(model, resource, grant);
  if (search === undefined || finder === undefined) {
    problems.push({ field: "q", message: `${resource.path} has no field that you may search` });
    return undefined;
  }
  const text = q.trim();
  if (text === "" || !isStorableText(text) || [...text].length > SEARCH_TEXT_MAX) {
    const message = `must be 1 to ${SEARCH_TEXT_MAX} characters without the character NUL`;
    problems.push({ field: "q", message });
    return undefined;
  }
  const fields = readableSearch(search, grant);
  return { text, finder, highlight: highlight === "true" ? { search, fields, text } : undefined };
}

/** The rows of a search, best first unless another order is asked for. */
export function searched(
  { text, finder }: Search,
  parsed: readonly ParsedFilter[],
  sorts: readonly Sort[] | undefined,
  { resource: { table } }: Parsing,
): FoundRows {
  const field = fieldOf(table, "id");
  const filter = { field, operator: "search", isNull: false, through: undefined, finder } as const;
  const all = [...parsed, { filter, value: text }];
  return rowsOf(
    all,
    finder,
    sorts ?? newestFirst(table),
    sorts === undefined ? "ranked" : "sorted",
  );
}

/**
 * The rows that pass a test of a part of a value, found by an index of such parts; undefined where
 * no filter has one. Throws PARAMETER_INVALID for a pattern that the index cannot find rows by.
 */
export function found(
  parsed: readonly ParsedFilter[],
  sorts: readonly Sort[] | undefined,
  { model, resource, grant }: Parsing,
): FoundRows | undefined {
  const short: Filter[] = [];
  for (const [at, { filter, value }] of parsed.entries()) {
    const { field, operator, through } = filter;
    if (through !== undefined || operator === "search" || !isMatch(operator)) continue;
    const finder = matchFinder(model, resource, grant, field, operator);
    if (finder === undefined) continue;
    if (isFreeText(field) && !holdsTrigram(value ?? "")) short.push(filter);
    else {
      const all = parsed.with(at, { filter: { ...filter, finder }, value });
      return rowsOf(all, finder, sorts ?? newestFirst(resource.table), "sorted");
    }
  }
  const message = "needs three letters or digits in a row, or a filter that an index serves";
  refuse(short.map((one) => ({ field: `filter[${filterName(one)}][${one.operator}]`, message })));
  return undefined;
}

function rowsOf(
  parsed: readonly ParsedFilter[],
  finder: Finder,
  sorts: readonly Sort[] = [],
  how: "sorted" | "ranked",
): FoundRows {
  return {
    filters: parsed.map(({ filter }) => filter),
    values: parsed.map(({ value }) => value),
    served: { sorts, form: anyOrder(finder.name, sorts), single: true, found: how },
  };
}

/** Of tests of a part of own fields: the lines of the table that would serve them. */
export function missingIndexes(
  { table }: ResourceModel,
  filters: readonly Filter[],
): readonly string[] {
  const own = filters.filter(
    ({ operator, through }) => through === undefined && operator !== "search" && isMatch(operator),
  );
  return [...new Set(own.map(({ field }) => partIndexLine(table, field)))];
}
