// REST: `GET /v1/<resource>/aggregate`, from HTTP to the operation and back.
import { BackwrightError } from "../base/errors.ts";
import { MEASURES, type Measure } from "../model/model.ts";
import type { AggregateReply } from "../operations/aggregate.ts";
import type { AggregateQuery } from "../operations/parse-aggregate.ts";
import { parseListQuery } from "./query.ts";

const OWN = ["groupBy", "count", ...MEASURES, "timeZone"];
const FILTERS = "filter[field], filter[field][operator], filter[or][0][…]";
/** What it has in common with a list. */
const SHARED = {
  words: `${OWN.join(", ")}, ${FILTERS}, sort, page[size]`,
  names: /^(?:filter\[.*|sort|page\[size\])$/,
};

/** Throws PARAMETER_INVALID naming each parameter that is not known. */
export function parseAggregateQuery(text: string): AggregateQuery {
  const own = new Map<string, string>();
  const rest: string[] = [];
  for (const part of text === "" ? [] : text.split("&")) {
    const at = part.indexOf("=");
    const name = at === -1 ? part : part.slice(0, at);
    if (!OWN.includes(name)) rest.push(part);
    else if (own.has(name)) throw invalid(name, "is given twice");
    else own.set(name, decode(name, at === -1 ? "" : part.slice(at + 1)));
  }
  const { filters, sort, size } = parseListQuery(rest.join("&"), SHARED);
  const measures: Partial<Record<Measure, string>> = {};
  for (const measure of MEASURES) {
    const value = own.get(measure);
    if (value !== undefined) measures[measure] = value;
  }
  return {
    groupBy: own.get("groupBy"),
    count: own.get("count"),
    timeZone: own.get("timeZone"),
    measures,
    filters,
    sort,
    size,
  };
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw invalid(name, "is not UTF-8 in percent encoding");
  }
}

function invalid(field: string, message: string): BackwrightError {
  const details = [{ field, message }];
  return new BackwrightError("PARAMETER_INVALID", { message: `Not valid: ${field}.`, details });
}

export function aggregateBody({ groups, hasMore, timeZone }: AggregateReply): string {
  const meta = JSON.stringify({ groups: groups.length, hasMore, timeZone });
  return `{"data":[${groups.join(",")}],"meta":${meta}}`;
}
