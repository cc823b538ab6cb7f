// A client as it should be: it sends a write with an Idempotency-Key and repeats it, through
// whatever happens, until somebody has acknowledged it.
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo, type RawReply, requestText } from "../server/raw-http.ts";
import type { SentWrite } from "./write-judge.ts";

export interface Order {
  readonly siteId: string;
  readonly requesterId: string;
}

const RETRY_MS = 20;
const PATIENCE_MS = 20_000;
/** Try again; anything else but success is final. */
const RETRIED = [409, 503];

export class KeyedWrite implements SentWrite {
  readonly acknowledgements: RawReply[] = [];
  readonly refusals: RawReply[] = [];
  readonly key: string;
  readonly recordId: string | undefined;
  readonly #apiKey: string;
  readonly #text: (idempotencyKey: string) => string;

  private constructor(key: string, recordId: string | undefined, apiKey: string, text: string) {
    this.key = key;
    this.recordId = recordId;
    this.#apiKey = apiKey;
    this.#text = (idempotencyKey) =>
      text.replace("authorization:", `idempotency-key: ${idempotencyKey}\r\nauthorization:`);
  }

  static create(key: string, apiKey: string, order: Order, filling = ""): KeyedWrite {
    const body = { ...order, title: key, description: key, internalNotes: filling };
    return KeyedWrite.#of("POST", "/v1/work-orders", key, undefined, apiKey, body, {});
  }

  static update(key: string, apiKey: string, recordId: string, etag: string): KeyedWrite {
    const path = `/v1/work-orders/${recordId}`;
    return KeyedWrite.#of(
      "PATCH",
      path,
      key,
      recordId,
      apiKey,
      { title: key },
      {
        "if-match": etag,
      },
    );
  }

  /** Any write that makes or moves `recordId`, or several. */
  static post(
    key: string,
    apiKey: string,
    path: string,
    body: object,
    recordId?: string,
  ): KeyedWrite {
    return KeyedWrite.#of("POST", path, key, recordId, apiKey, body, {});
  }

  static #of(
    method: string,
    path: string,
    key: string,
    recordId: string | undefined,
    apiKey: string,
    body: object,
    headers: Readonly<Record<string, string>>,
  ): KeyedWrite {
    const own = { ...headers, authorization: `Bearer ${apiKey}`, connection: "close" };
    const text = requestText({ method, path, body: JSON.stringify(body), headers: own });
    return new KeyedWrite(key, recordId, apiKey, text);
  }

  get isAcknowledged(): boolean {
    return this.acknowledgements.length > 0;
  }

  /** Sends it once. Undefined: no whole reply came, so the outcome is not known. */
  async send(
    url: string,
    options: { idempotencyKey?: string } = {},
  ): Promise<RawReply | undefined> {
    const connection = await connectTo(url).catch(() => undefined);
    if (connection === undefined) return undefined;
    try {
      connection.send(this.#text(options.idempotencyKey ?? this.key));
      const reply = await connection.reply();
      if (reply.status < 300) this.acknowledgements.push(reply);
      else if (!RETRIED.includes(reply.status)) this.refusals.push(reply);
      return reply;
    } catch {
      return undefined;
    } finally {
      connection.destroy();
    }
  }

  /** Sends it and takes only its reply's first bytes: `onFirstByte` is called, the rest is lost. */
  async sendAndHearHalf(url: string, onFirstByte: () => Promise<void>): Promise<void> {
    const connection = await connectTo(url);
    const heard = new Promise((resolve) => connection.socket.once("readable", resolve));
    connection.socket.pause();
    connection.send(this.#text(this.key));
    await heard;
    await onFirstByte();
    connection.destroy();
  }

  /** Repeats it until it is acknowledged. Throws when that takes longer than PATIENCE_MS. */
  async insist(url: () => string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.isAcknowledged) {
      const reply = await this.send(url());
      if (reply !== undefined && !RETRIED.includes(reply.status)) return;
      if (performance.now() > deadline) {
        const last = reply === undefined ? "nothing" : `${reply.status} ${reply.body}`;
        throw new Error(
          `${this.key} (${this.#apiKey.slice(0, 6)}…) was never answered for good; last: ${last}`,
        );
      }
      await sleep(RETRY_MS);
    }
  }
}
