// The example served in this process on any database, with one tenant and a manager's key. Its
// owner's sessions are opened when they are needed: here servers come and go.
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { loadProject } from "../../src/app/project.ts";
import { type RunningBackend, serve } from "../../src/app/serve.ts";
import { newId } from "../../src/base/ids.ts";
import type { LogFields } from "../../src/base/log.ts";
import { readSettings } from "../../src/base/settings.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import { createApiKey } from "../../src/identity/api-keys.ts";
import { EXAMPLE, type LogLine } from "../support/backend.ts";
import type { Environment } from "./api-process.ts";
import type { Order } from "./keyed-client.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a reply has the shape that the test expects.
  readonly json: any;
  readonly ms: number;
}

export interface ServedExample extends RunningBackend {
  readonly log: readonly LogLine[];
  readonly apiKey: string;
  /** What a work order needs. */
  readonly order: Order;
  request(path: string, options?: AskOptions): Promise<Answer>;
  /** Another key of the same person: nothing is known about it yet. */
  freshKey(): Promise<string>;
  asOwner<T>(work: (owner: Session) => Promise<T>): Promise<T>;
}

export interface AskOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly key?: string;
  readonly idempotencyKey?: string;
}

export interface Addresses {
  readonly ownerUrl: string;
  /** The app login, perhaps through a proxy. */
  readonly appUrl: string;
}

export async function serveExample(
  { ownerUrl, appUrl }: Addresses,
  environment: Environment = {},
): Promise<ServedExample> {
  const project = await loadProject(EXAMPLE);
  const settings = readSettings(
    { PORT: "0", DATABASE_URL: appUrl, DATABASE_OWNER_URL: ownerUrl, ...environment },
    "development",
  );
  const log: LogLine[] = [];
  const record =
    (level: LogLine["level"]) =>
    (fields: LogFields, message: string): void => {
      log.push({ ...fields, level, message });
    };
  const running = await serve({
    model: project.model,
    settings,
    databaseUrl: appUrl,
    log: { info: record("info"), warn: record("warn"), error: record("error") },
  });
  const asOwner = async <T>(work: (owner: Session) => Promise<T>): Promise<T> => {
    const owner = await openSession(ownerUrl);
    try {
      return await work(owner);
    } finally {
      await owner.close();
    }
  };
  const tenantId = newId();
  const requesterId = newId();
  const siteId = newId();
  const newKey = (owner: Session): Promise<string> =>
    createApiKey(owner, { tenantId, role: "manager", subject: requesterId, name: "test" });
  const apiKey = await asOwner(async (owner) => {
    await owner.query("insert into organizations (id, name) values ($1, 'Acme')", [tenantId]);
    await owner.query(
      "insert into users (organization_id, id, name, email) values ($1, $2, 'Ada', $3)",
      [tenantId, requesterId, `${requesterId}@example.org`],
    );
    await owner.query("insert into sites (organization_id, id, name) values ($1, $2, 'Yard')", [
      tenantId,
      siteId,
    ]);
    return newKey(owner);
  });
  const request = (path: string, options: AskOptions = {}): Promise<Answer> =>
    ask(`${running.url}${path}`, { key: apiKey, ...options });
  const order = { siteId, requesterId };
  return { ...running, log, apiKey, order, request, asOwner, freshKey: () => asOwner(newKey) };
}

async function ask(url: string, options: AskOptions): Promise<Answer> {
  const begin = performance.now();
  const headers: Record<string, string> = { authorization: `Bearer ${options.key ?? ""}` };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (options.idempotencyKey !== undefined) headers["idempotency-key"] = options.idempotencyKey;
  const reply = await fetch(url, {
    method: options.method ?? (options.body === undefined ? "GET" : "POST"),
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const json: unknown = await reply.json();
  return { status: reply.status, headers: reply.headers, json, ms: performance.now() - begin };
}

/** Connections that a backend holds, as PostgreSQL counts them. */
export function countConnections(example: ServedExample): Promise<number> {
  return example.asOwner(async (owner) => {
    const [row] = await owner.query<{ count: number }>(
      "select count(*)::int from pg_stat_activity where application_name = 'backwright' " +
        "and datname = current_database() and usename like '%_app'",
    );
    return row?.count ?? 0;
  });
}

/** The only way in which an outage may show. */
export function expectUnavailable(answer: Answer): void {
  expect([answer.status, answer.json.error?.code]).toEqual([503, "UNAVAILABLE"]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
}

/** Asks until it is true. Throws after 20 seconds. */
export async function secondsUntil(isTrue: () => Promise<boolean>): Promise<number> {
  const begin = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - begin > 20_000) throw new Error("not within 20 s");
    await sleep(10);
  }
  return (performance.now() - begin) / 1_000;
}
