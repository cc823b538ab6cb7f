// kill -9 of the process at each named step of a write, with a client that repeats it at the next
// process until it is acknowledged. Steps are made from outside: at the door to PostgreSQL, by a
// row lock, and at the client's socket.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { TestBackend } from "../support/backend.ts";
import { type ApiPool, type ApiProcess, type Environment, startPool } from "./api-process.ts";
import { KeyedWrite, type Order } from "./keyed-client.ts";
import { POINTS, type Point, type PostgresProxy, startProxy } from "./postgres-proxy.ts";
import { seededRandom, shuffled } from "./seeded-random.ts";
import type { SentWrite } from "./write-judge.ts";

export type Step = Point | "waiting for a lock" | "mid-reply" | "acknowledged";
export const STEPS: readonly Step[] = [
  ...POINTS,
  "waiting for a lock",
  "mid-reply",
  "acknowledged",
];

/** What must be in the database right after a kill at this step; undefined where it is a race. */
export const COMMITTED_AT: Readonly<Record<Step, boolean | undefined>> = {
  "nothing sent": false,
  "half sent": false,
  "before Sync": false,
  sent: undefined,
  "committed, nothing answered": true,
  "committed, no ReadyForQuery": true,
  answered: true,
  "waiting for a lock": undefined, // Its server process goes on when the lock is free.
  "mid-reply": true,
  acknowledged: true,
};

export interface KillRun {
  readonly writes: readonly SentWrite[];
  /** For each step: how many kills, and after how many of them the write was committed. */
  readonly outcomes: ReadonlyMap<Step, { kills: number; committed: number }>;
}

export interface KillPlan {
  readonly backend: TestBackend;
  readonly steps: readonly Step[];
  readonly seed: number;
  readonly environment?: Environment;
}

/** Runs the steps one after the other, with a tenant, a door and processes of its own. */
export async function killAtSteps(plan: KillPlan): Promise<KillRun> {
  const run = await Run.start(plan);
  try {
    for (const step of plan.steps) await run.killAt(step);
    return { writes: run.writes, outcomes: run.outcomes };
  } finally {
    await run.close();
  }
}

export interface KillCampaign {
  readonly backend: TestBackend;
  readonly seed: number;
  /** Runs side by side, each with its own processes. */
  readonly lanes: number;
  /** In each lane. */
  readonly killsAStep: number;
}

/** Every step equally often, in an order that the seed decides. */
export async function killInLanes(campaign: KillCampaign): Promise<KillRun> {
  const { backend, lanes, killsAStep } = campaign;
  const runs = await Promise.all(
    Array.from({ length: lanes }, (_, lane) => {
      const seed = campaign.seed + lane;
      const steps = shuffled(Array(killsAStep).fill(STEPS).flat(), seededRandom(seed));
      return killAtSteps({ backend, steps, seed });
    }),
  );
  const outcomes = new Map(
    STEPS.map((step) => {
      const own = runs.map((run) => run.outcomes.get(step) ?? { kills: 0, committed: 0 });
      const kills = own.reduce((sum, one) => sum + one.kills, 0);
      const committed = own.reduce((sum, one) => sum + one.committed, 0);
      return [step, { kills, committed }];
    }),
  );
  return { writes: runs.flatMap((run) => run.writes), outcomes };
}

class Run {
  readonly writes: KeyedWrite[] = [];
  readonly outcomes = new Map<Step, { kills: number; committed: number }>();
  readonly #proxy: PostgresProxy;
  readonly #pool: ApiPool;
  readonly #admin: pg.Client;
  readonly #random: () => number;
  readonly #apiKey: string;
  readonly #order: Order;
  readonly #name: string;
  #api: ApiProcess;
  #updated: KeyedWrite | undefined;

  private constructor(parts: {
    proxy: PostgresProxy;
    pool: ApiPool;
    admin: pg.Client;
    seed: number;
    apiKey: string;
    order: Order;
    api: ApiProcess;
  }) {
    this.#proxy = parts.proxy;
    this.#pool = parts.pool;
    this.#admin = parts.admin;
    this.#random = seededRandom(parts.seed);
    this.#name = `${parts.seed}`;
    this.#apiKey = parts.apiKey;
    this.#order = parts.order;
    this.#api = parts.api;
  }

