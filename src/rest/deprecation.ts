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
  { query, body }: HttpRequest,
): Headers {
  if (!deprecates(model)) return NONE;
  const names = [...fieldsOfBody(operation, body), ...(query === "" ? [] : namesInQuery(query))];
  return headersOf([...usedBy(model, resource, operation, names), ...ofVersion(model)]);
}

/** Of a batch: as those of its operations, each of which was understood. */
export function batchDeprecationHeaders(model: Model, { body }: HttpRequest): Headers {
  if (!deprecates(model)) return NONE;
  const { operations } = body as { readonly operations: readonly BatchOperation[] };
  const resources = new Map([...model.resources.values()].map((one) => [one.name, one]));
  const used = operations.flatMap(({ operation, body }) => {
    const [of = "", name = ""] = operation.split(".");
    const resource = resources.get(of);
    return resource ? usedBy(model, resource, name, fieldsOfBody(name, body)) : [];
  });
  return headersOf([...used, ...ofVersion(model)]);
}

interface BatchOperation {
  readonly operation: string;
  readonly body?: unknown;
}

const ofVersion = ({ deprecation }: Model): readonly Deprecation[] =>
  deprecation === undefined ? [] : [deprecation];

function usedBy(
  model: Model,
  resource: ResourceModel,
  operation: string,
  names: readonly string[],
): readonly Deprecation[] {
  const whole = resource.deprecated.operations.get(operation);
  const fields = usedFields(model, resource, new Set(names));
  return whole === undefined ? [...fields] : [whole, ...fields];
}

/** Of several, the earliest days are told. */
function headersOf(used: readonly Deprecation[]): Headers {
  if (used.length === 0) return NONE;
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
  named: ReadonlySet<string>,
): Generator<Deprecation> {
  const { fields } = resource.deprecated;
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

const OF_ONE = ["create", "update", "upsert"];
const OF_MANY = ["bulkCreate", "bulkUpdate"];

/** What an operation writes; the input of an action has names of its own. */
function fieldsOfBody(operation: string, body: unknown): readonly string[] {
  if (OF_ONE.includes(operation)) return Object.keys(Object(body));
  if (!OF_MANY.includes(operation)) return [];
  const { records } = Object(body) as { readonly records?: readonly unknown[] };
  return (records ?? []).flatMap((record) => Object.keys(Object(record)));
}
