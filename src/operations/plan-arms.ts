// Finds the indexes for the alternatives of a list, or refuses in words that say what is served.
import { BackwrightError } from "../base/errors.ts";
import { VALUE_SCANS_MAX } from "../base/limits.ts";
import type { ReadGrant } from "../model/model.ts";
import { describeForms, describeSort, type Filter, filterName, type Sort } from "../sql/serve.ts";
import {
  type Arm,
  formsServing,
  isScannedByValue,
  isSplitOfOrder,
  serveArms,
} from "../sql/serve-arms.ts";
import { foundArm, missingIndexes } from "./found.ts";
import { type ParsedArms, type ParsedFilter, testsKey } from "./parse-filter.ts";
import type { Parsing } from "./parsing.ts";

/** Alternatives with their indexes. */
export interface Planned {
  readonly arms: readonly Arm[];
  /** Names what they test: equal names, equal conditions in SQL. */
  readonly tests: string;
  /** Names the order of the list. */
  readonly order: string;
}

// LIMIT: programs ask in a few ways; a reader who tries all is planned anew.
const KNOWN_MAX = 200;
// The grant is one role's of one resource of one version of a model, so it stands for them.
const known = new WeakMap<ReadGrant, Map<string, Planned>>();

/** Throws PARAMETER_INVALID naming the first alternative that no index serves. */
export function planArms(
  parsed: ParsedArms,
  sorts: readonly Sort[] | undefined,
  parsing: Parsing,
): Planned {
  const ofGrant = known.get(parsing.grant) ?? new Map<string, Planned>();
  known.set(parsing.grant, ofGrant);
  const alternatives = parsed.map((arm) => arm.map(({ filter }) => filter));
  const key = `${sorts === undefined ? "" : `sort ${sortsKey(sorts)}`}|${testsKey(alternatives)}`;
  const found = ofGrant.get(key);
  const planned = found ?? planAnew(parsed, alternatives, sorts, parsing);
  refuseManyScans(planned.arms, parsed);
  // What a finder finds was planned by the values, too.
  const isOfTests = planned.arms.every(({ served }) => served.found === undefined);
  if (found === undefined && isOfTests && ofGrant.size < KNOWN_MAX) ofGrant.set(key, planned);
  return planned;
}

function planAnew(
  parsed: ParsedArms,
  alternatives: readonly (readonly Filter[])[],
  sorts: readonly Sort[] | undefined,
  parsing: Parsing,
): Planned {
  const { resource, grant } = parsing;
  const served = serveArms(resource, alternatives, sorts, grant.fields, (at, wanted) =>
    foundArm(parsed[at] ?? [], wanted, parsing),
  );
  if ("unserved" in served) throw notServed(alternatives, served.unserved, sorts, parsing);
  return plannedOf(served.arms);
}

export function plannedOf(arms: readonly Arm[]): Planned {
  const isRanked = arms.some(({ served }) => served.found === "ranked");
  const order = isRanked ? "rank" : sortsKey(arms[0]?.served.sorts ?? []);
  return { arms, tests: testsKey(arms.map(({ filters }) => filters)), order };
}

const sortsKey = (sorts: readonly Sort[]): string =>
  sorts.map(({ field, descending }) => `${descending ? "-" : ""}${field.name}`).join();

function describe(filter: Filter): string {
  const name = `filter[${filterName(filter)}][${filter.operator}]`;
  return filter.negated ? `not ${name}` : name;
}

function notServed(
  alternatives: readonly (readonly Filter[])[],
  at: number,
  sorts: readonly Sort[] | undefined,
  { resource, grant }: Parsing,
): BackwrightError {
  const filters = alternatives[at] ?? [];
  const several = alternatives.length > 1;
  const asked = filters.map(describe);
  const keys = sorts?.map(({ field, descending }) => `${descending ? "-" : ""}${field.name}`);
  const sort = keys === undefined ? [] : [`sort=${keys.join()}`];
  const what = [...asked, ...sort].join(" and ");
  const [first = "sort"] = asked;
  const field = first.replace("not ", "");
  const readable = new Set(grant.fields.map((one) => one.name));
  const allowed = describeForms(resource, readable).join("; ");
  const refusal = (message: string): BackwrightError => {
    const which = several ? `, one of ${alternatives.length} alternatives` : "";
    const inOrder = several && sort.length === 0 ? " newest first" : "";
    return new BackwrightError("PARAMETER_INVALID", {
      message: `No index serves ${what}${which}${inOrder}.`,
      details: [{ field, message }],
    });
  };
  const lines = missingIndexes(resource, filters);
  if (lines.length > 0) {
    return refusal(
      "is tested on one row after the other, so it goes only next to a filter that an index " +
        `serves, such as: ${allowed}. To find rows by it, declare in the table: ` +
        `${lines.join("; ")}.`,
    );
  }
  if (filters.length > 0 && filters.every(({ through }) => through !== undefined)) {
    return refusal(
      "is tested on one row after the other, so it goes only next to a filter on the resource's " +
        `own fields that an index serves, such as: ${allowed}.`,
    );
  }
  const turned = allowed.includes(",") ? " (of several fields, all turned together)" : "";
  const served = `Served in either direction${turned}: ${allowed}.`;
  if (!several) return refusal(served);
  const common = formsServing(resource, alternatives, grant.fields);
  const orders = [...new Set(common.map((form) => describeSort(form, false)))].join("; ");
  const together = orders === "" ? "no sort serves them all" : `all are served by sort=${orders}`;
  return refusal(`Each alternative needs an index under the same sort; ${together}. ${served}`);
}

// Each is an index scan that may read a page of rows: the bound on reads is kept by their number.
function refuseManyScans(arms: readonly Arm[], parsed: ParsedArms): void {
  let scans = 0;
  let lists: readonly ParsedFilter[] = [];
  arms.forEach(({ served }, at) => {
    const found = (parsed[at] ?? []).filter(
      ({ filter }) => isScannedByValue(filter, served) || isSplitOfOrder(filter, served),
    );
    scans += found.reduce((product, { count }) => product * Math.max(1, count), 1);
    if (found.length > 0) lists = found;
  });
  if (scans <= VALUE_SCANS_MAX) return;
  const names = [...new Set(lists.map(({ filter }) => describe(filter)))].join(" and ");
  throw new BackwrightError("PARAMETER_INVALID", {
    message: `The values of ${names} combine to ${scans} index scans.`,
    details: [
      { field: "filter", message: `at most ${VALUE_SCANS_MAX} are made; name fewer values` },
    ],
  });
}
