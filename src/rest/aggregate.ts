// REST: `GET /v1/<resource>/aggregate`, from HTTP to the operation and back.
import type { ErrorDetail } from "../base/errors.ts";
import { MEASURES, type Measure } from "../model/model.ts";
import type { AggregateReply } from "../operations/aggregate.ts";
import type { AggregateQuery } from "../operations/parse-aggregate.ts";
import { decode, NO_TEXT, parseListQuery } from "./query.ts";

const OWN = ["groupBy", "count", ...MEASURES, "timeZone"];
const FILTERS = "filter[field], filter[field][operator], filter[or][0][…]";
/** What it has in common with a list. */
const SHARED = {
  words: `${OWN.join(", ")}, ${FILTERS}, sort, page[size]`,
  names: /^(?:filter\[.*|sort|page\[size\])$/,
};

/** Each parameter that is not known is a problem of the query. */
export function parseAggregateQuery(text: string): AggregateQuery {
  const own = new Map<string, string>();
  const problems: ErrorDetail[] = [];
  const rest: string[] = [];
  for (const part of text === "" ? [] : text.split("&")) {
    const at = part.indexOf("=");
    const name = decode(at === -1 ? part : part.slice(0, at)) ?? "";
    if (!OWN.includes(name)) rest.push(part);
    else {
      if (own.has(name)) problems.push({ field: name, message: "is given twice" });
      const value = decode(at === -1 ? "" : part.slice(at + 1));
      if (value === undefined) problems.push({ field: name, message: NO_TEXT });
      own.set(name, value ?? "");
    }
  }
  const { filters, sort, size, problems: others = [] } = parseListQuery(rest.join("&"), SHARED);
  const measures: Partial<Record<Measure, string>> = {};
  for (const measure of MEASURES) {
    const value = own.get(measure);
    if (value !== undefined) measures[measure] = value;
  }
  return {
    problems: [...problems, ...others],
    groupBy: own.get("groupBy"),
    count: own.get("count"),
    timeZone: own.get("timeZone"),
    measures,
    filters,
    sort,
    size,
  };
}

export function aggregateBody({ groups, hasMore, timeZone }: AggregateReply): string {
  const meta = JSON.stringify({ groups: groups.length, hasMore, timeZone });
  return `{"data":[${groups.join(",")}],"meta":${meta}}`;
}
