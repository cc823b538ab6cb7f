// Lists whose rows a finder finds: by a part of a value where no index holds them in order, and by
// the words of `q`. Few rows are found, so every filter and every order goes with them.
import { BackwrightError, type ErrorDetail, refuseInvalid } from "../base/errors.ts";
import { FINDER_MATCHES_MAX, SEARCH_TEXT_MAX } from "../base/limits.ts";
import { DatabaseFailure } from "../database/failures.ts";
import { isFreeText, partIndexLine } from "../model/compile-search.ts";
import { isStorableText, STORABLE } from "../model/field-type.ts";
import { type FieldModel, fieldOf, type ResourceModel, type SearchModel } from "../model/model.ts";
import {
  type Finder,
  FOUND_TOO_MANY,
  matchFinder,
  readableSearch,
  SOUGHT_NO_WORD,
  searchFinder,
} from "../sql/finder.ts";
import { anyOrder, type Filter, filterName, newestFirst, type Sort } from "../sql/serve.ts";
import type { Arm } from "../sql/serve-arms.ts";
import type { ParsedArms, ParsedFilter } from "./parse-filter.ts";
import { holdsTrigram, isMatch } from "./parse-match.ts";
import type { Parsing } from "./parsing.ts";

export interface HighlightRequest {
  readonly search: SearchModel;
  /** Those that the role may read. */
  readonly fields: readonly FieldModel[];
  readonly text: string;
}

/** What `q` asks for. */
export interface Search {
  readonly text: string;
  readonly filter: Filter & { readonly finder: Finder };
  readonly highlight: HighlightRequest | undefined;
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
    const message = `must be 1 to ${SEARCH_TEXT_MAX} characters ${STORABLE}`;
    problems.push({ field: "q", message });
    return undefined;
  }
  const fields = readableSearch(search, grant);
  const field = fieldOf(resource.table, "id");
  const row = { field, isNull: false, negated: false, through: undefined };
  const filter = { ...row, operator: "search", finder } as const;
  return { text, filter, highlight: highlight === "true" ? { search, fields, text } : undefined };
}

/** The alternatives with the search in each of them. */
export function withSearch(parsed: ParsedArms, search: Search | undefined): ParsedArms {
  if (search === undefined) return parsed;
  const { filter, text } = search;
  return parsed.map((arm) => [...arm, { filter, value: text, count: 1 }]);
}

/** The rows of a search, best first unless another order is asked for. */
export function searchedArms(
  parsed: ParsedArms,
  { filter }: Search,
  sorts: readonly Sort[] | undefined,
  { resource: { table } }: Parsing,
): readonly Arm[] {
  const how = sorts === undefined ? "ranked" : "sorted";
  return parsed.map((arm) => armOf(arm, filter.finder, sorts ?? newestFirst(table), how));
}

/**
 * The rows that pass a test of a part of a value, found by an index of such parts; undefined where
 * no filter has one. Throws PARAMETER_INVALID for a pattern that the index cannot find rows by.
 */
export function foundArm(
  parsed: readonly ParsedFilter[],
  sorts: readonly Sort[] | undefined,
  { model, resource, grant }: Parsing,
): Arm | undefined {
  const short: Filter[] = [];
  for (const [at, one] of parsed.entries()) {
    const { filter, value } = one;
    const { field, operator, through, negated } = filter;
    if (through !== undefined || negated || operator === "search" || !isMatch(operator)) continue;
    const finder = matchFinder(model, resource, grant, field, operator);
    if (finder === undefined) continue;
    if (isFreeText(field) && !holdsTrigram(value ?? "")) short.push(filter);
    else {
      const found = parsed.with(at, { ...one, filter: { ...filter, finder } });
      return armOf(found, finder, sorts ?? newestFirst(resource.table), "sorted");
    }
  }
  const message = "needs three letters or digits in a row, or a filter that an index serves";
  refuseInvalid(
    "PARAMETER_INVALID",
    short.map((one) => ({ field: parameterOf(one), message })),
  );
  return undefined;
}

function armOf(
  parsed: readonly ParsedFilter[],
  finder: Finder,
  sorts: readonly Sort[] = [],
  found: "sorted" | "ranked",
): Arm {
  const form = anyOrder(finder.name, sorts);
  const served = { sorts, form, single: true, isScan: true, found };
  return { filters: parsed.map(({ filter }) => filter), served };
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

const TOO_MANY =
  "finds too many records to say which come first: write a longer pattern or one more word, or " +
  "filter by what an index serves";

/** What a finder refuses to find, in words for the caller; undefined for any other failure. */
export function refusedByFinder(error: unknown, arms: readonly Arm[]): BackwrightError | undefined {
  if (!(error instanceof DatabaseFailure) || error.kind !== "refused") return undefined;
  if (error.message === SOUGHT_NO_WORD) {
    const message = "must name a word to find beside those that are left out";
    return refusal([{ field: "q", message }], error);
  }
  if (error.message !== FOUND_TOO_MANY) return undefined;
  const found = arms.flatMap(({ filters }) => filters.filter(({ finder }) => finder !== undefined));
  const details = [...new Set(found.map(parameterOf))].map((field) => ({
    field,
    message: TOO_MANY,
  }));
  return refusal(details, error, `More than ${FINDER_MATCHES_MAX} records match; ask for less.`);
}

function refusal(
  details: readonly ErrorDetail[],
  cause: unknown,
  message?: string,
): BackwrightError {
  const said = message === undefined ? {} : { message };
  return new BackwrightError("PARAMETER_INVALID", { ...said, details, cause });
}

/** As in the address: `q`, or `filter[title][ilike]`. */
function parameterOf(filter: Filter): string {
  return filter.operator === "search" ? "q" : `filter[${filterName(filter)}][${filter.operator}]`;
}
