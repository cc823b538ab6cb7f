// The door to PostgreSQL for requests: short reads share a few pipelined connections, writes have
// a connection to themselves for as long as they run.
import { setTimeout as sleep } from "node:timers/promises";
import { REPLY_BYTES_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { bind, type Statement, type Value } from "../sql/statement.ts";
import { DatabaseFailure } from "./failures.ts";
import { Lane } from "./lane.ts";
import type { Caller, Executor, Row, RowBounds, RowOf, Transaction } from "./transaction.ts";
import { Turns } from "./turns.ts";

export type { Caller, Row };

export interface DatabaseOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly readConnections: number;
  readonly writeConnections: number;
  readonly statementTimeoutMs: number;
  readonly log: Log;
}

// LIMIT: what waits longer than a client would is refused, so that overload answers 503 at once.
const READS_IN_FLIGHT_MAX = 256;
const WRITES_WAITING_MAX = 512;
const WAIT_MS_MAX = 3_000;
const WATCH_MS = 1_000;
const TRANSACTION_RETRIES_MAX = 3;
const RETRY_MS = 20; // With jitter: those who locked each other out do not meet again in step.

interface Waiting {
  readonly start: (lane: Lane) => void;
  readonly refuse: (failure: DatabaseFailure) => void;
  readonly giveUp: NodeJS.Timeout;
}

export class Database implements Executor {
  readonly #reads: readonly Lane[];
  readonly #writes: readonly Lane[];
  readonly #waiting: Waiting[] = [];
  readonly #watch: NodeJS.Timeout;
  readonly #longReads: Turns;

  private constructor(options: DatabaseOptions) {
    const onLost = (): void => this.#refuseWaiting();
    const lane = (pipeline: boolean, onFree: () => void): Lane =>
      new Lane({ ...options, pipeline, onFree, onLost });
    this.#reads = Array.from({ length: options.readConnections }, () => lane(true, () => {}));
    this.#writes = Array.from({ length: options.writeConnections }, () =>
      lane(false, () => this.#startWaiting()),
    );
    this.#longReads = new Turns(Math.floor(options.writeConnections / 2), WAIT_MS_MAX);
    this.#watch = setInterval(() => {
      for (const one of [...this.#reads, ...this.#writes]) one.closeIfSilent();
    }, WATCH_MS).unref();
  }

