// The HTTP API as this import needs it: lists and creates, repeated until there is an answer.
// Every create carries an idempotency key, so that repeating one is safe.
import { setTimeout as sleep } from "node:timers/promises";
import { ImportStopped } from "./import-stopped.ts";

export type ApiRecord = { readonly id: string } & Readonly<Record<string, unknown>>;

export interface Created {
  readonly record: ApiRecord;
  /** An earlier request with the same key made it, and not this one's first attempt. */
  readonly wasThere: boolean;
}

/** The API understood and refused: the same again would be refused again. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly attempt: number;
}

interface Sent {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export const REQUESTS_AT_ONCE = 16;

const PAGE_SIZE = 100;
const IN_VALUES_MAX = 20;
const QUERY_CHARACTERS_MAX = 4_000; // LIMIT: the server takes addresses of 8,192 bytes.
const REPLY_MS_MAX = 30_000;
const ATTEMPTS_MAX = 20; // With the waits below about a minute and a half.
const WAIT_MS_MAX = 8_000;
const BUSY = new Set([429, 502, 503, 504]);

export class Api {
  readonly #url: string;
  readonly #key: string;
  readonly #stop: AbortSignal;
  #hasAnswered = false;

  /** `stop` ends waiting; requests in flight are still finished. */
  constructor(url: string, key: string, stop: AbortSignal) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
    this.#stop = stop;
  }

  /** Every record of a list, page after page. Throws Refused, ImportStopped. */
  async *list(
    resource: string,
    query: Readonly<Record<string, string>>,
  ): AsyncGenerator<ApiRecord, void> {
    let after: string | null = null;
    do {
      const page = new URLSearchParams({ ...query, "page[size]": String(PAGE_SIZE) });
      if (after !== null) page.set("page[after]", after);
      const { body } = await this.#ask(`${resource}?${page}`, { method: "GET" });
      const { data, meta } = body as ListBody;
      yield* data;
      after = meta.pagination.hasMore ? meta.pagination.next : null;
    } while (after !== null);
  }

  /** The records whose unique field has one of the values, in no order. Same errors as list. */
  async findAll(
    resource: string,
    field: string,
    values: readonly string[],
    fields: string,
  ): Promise<readonly ApiRecord[]> {
    const found: ApiRecord[] = [];
    const ask = async (test: string, value: string): Promise<void> => {
      for await (const record of this.list(resource, { fields, [test]: value })) found.push(record);
    };
    // A comma separates the values of `in`, so a value with a comma is asked for alone.
    const alone = values.filter((value) => value.includes(","));
    const together = batches(values.filter((value) => !value.includes(",")));
    await forEachOf(alone, this.#stop, (value) => ask(`filter[${field}]`, value));
    await forEachOf(together, this.#stop, (some) => ask(`filter[${field}][in]`, some.join()));
    return found;
  }

  /** Creates a record once, however often the request is sent. Throws Refused, ImportStopped. */
  async create(resource: string, body: object, idempotencyKey: string): Promise<Created> {
    const reply = await this.#ask(resource, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": idempotencyKey },
      body: JSON.stringify(body),
    });
    const { data } = reply.body as { data: ApiRecord };
    const isReplay = reply.headers.get("idempotency-replayed") === "true";
    return { record: data, wasThere: isReplay && reply.attempt === 1 };
  }

  async #ask(address: string, sent: Sent): Promise<Reply> {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await this.#attempt(address, sent, attempt);
      if (!(reply instanceof Error) && !mayRepeat(reply)) return settled(reply);
      if (attempt === ATTEMPTS_MAX) throw this.#silent(reply);
      const asked = reply instanceof Error ? null : reply.headers.get("retry-after");
      await this.#wait(attempt, asked);
    }
  }

  async #attempt(address: string, sent: Sent, attempt: number): Promise<Reply | Error> {
    this.#stop.throwIfAborted();
    const url = `${this.#url}/v1/${address}`;
    const headers = { ...sent.headers, authorization: `Bearer ${this.#key}` };
    const signal = AbortSignal.timeout(REPLY_MS_MAX);
    try {
      const reply = await fetch(url, { ...sent, headers, signal });
      const body = parseReply(await reply.text());
      this.#hasAnswered = true;
      return { status: reply.status, headers: reply.headers, body, attempt };
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      if (this.#hasAnswered) return error;
      throw this.#silent(error);
    }
  }

  // Doubles, and spreads out, so that sixteen callers do not come back in one instant.
  async #wait(attempt: number, retryAfter: string | null): Promise<void> {
    const seconds = Number(retryAfter ?? 0);
    const asked = Number.isFinite(seconds) ? seconds * 1_000 : 0;
    const own = Math.min(100 * 2 ** (attempt - 1), WAIT_MS_MAX) * (0.5 + Math.random() / 2);
    try {
      await sleep(Math.max(asked, own), undefined, { signal: this.#stop });
    } catch {
      this.#stop.throwIfAborted();
    }
  }

  #silent(last: Reply | Error): ImportStopped {
    const says = last instanceof Error ? reasonOf(last) : `it answers ${last.status}`;
    const fix = this.#hasAnswered
      ? "Run the same command again when it is back; what is there already is left alone."
      : "Start the example (npm start), or name the address: --url http://127.0.0.1:3001";
    return new ImportStopped(`${this.#url} does not answer: ${says}.`, fix, { cause: last });
  }
}