  static async start({ backend, seed, environment }: KillPlan): Promise<Run> {
    const proxy = await startProxy(backend.database.appUrl);
    const tenantId = await backend.tenant(`Killed ${seed}`);
    const person = await backend.person(tenantId, "manager");
    const site = await backend.request("/v1/sites", { key: person.key, body: { name: "Yard" } });
    const pool = startPool(
      {
        DATABASE_URL: proxy.url(backend.database.appUrl),
        DATABASE_READ_CONNECTIONS: "1",
        DATABASE_WRITE_CONNECTIONS: "3",
        ...environment,
      },
      2,
    );
    const admin = new pg.Client({ connectionString: backend.database.adminUrl });
    admin.on("error", () => undefined); // Its next query says so.
    await admin.connect();
    const order = { siteId: String(site.json.data.id), requesterId: person.id };
    const api = await pool.take();
    return new Run({ proxy, pool, admin, seed, apiKey: person.key, order, api });
  }

  async close(): Promise<void> {
    await this.#admin.end();
    await this.#pool.close();
    await this.#proxy.close();
  }

  async killAt(step: Step): Promise<void> {
    const write = this.#nextWrite();
    const companions = [this.#create("companion"), this.#create("companion")];
    const sent = companions.map(async (companion) => {
      await sleep(this.#random() * 8);
      await companion.send(this.#api.url);
    });
    await sleep(this.#random() * 5);
    await this.#killDuring(step, write);
    await Promise.all(sent);
    await this.#note(step, write);
    this.#api = await this.#pool.take();
    const url = (): string => this.#api.url;
    await Promise.all([write, ...companions].map((one) => one.insist(url)));
    await write.send(this.#api.url); // Once more, acknowledged or not: the same bytes.
    if (write.recordId !== undefined) this.#updated = write;
  }

  async #killDuring(step: Step, write: KeyedWrite): Promise<void> {
    if (step === "mid-reply") {
      await write.sendAndHearHalf(this.#api.url, () => this.#api.kill());
    } else if (step === "acknowledged") {
      await write.insist(() => this.#api.url);
      await this.#api.kill();
    } else if (step === "waiting for a lock") {
      await this.#killWhileLocked(write);
    } else {
      const reached = this.#proxy.stopAt(write.key, step);
      const sending = write.send(this.#api.url);
      await inTime(reached, step);
      if (step === "before Sync") {
        await this.#until("backend_xid is not null and state = 'active'");
      }
      await this.#api.kill();
      await sending;
    }
  }

  async #killWhileLocked(write: KeyedWrite): Promise<void> {
    const table = write.recordId === undefined ? "sites" : "work_orders";
    await this.#admin.query("begin");
    await this.#admin.query(`select from ${table} where id = $1 for update`, [
      write.recordId ?? this.#order.siteId,
    ]);
    const reached = this.#proxy.stopAt(write.key, "sent");
    const sending = write.send(this.#api.url);
    await inTime(reached, "waiting for a lock");
    await this.#until("wait_event_type = 'Lock'");
    await this.#api.kill();
    await this.#admin.query("commit");
    await sending;
  }

  /** Waits until a session of this database is in the given state. */
  async #until(condition: string): Promise<void> {
    for (let turn = 0; turn < 500; turn += 1) {
      const { rows } = await this.#admin.query(
        `select 1 from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and ${condition}`,
      );
      if (rows.length > 0) return;
      await sleep(2);
    }
    throw new Error(`no session came to: ${condition}`);
  }

  async #note(step: Step, write: KeyedWrite): Promise<void> {
    // A server process that was sent the whole statement may still be at it.
    if (COMMITTED_AT[step] === undefined) await sleep(30);
    const { rows } = await this.#admin.query("select from work_orders where title = $1", [
      write.key,
    ]);
    const outcome = this.outcomes.get(step) ?? { kills: 0, committed: 0 };
    const { kills, committed } = outcome;
    this.outcomes.set(step, { kills: kills + 1, committed: committed + rows.length });
  }

  /** Creates and updates in turn; updates follow each other on one record. */
  #nextWrite(): KeyedWrite {
    const created = this.writes.find((write) => write.recordId === undefined);
    const reply = (this.#updated ?? created)?.acknowledgements[0];
    if (reply === undefined || this.#random() < 0.5) return this.#create("create");
    const { data } = JSON.parse(reply.body) as { data: { id: string } };
    const key = `${this.#name}-update-${this.writes.length}`;
    const etag = reply.headers.get("etag") ?? "";
    const write = KeyedWrite.update(key, this.#apiKey, data.id, etag);
    this.writes.push(write);
    return write;
  }

  #create(name: string): KeyedWrite {
    const key = `${this.#name}-${name}-${this.writes.length}`;
    const filling = "x".repeat(Math.floor(this.#random() * 20_000));
    const write = KeyedWrite.create(key, this.#apiKey, this.#order, filling);
    this.writes.push(write);
    return write;
  }
}

async function inTime(reached: Promise<void>, step: Step): Promise<void> {
  const late = sleep(10_000).then(() => {
    throw new Error(`the write never came to the step "${step}"`);
  });
  late.catch(() => undefined);
  await Promise.race([reached, late]);
}