  /** Connects every lane. Throws the driver's error when the server does not let us in. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const database = new Database(options);
    const lanes = [...database.#reads, ...database.#writes];
    const opened = await Promise.allSettled(lanes.map((lane) => lane.open()));
    const failed = opened.find((result) => result.status === "rejected");
    if (failed === undefined) return database;
    await database.close();
    throw failed.reason;
  }

  /**
   * Runs a short read behind the wall of the caller's tenant. Rejects with DatabaseFailure; "too
   * large", as readAlone, for more than a reply may hold.
   * A statement that may wait for a lock does not belong here: its neighbours would wait too.
   */
  async read<S extends Statement>(
    statement: S,
    caller: Caller,
    inputs: readonly Value[],
    bounds?: RowBounds,
  ): Promise<readonly RowOf<S>[]> {
    const values = bind(statement, caller.claims, inputs);
    const tenant = caller.claims.tenantId ?? undefined;
    const most = { bytesMost: REPLY_BYTES_MAX, ...bounds };
    return orPreparedAgain(() => this.#quietest().run(statement, values, tenant, most));
  }

  /**
   * Runs a read that may take as long as statements may, on one of the connections for writes, so
   * that no short read waits behind it. Half of them are for writes alone; the reads take turns.
   */
  readAlone<S extends Statement>(
    statement: S,
    caller: Caller,
    inputs: readonly Value[],
    bounds?: RowBounds,
  ): Promise<readonly RowOf<S>[]> {
    const tenant = caller.claims.tenantId ?? "";
    const most = { bytesMost: REPLY_BYTES_MAX, ...bounds };
    return this.#longReads.take(tenant, () => this.write(statement, caller, inputs, most));
  }

  /**
   * Runs a statement that writes, on a connection of its own. Rejects with DatabaseFailure. What is
   * written has been written, so its rows are answered whatever their size.
   */
  async write<S extends Statement>(
    statement: S,
    caller: Caller,
    inputs: readonly Value[],
    bounds?: RowBounds,
  ): Promise<readonly RowOf<S>[]> {
    const values = bind(statement, caller.claims, inputs);
    const tenant = caller.claims.tenantId ?? undefined;
    return orPreparedAgain(() =>
      this.#onFreeLane((lane) => lane.run(statement, values, tenant, bounds)),
    );
  }

  /**
   * Runs `work` in one transaction on a connection of its own, behind the wall of the caller's
   * tenant: commits what it did, or nothing when it throws. After a deadlock or serialization
   * failure the whole of it runs again, up to three times. Rejects with what `work` threw or a
   * DatabaseFailure; `unavailable` may mean that the commit's answer was lost.
   */
  async transaction<T>(caller: Caller, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const tenant = caller.claims.tenantId ?? undefined;
    const bound = (transaction: Transaction): Promise<T> => {
      transaction.bindTo(caller.claims);
      return work(transaction);
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#onFreeLane((lane) => lane.transaction(tenant, bound));
      } catch (error) {
        if (attempt > TRANSACTION_RETRIES_MAX || !mayEndDifferently(error)) throw error;
        await sleep(attempt * RETRY_MS * (0.5 + Math.random()));
      }
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await Promise.all([...this.#reads, ...this.#writes].map((lane) => lane.close()));
  }

  #quietest(): Lane {
    let best: Lane | undefined;
    for (const lane of this.#reads) {
      if (lane.isReady && (best === undefined || lane.load < best.load)) best = lane;
    }
    if (best === undefined) throw new DatabaseFailure("unavailable", "no connection to PostgreSQL");
    if (best.load >= READS_IN_FLIGHT_MAX) {
      throw new DatabaseFailure("unavailable", "too many reads are waiting");
    }
    return best;
  }

  #freeWrite(): Lane | undefined {
    return this.#writes.find((lane) => lane.isReady && lane.load === 0);
  }

  #onFreeLane<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
    const free = this.#waiting.length === 0 ? this.#freeWrite() : undefined;
    if (free !== undefined) return work(free);
    if (!this.#writes.some((lane) => lane.isReady)) {
      return Promise.reject(new DatabaseFailure("unavailable", "no connection to PostgreSQL"));
    }
    if (this.#waiting.length >= WRITES_WAITING_MAX) {
      return Promise.reject(new DatabaseFailure("unavailable", "too many writes are waiting"));
    }
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = {
        start: (lane) => work(lane).then(resolve, reject),
        refuse: reject,
        giveUp: setTimeout(() => {
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          reject(new DatabaseFailure("unavailable", "no connection became free in time"));
        }, WAIT_MS_MAX),
      };
      this.#waiting.push(waiting);
    });
  }

  /** With no connection left, nobody is kept waiting for one. */
  #refuseWaiting(): void {
    if (this.#writes.some((lane) => lane.isReady)) return;
    for (const { refuse, giveUp } of this.#waiting.splice(0)) {
      clearTimeout(giveUp);
      refuse(new DatabaseFailure("unavailable", "no connection to PostgreSQL"));
    }
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0) {
      const lane = this.#freeWrite();
      if (lane === undefined) return;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      clearTimeout(next.giveUp);
      next.start(lane);
    }
  }
}

function mayEndDifferently(error: unknown): boolean {
  if (!(error instanceof DatabaseFailure)) return false;
  return error.kind === "serialization" || error.kind === "stale";
}

// Nothing of a stale statement has run. Once only: while a migration holds its lock, each attempt
// waits for the lock again.
async function orPreparedAgain<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (failure) {
    if (!(failure instanceof DatabaseFailure) || failure.kind !== "stale") throw failure;
    return await run();
  }
}