interface ListBody {
  readonly data: readonly ApiRecord[];
  readonly meta: { readonly pagination: { readonly next: string | null; hasMore: boolean } };
}

interface ErrorBody {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly field: string; readonly message: string }[];
  readonly requestId?: string;
}

/**
 * Works on up to REQUESTS_AT_ONCE items at a time. After a failure or a stop no further item is
 * begun, those in work are finished, and the first failure or the reason of the stop is thrown.
 */
export async function forEachOf<T>(
  items: readonly T[],
  stop: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failures.length > 0 || stop.aborted) return;
      await work(item).catch((error: unknown) => {
        failures.push(error);
      });
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  if (failures.length > 0) throw failures[0];
  stop.throwIfAborted();
}

function batches(values: readonly string[]): readonly (readonly string[])[] {
  const all: string[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const value of values) {
    const added = encodeURIComponent(value).length + 3;
    const last = all.at(-1);
    if (last && last.length < IN_VALUES_MAX && characters + added < QUERY_CHARACTERS_MAX) {
      last.push(value);
      characters += added;
    } else {
      all.push([value]);
      characters = added;
    }
  }
  return all;
}

function mayRepeat({ status, body }: Reply): boolean {
  return BUSY.has(status) || errorOf(body).code === "IDEMPOTENCY_IN_PROGRESS";
}

/** A reply that stands: a success is returned, the rest thrown by what it means for the import. */
function settled(reply: Reply): Reply {
  const { status, body } = reply;
  if (status >= 200 && status < 300) {
    if (typeof body === "object" && body !== null && "data" in body) return reply;
    throw new ImportStopped("What answers is not this API.", "Name its address: --url http://…");
  }
  const { code = "UNKNOWN", message = "no reason given", details = [], requestId } = errorOf(body);
  const why = details.map((detail) => `${detail.field} ${detail.message}`).join(", ");
  const text = `${status} ${code}: ${message}${why === "" ? "" : ` (${why})`}`;
  if (status === 401 || status === 403) {
    const fix = 'Use a manager\'s key of "New York 311": --key bw_…';
    throw new ImportStopped(`The key is not enough. ${text}`, fix);
  }
  throw new Refused(code, status >= 500 ? `${text} [request ${requestId}]` : text);
}

function errorOf(body: unknown): ErrorBody {
  const { error } = (body ?? {}) as { error?: ErrorBody };
  return error ?? {};
}

/** Whatever stands between may answer without JSON. */
function parseReply(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function reasonOf(error: Error): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : error.message;
}
