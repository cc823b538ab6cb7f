// Replies against the contract, which is the OpenAPI document of the caller's own role. Loaded in
// development and by tests alone: in production replies are right by construction.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Exchange, ExchangeObserver } from "../server/exchange.ts";

type Json = Readonly<Record<string, unknown>>;

/** The document of a version, which an address begins with, for a role. */
export type DocumentOf = (version: string, role: string) => Json | undefined;

const PROBLEMS_MAX = 10;
const VERSIONED = /^\/(v\d+)\//;

/** Objects to a status, type or body that the document of the caller's role does not announce. */
export function replyChecker(documentOf: DocumentOf, roles: readonly string[]): ExchangeObserver {
  const contracts = new Map<string, Contract>();
  const contractOf = (role: string, version: string): Contract | undefined => {
    const key = `${version} ${role}`;
    const document = contracts.has(key) ? undefined : documentOf(version, role);
    if (document !== undefined) contracts.set(key, new Contract(document));
    return contracts.get(key);
  };
  return (exchange) => {
    const { role, operation } = exchange.facts;
    // The document does not describe itself.
    const version = operation === "openapi" ? undefined : VERSIONED.exec(exchange.route)?.[1];
    const contract =
      version === undefined ? undefined : contractOf(String(role ?? roles[0]), version);
    if (contract === undefined) return [];
    return contract.problems(exchange, role !== undefined);
  };
}

// A format is a hint by the standard. PostgreSQL keeps days that RFC 3339 has no words for, such as
// infinity and those before Christ, and durations that go forth and back.
const STORED_FORMATS = {
  date: /^(-?infinity|\d{4,7}-\d{2}-\d{2}( BC)?)$/,
  "date-time":
    /^(-?infinity|\d{4,6}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:\d\d)?)( BC)?)$/,
  duration: /^(-?infinity|P(-?\d+[YMWD])*(T(-?\d+(\.\d{1,6})?[HMS])+)?)$/,
};

class Contract {
  readonly #document: Json;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: Json) {
    this.#document = document;
    // A CommonJS module, whose types call its default export a namespace.
    (formats as unknown as (ajv: Ajv2020) => void)(this.#ajv);
    for (const [name, format] of Object.entries(STORED_FORMATS)) this.#ajv.addFormat(name, format);
    this.#ajv.addSchema(document, "document");
  }

  problems(exchange: Exchange, isKnown: boolean): readonly string[] {
    const { status, body } = exchange;
    const method = exchange.method === "HEAD" ? "get" : exchange.method.toLowerCase();
    const path = exchange.route.replace(/:(\w+)/g, "{$1}");
    const place = ["paths", path, method];
    const operation = this.#at(place);
    if (!isKnown || (operation === undefined && status >= 400)) return this.#error(exchange);
    if (operation === undefined) return [`${method} ${path} is not in the role's document`];
    const [response, at] = this.#resolve([...place, "responses", String(status)]);
    if (response === undefined) return [`${method} ${path} does not announce ${status}`];
    if (exchange.method === "HEAD") return [];
    const content = response.content as Json | undefined;
    if (content === undefined) return body === "" ? [] : [`${status} announces no body`];
    const [type = ""] = exchange.contentType.split(";");
    if (!Object.hasOwn(content, type)) return [`${status} does not announce ${type}`];
    if (!type.endsWith("json")) return [];
    return this.#check([...at, "content", type, "schema"], body);
  }

  /** An error that no operation announces, such as one before the caller is known. */
  #error({ method, status, contentType, body }: Exchange): readonly string[] {
    if (method === "HEAD") return [];
    if (status < 400) return [`${status} to a caller that is not known`];
    const schema = contentType.startsWith("application/problem+json") ? "Problem" : "Error";
    return this.#check(["components", "schemas", schema], body);
  }

  #check(place: readonly string[], body: string): readonly string[] {
    const pointer = place.map(pointerKey).join("/");
    const known = this.#validators.get(pointer);
    const validate = known ?? this.#ajv.compile({ $ref: `document#/${pointer}` });
    this.#validators.set(pointer, validate);
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      return ["the body is not JSON"];
    }
    if (validate(value) === true) return [];
    const problems = (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || "/"} ${message ?? "is not valid"} ${JSON.stringify(params)}`,
    );
    return problems.slice(0, PROBLEMS_MAX);
  }

  #at(place: readonly string[]): Json | undefined {
    let value: unknown = this.#document;
    for (const key of place) value = (value as Json | undefined)?.[key];
    return value as Json | undefined;
  }

  /** What stands at a place, through a `$ref`, with the place where it was found. */
  #resolve(place: readonly string[]): readonly [Json | undefined, readonly string[]] {
    const found = this.#at(place);
    if (typeof found?.$ref !== "string") return [found, place];
    const target = found.$ref.slice("#/".length).split("/");
    return [this.#at(target), target];
  }
}

/** One key of a JSON pointer in the fragment of a URI. */
function pointerKey(key: string): string {
  return encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"));
}
