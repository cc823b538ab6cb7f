// Examples of the OpenAPI document that were really produced: the last successful exchange of each
// operation, per tenant and role, as whoever asks for the document could have made it. In
// development only; what looks like a secret is not kept, headers never are.
import type { Exchange } from "../server/exchange.ts";

type Json = Readonly<Record<string, unknown>>;

interface Example {
  readonly status: number;
  readonly parameters: Json;
  readonly query: ReadonlyMap<string, string>;
  readonly requestBody: unknown;
  readonly body: unknown;
}

// LIMIT: 200 operations of 64 KB are 13 MB at the very most; what is larger shows nobody anything.
const EXAMPLES_MAX = 200;
const TEXT_MAX = 65_536;
/** A list is shown by its first records. */
const RECORDS_MAX = 2;
const SECRET = /bw_[a-z0-9]{8}|password|secret|token|credential/i;

export class Examples {
  readonly #kept = new Map<string, Example>();

  /** Keeps a successful exchange in place of the one before it. */
  record(exchange: Exchange): void {
    const { route, method, url, facts, status, body, requestBody } = exchange;
    const { tenant, role } = facts;
    if (typeof role !== "string" || typeof tenant !== "string") return;
    if (status < 200 || status > 299 || body === "" || method === "HEAD") return;
    if (!exchange.contentType.startsWith("application/json")) return;
    const sent = JSON.stringify(requestBody) ?? "";
    if (body.length + sent.length > TEXT_MAX || SECRET.test(body) || SECRET.test(sent)) return;
    const [path = "", query = ""] = url.split("?");
    if (SECRET.test(query)) return;
    const key = keyOf(tenant, role, method, route);
    this.#kept.delete(key);
    this.#kept.set(key, {
      status,
      parameters: pathParameters(route, path),
      query: new Map(new URLSearchParams(query)),
      requestBody,
      body: firstRecords(JSON.parse(body)),
    });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > EXAMPLES_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** The document with an example wherever one was seen. */
  addTo(document: Json, tenant: string, role: string): Json {
    const paths = mapValues(document.paths as Json, (item, path) => {
      const shared = item.parameters as readonly Json[] | undefined;
      let seen: Example | undefined;
      const withExamples = mapValues(item, (operation, method) => {
        const route = path.replace(/\{(\w{1,64})\}/g, ":$1");
        const example = this.#kept.get(keyOf(tenant, role, method.toUpperCase(), route));
        if (example === undefined) return operation;
        seen = example;
        return withExample(operation, example);
      });
      if (shared === undefined || seen === undefined) return withExamples;
      const { parameters } = seen;
      return { ...withExamples, parameters: shared.map((one) => parameterWith(one, parameters)) };
    });
    return { ...document, paths };
  }
}

function keyOf(...parts: readonly string[]): string {
  return parts.join(" ");
}

function mapValues(object: Json, change: (value: Json, key: string) => unknown): Json {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, change(value as Json, key)]),
  );
}

function pathParameters(route: string, path: string): Json {
  const given = path.split("/");
  const named = route.split("/").map((part, at) => [part, given[at] ?? ""] as const);
  const found = named.filter(([part]) => part.startsWith(":"));
  return Object.fromEntries(found.map(([part, value]) => [part.slice(1), value]));
}

function firstRecords(reply: unknown): unknown {
  const { data } = reply as { data?: unknown };
  if (!Array.isArray(data)) return reply;
  return { ...(reply as Json), data: data.slice(0, RECORDS_MAX) };
}

function withExample(operation: Json, example: Example): Json {
  const { parameters, requestBody, responses } = operation;
  const status = String(example.status);
  const response = (responses as Json)[status] as Json;
  return {
    ...operation,
    ...(parameters !== undefined && {
      parameters: (parameters as readonly Json[]).map((one) =>
        one.in === "query" ? parameterWith(one, Object.fromEntries(example.query)) : one,
      ),
    }),
    ...(requestBody !== undefined &&
      example.requestBody !== undefined && {
        requestBody: contentWith(requestBody as Json, example.requestBody),
      }),
    responses: { ...(responses as Json), [status]: contentWith(response, example.body) },
  };
}

function contentWith(holder: Json, example: unknown): Json {
  const content = holder.content as Json | undefined;
  const json = content?.["application/json"] as Json | undefined;
  if (json === undefined) return holder;
  return { ...holder, content: { ...content, "application/json": { ...json, example } } };
}

/** The parameter with the value that it had, as its schema reads it; without one, as it is. */
function parameterWith(parameter: Json, given: Json): Json {
  const text = given[String(parameter.name)];
  if (typeof text !== "string") return parameter;
  const { type, items } = parameter.schema as { type?: unknown; items?: { type?: unknown } };
  const read = (one: string, as: unknown): unknown =>
    as === "integer" || as === "number" ? Number(one) : as === "boolean" ? one === "true" : one;
  const value =
    type === "array" ? text.split(",").map((one) => read(one, items?.type)) : read(text, type);
  return { ...parameter, example: value };
}
