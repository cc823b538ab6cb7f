// Somebody who calls the API in a test: a key of a tenant and a role, over real HTTP.
import { type Client, createClient } from "../client/index.ts";
import type { Caller } from "../operations/caller.ts";

export interface ActorOptions {
  readonly tenantId: string;
  readonly role: string;
  /** `me.id`; a new one unless given. */
  readonly id?: string;
}

export interface RequestOptions {
  /** GET, or POST where there is a body. */
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Throws where the reply is not JSON. */
  json<T = { readonly data: unknown }>(): T;
}

export interface TestActor extends Required<ActorOptions> {
  readonly key: string;
  /** Operations as this actor, without HTTP. */
  readonly operations: Caller;
  /** One request over HTTP; any status resolves. */
  request(path: string, options?: RequestOptions): Promise<TestReply>;
  /** The typed client with this actor's key; it does not retry. */
  client<Api>(): Client<Api>;
}

/** One request to a running backend, without a credential unless a key is given. */
export async function sendRequest(
  url: string,
  path: string,
  options: RequestOptions & { readonly key?: string | undefined } = {},
): Promise<TestReply> {
  const { body, key } = options;
  const reply = await fetch(`${url}${path}`, {
    method: options.method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  const { status, headers } = reply;
  return { status, headers, text, json: <T>() => JSON.parse(text) as T };
}

/** Puts an actor together from what is known about it. */
export function actorOf(
  url: string,
  who: Required<ActorOptions> & { readonly key: string; readonly operations: Caller },
): TestActor {
  const { key } = who;
  return {
    ...who,
    request: (path, options) => sendRequest(url, path, { ...options, key }),
    client: <Api>() => createClient<Api>({ url, key, retries: 0 }),
  };
}
