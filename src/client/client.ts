// The typed client: fetch, the query grammar, retries that cannot double an effect, typed errors.
// Runs in browsers, Node and workers; knows the server by its addresses only.
import type { Client } from "./client-types.ts";
import { ApiError, readError } from "./errors.ts";
import { aggregateString, queryString } from "./query.ts";
import type { BulkOptions } from "./several-types.ts";
import type { CallOptions, ListQuery, Page, UpdateOptions, WriteOptions } from "./types.ts";

export interface ClientOptions {
  /** Where the API is, such as https://api.example.org. */
  readonly url: string;
  /** The version of the API; `C` is the newest one's contract. Default v1. */
  readonly version?: string;
  /** An API key, or a function that is asked before each request. */
  readonly key?: string | (() => string | Promise<string>);
  /** Further tries after a 503, a 409 in flight or a lost connection. Default 3. */
  readonly retries?: number;
  readonly fetch?: typeof fetch;
}

interface Call extends CallOptions {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const RETRY_MS = 200;
const RETRY_MS_MAX = 10_000;

/** Calls an API whose contract is `C`: `createClient<Api>({ url, key })`. */
export function createClient<C>(options: ClientOptions): Client<C> {
  const send = createSender(options);
  const resources = new Map<PropertyKey, unknown>();
  const batch = async (operations: unknown, options: WriteOptions = {}): Promise<unknown> => {
    const call = { method: "POST", path: "/batch", body: { operations } } as const;
    return ((await send({ ...call, ...write(options) })) as Data).data;
  };
  return new Proxy({} as Client<C>, {
    get(_target, name) {
      // A client is not a promise, whatever `await` asks of it.
      if (typeof name !== "string" || name === "then") return undefined;
      const known = resources.get(name) ?? (name === "batch" ? batch : createResource(send, name));
      resources.set(name, known);
      return known;
    },
  });
}

type Send = (call: Call) => Promise<unknown>;
// The types of the public interface know the records; here they are what the server sent.
type Query = ListQuery<never, never>;

function createResource(send: Send, name: string) {
  const path = `/${kebabCase(name)}`;
  const at = (id: string): string => `${path}/${encodeURIComponent(id)}`;
  const record = async (call: Call): Promise<unknown> => ((await send(call)) as Data).data;
  const list = (query: Query = {}, options: CallOptions = {}): Promise<Page<unknown>> =>
    send({ method: "GET", path: path + queryString(query), ...options }) as Promise<Page<unknown>>;
  const bulk = (verb: string) => {
    return (records: unknown, { atomic, ...options }: BulkOptions = {}): Promise<unknown> => {
      const body = atomic === undefined ? { records } : { records, atomic };
      return send({ method: "POST", path: `${path}/bulk-${verb}`, body, ...write(options) });
    };
  };
  const methods = {
    list,
    async *all(query: Query = {}, options: CallOptions = {}) {
      let page = await list(query, options);
      yield* page.data;
      while (page.meta.pagination.next !== null) {
        const after = page.meta.pagination.next;
        const { size } = query.page ?? {};
        const next = { ...query, page: size === undefined ? { after } : { size, after } };
        page = await list(next, options);
        yield* page.data;
      }
    },
    aggregate: (query: object, options: CallOptions = {}) => {
      const question = aggregateString(query as Readonly<Record<string, unknown>>);
      return send({ method: "GET", path: `${path}/aggregate${question}`, ...options });
    },
    get: (id: string, query: Query = {}, options: CallOptions = {}) =>
      record({ method: "GET", path: at(id) + queryString(query), ...options }),
    create: (body: unknown, options: WriteOptions = {}) =>
      record({ method: "POST", path, body, ...write(options) }),
    upsert: (by: string | readonly string[], body: unknown, options: UpdateOptions = {}) => {
      const fields = encodeURIComponent([by].flat().join());
      return record({ method: "PUT", path: `${path}?by=${fields}`, body, ...write(options) });
    },
    bulkCreate: bulk("create"),
    bulkUpdate: bulk("update"),
    bulkDelete: bulk("delete"),
    update: (id: string, body: unknown, options: UpdateOptions = {}) =>
      record({ method: "PATCH", path: at(id), body, ...write(options) }),
    delete: async (id: string, options: UpdateOptions = {}): Promise<void> => {
      await send({ method: "DELETE", path: at(id), ...write(options) });
    },
    restore: (id: string, options: UpdateOptions = {}) =>
      record({ method: "POST", path: `${at(id)}/restore`, ...write(options) }),
  };
  return withActions(methods, (action, id, body, options) => {
    const call = { method: "POST", path: `${at(id)}/${kebabCase(action)}` } as const;
    return record({ ...call, ...(body === undefined ? {} : { body }), ...write(options) });
  });
}

/** Which actions there are is known to the server and to the contract's types alone. */
function withActions(
  methods: object,
  run: (action: string, id: string, body: unknown, options: UpdateOptions) => Promise<unknown>,
): unknown {
  const known = new Map<PropertyKey, unknown>(Object.entries(methods));
  return new Proxy(Object.freeze(methods), {
    get(_target, name) {
      if (typeof name !== "string" || name === "then") return undefined;
      const method =
        known.get(name) ??
        ((id: string, body?: unknown, options: UpdateOptions = {}) => run(name, id, body, options));
      known.set(name, method);
      return method;
    },
  });
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

interface Data {
  readonly data: unknown;
}

function write({ idempotencyKey, signal, ...rest }: UpdateOptions) {
  const headers: Record<string, string> = {
    // A retry after a lost reply must not write twice, so every write has a key.
    "idempotency-key": idempotencyKey ?? crypto.randomUUID(),
  };
  if (rest.ifVersion !== undefined) headers["if-match"] = `"${rest.ifVersion}-"`;
  return signal === undefined ? { headers } : { headers, signal };
}

function createSender(options: ClientOptions): Send {
  const base = `${options.url.replace(/\/+$/, "")}/${options.version ?? "v1"}`;
  const request = options.fetch ?? fetch;
  const retries = options.retries ?? 3;
  const key = options.key;
  return async (call) => {
    for (let attempt = 0; ; attempt += 1) {
      const bearer = typeof key === "function" ? await key() : key;
      const outcome = await attemptCall(request, base, bearer, call);
      if (!(outcome instanceof ApiError)) return outcome;
      if (!outcome.isRetryable || attempt >= retries || call.signal?.aborted) throw outcome;
      await pause(outcome.retryAfterMs ?? RETRY_MS * 2 ** attempt, call.signal);
    }
  };
}

async function attemptCall(
  request: typeof fetch,
  base: string,
  key: string | undefined,
  call: Call,
): Promise<unknown> {
  const headers: Record<string, string> = { accept: "application/json", ...call.headers };
  if (key !== undefined) headers.authorization = `Bearer ${key}`;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  let reply: Response;
  let text: string;
  try {
    reply = await request(base + call.path, {
      method: call.method,
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    text = await reply.text();
  } catch (cause) {
    if (call.signal?.aborted) throw call.signal.reason;
    return ApiError.unreachable(cause);
  }
  if (!reply.ok) return readError(reply, text);
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const jittered = Math.min(ms, RETRY_MS_MAX) * (0.75 + Math.random() / 2);
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, jittered);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
