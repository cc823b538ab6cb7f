// Tells who uses something deprecated: RFC 9745 (Deprecation), RFC 8594 (Sunset). Used is a field
// that a request names, in its query or its body; a reply that holds it unasked is no use of it.
import type { Deprecation } from "../model/declare-contract.ts";
import type { Model, ResourceModel } from "../model/model.ts";
import type { HttpRequest } from "../server/http.ts";

type Headers = Readonly<Record<string, string>>;

interface Mark {
  readonly deprecated?: true;
  readonly description?: string;
}

const NONE: Headers = {};
// Parameters whose values are no names.
const VALUES = ["page", "q"];
// No field has such a name: `filter[or][0][status]`.
const GROUP = /^(?:and|or|not|\d+)$/;

const deprecating = new WeakMap<Model, boolean>();

/** Whether a model deprecates anything: asked for every request. */
function deprecates(model: Model): boolean {
  const known = deprecating.get(model);
  if (known !== undefined) return known;
  const found =
    model.deprecation !== undefined ||
    [...model.resources.values()].some(
      ({ deprecated }) => deprecated.fields.size > 0 || deprecated.operations.size > 0,
    );
  deprecating.set(model, found);
  return found;
}

/** The headers of a reply to a request for an operation of a resource; none mostly. */
export function deprecationHeaders(
  model: Model,
  resource: ResourceModel,
  operation: string,
  request: HttpRequest,
): Headers {
  if (!deprecates(model)) return NONE;
  const { operations } = resource.deprecated;
  const whole = [model.deprecation, operations.get(operation)].filter((one) => one !== undefined);
  const used = [...whole, ...usedFields(model, resource, request)];
  return used.length === 0 ? NONE : headersOf(used);
}

/** Of several, the earliest days are told. */
export function headersOf(used: readonly Deprecation[]): Headers {
  const [since = ""] = used.map((one) => one.since).sort();
  const [sunset] = used.flatMap((one) => one.sunset ?? []).sort();
  const links = [...new Set(used.flatMap((one) => one.link ?? []))];
  return {
    deprecation: `@${instant(since) / 1_000}`,
    ...(sunset !== undefined && { sunset: new Date(instant(sunset)).toUTCString() }),
    ...(links.length > 0 && {
      link: links.map((link) => `<${link}>; rel="deprecation"; type="text/html"`).join(", "),
    }),
  };
}

function instant(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** For the OpenAPI document; nothing where it is not deprecated. */
export function deprecatedMark(deprecation: Deprecation | undefined, about = ""): Mark {
  if (deprecation === undefined) return {};
  const { since, sunset, use } = deprecation;
  const end = sunset === undefined ? "" : `, to go on ${sunset}`;
  const text = `Deprecated since ${since}${end}.${use === undefined ? "" : ` Use ${use}.`}`;
  return { deprecated: true, description: about === "" ? text : `${about} ${text}` };
}

function* usedFields(
  model: Model,
  resource: ResourceModel,
  { query, body }: HttpRequest,
): Generator<Deprecation> {
  const { fields } = resource.deprecated;
  const named = new Set<string>();
  if (fields.size > 0) for (const name of keysOf(body)) named.add(name);
  for (const name of query === "" ? [] : namesInQuery(query)) named.add(name);
  for (const name of named) {
    const [first = "", second] = name.split(".");
    if (second === undefined) {
      const own = fields.get(first);
      if (own !== undefined) yield own;
      continue;
    }
    const own = fields.get(first) ?? fields.get(second); // `reportedAt.month`, `sum.points`
    if (own !== undefined) yield own;
    const relation = resource.table.relations.get(first);
    const target = relation && model.resources.get(relation.target);
    const related = target?.deprecated.fields.get(second);
    if (related !== undefined) yield related;
  }
}

/** Fields by name, those of related records as `relation.field`. The request was understood. */
function* namesInQuery(query: string): Generator<string> {
  for (const [key, value] of new URLSearchParams(query)) {
    const [name = "", ...brackets] = key.replaceAll("]", "").split("[");
    if (VALUES.includes(name)) continue;
    if (name === "filter") {
      yield brackets.find((part) => !GROUP.test(part)) ?? "";
      continue;
    }
    const prefix = name === "fields" && brackets[0] !== undefined ? `${brackets[0]}.` : "";
    for (const one of value.split(",")) yield prefix + one.replace(/^-/, "");
  }
}

/** The members of the body, and of the objects in its lists. */
function* keysOf(body: unknown): Generator<string> {
  if (typeof body !== "object" || body === null) return;
  for (const [key, value] of Object.entries(body)) {
    if (!Array.isArray(body)) yield key;
    for (const one of Array.isArray(value) ? value : Array.isArray(body) ? [value] : []) {
      if (typeof one === "object" && one !== null) yield* Object.keys(one);
    }
  }
}
