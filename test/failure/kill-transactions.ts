// kill -9 of the process at each step of a transaction: an action and a bulk request are held at
// the same step by the door to PostgreSQL, the process is killed, and a client repeats both at the
// next one until they are acknowledged.
import { setTimeout as sleep } from "node:timers/promises";
import type { TestBackend } from "../support/backend.ts";
import { type ApiProcess, type Environment, startPool } from "./api-process.ts";
import { KeyedWrite } from "./keyed-client.ts";
import { type Point, startProxy } from "./postgres-proxy.ts";

interface Step {
  /** The statement of the action, and of the bulk request, that is held. */
  readonly action: RegExp;
  readonly bulk: RegExp;
  readonly point: Point;
  readonly isCommitted: boolean;
}

const STORED = /^select request_hash/;
const STORE = /^insert into backwright\.idempotency/;
const COMMIT = /^commit$/;
const before = (action: RegExp, bulk: RegExp): Step => {
  return { action, bulk, point: "nothing sent", isCommitted: false };
};
const at = (statement: RegExp, point: Point, isCommitted: boolean): Step => {
  return { action: statement, bulk: statement, point, isCommitted };
};

/** What has been done when the process dies. */
export const TRANSACTION_STEPS = {
  "key claimed": before(STORED, STORED),
  "record locked": before(/^with written as \(update /, /^with written as \(insert /),
  "rows written": before(/^insert into backwright\.events/, /^release savepoint/),
  "event emitted": before(STORE, STORE),
  "reply half stored": at(STORE, "half sent", false),
  "reply stored": before(COMMIT, COMMIT),
  "committed, nothing answered": at(COMMIT, "committed, nothing answered", true),
  "commit answered": at(COMMIT, "answered", true),
} as const satisfies Record<string, Step>;
export type TransactionStep = keyof typeof TRANSACTION_STEPS;

export const BULK_RECORDS = 3;

/** One kill: what was sent, and what of it was in the database right after. */
export interface Killed {
  readonly step: TransactionStep;
  readonly action: KeyedWrite;
  readonly bulk: KeyedWrite;
  readonly isCommitted: { readonly action: boolean; readonly bulk: boolean };
}

export interface KillPlan {
  readonly backend: TestBackend;
  readonly steps: readonly TransactionStep[];
  readonly name: string;
  readonly environment?: Environment;
}

export async function killTransactions(plan: KillPlan): Promise<readonly Killed[]> {
  const { backend, steps, name, environment } = plan;
  const proxy = await startProxy(backend.database.appUrl);
  const url = proxy.url(backend.database.appUrl);
  const connections = { DATABASE_READ_CONNECTIONS: "1", DATABASE_WRITE_CONNECTIONS: "3" };
  const pool = startPool({ DATABASE_URL: url, ...connections, ...environment }, 2);
  const person = await backend.person(await backend.tenant(`Killed ${name}`), "manager");
  const { key: apiKey } = person;
  const site = await backend.request("/v1/sites", { key: apiKey, body: { name: "Yard" } });
  const order = { siteId: site.json.data.id as string, requesterId: person.id };
  const killed: Killed[] = [];
  try {
    let api: ApiProcess = await pool.take();
    for (const [turn, step] of steps.entries()) {
      const key = `${name}-${turn}`;
      const body = { ...order, title: `${key}-assign` };
      const made = await backend.request("/v1/work-orders", { key: apiKey, body });
      const id: string = made.json.data.id;
      const assigning = { technicianId: person.id };
      const path = `/v1/work-orders/${id}/assign`;
      const action = KeyedWrite.post(`${key}-assign`, apiKey, path, assigning, id);
      const records = Array.from({ length: BULK_RECORDS }, (_, place) => {
        return { ...order, title: `${key} ${place}`, description: `${key}-bulk` };
      });
      const bulkPath = "/v1/work-orders/bulk-create";
      const bulk = KeyedWrite.post(`${key}-bulk`, apiKey, bulkPath, { records });
      const { point, ...statements } = TRANSACTION_STEPS[step];
      const reached = [
        proxy.stopLater(action.key, statements.action, point),
        proxy.stopLater(bulk.key, statements.bulk, point),
      ];
      const sent = [action.send(api.url), bulk.send(api.url)];
      await inTime(Promise.all(reached), step);
      await api.kill();
      await Promise.all(sent);
      killed.push({ step, action, bulk, isCommitted: await committed(backend, id, bulk.key) });
      api = await pool.take();
      const next = api.url;
      await Promise.all([action.insist(() => next), bulk.insist(() => next)]);
      await action.send(next);
      await bulk.send(next);
    }
    return killed;
  } finally {
    await pool.close();
    await proxy.close();
  }
}

async function committed(
  { owner }: TestBackend,
  id: string,
  description: string,
): Promise<Killed["isCommitted"]> {
  const [row] = await owner.query<{ action: boolean; bulk: boolean }>(
    `select exists (select from work_orders where id = $1 and version > 1) as action,
            exists (select from work_orders where description = $2) as bulk`,
    [id, description],
  );
  return { action: row?.action === true, bulk: row?.bulk === true };
}

async function inTime(reached: Promise<unknown>, step: string): Promise<void> {
  const late = sleep(20_000).then(() => {
    throw new Error(`the writes never came to the step "${step}"`);
  });
  late.catch(() => undefined);
  await Promise.race([reached, late]);
}
