// A lane: one connection that comes back by itself. What was in flight when it broke is rejected as
// unavailable; a lane without a connection takes no work.
import type { EventEmitter } from "node:events";
import pg from "pg";
import { monotonicMs } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Statement, Value } from "../sql/statement.ts";
import { DatabaseFailure, failureOf } from "./failures.ts";
import { takeRows } from "./row-stream.ts";
import { beginText, type RowBounds, type RowOf, Transaction } from "./transaction.ts";
import { PreparedStatements, WALL_NAME, WALL_TEXT, WalledQuery } from "./walled-query.ts";

export interface LaneOptions {
  readonly url: string;
  readonly applicationName: string;
  /** Several statements may be in flight at once: for short reads only. */
  readonly pipeline: boolean;
  readonly statementTimeoutMs: number;
  readonly log: Log;
  /** Called when the lane can take work, again after each reconnection and completed statement. */
  readonly onFree: () => void;
  /** Called when the lane has lost its connection. */
  readonly onLost: () => void;
}

/** What waits for an answer of the connection, and hears of it when the connection is lost. */
interface InFlight {
  handleError(failure: DatabaseFailure): void;
}

/** The transaction that has the connection to itself. */
interface Reservation {
  readonly lose: (failure: DatabaseFailure) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const GOODBYE_MS = 500;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 1_000;
// LIMIT: PostgreSQL gives a statement up by itself after statement_timeout. A connection that is
// silent this much longer has lost its server, and only closing it frees what waits on it.
const SILENCE_MS = 2_000;

export class Lane {
  readonly #options: LaneOptions;
  #client: pg.Client | undefined;
  #prepared = new PreparedStatements();
  readonly #inFlight = new Map<InFlight, number>();
  #reservation: Reservation | undefined;
  #answeredMs = 0;
  #isReady = false;
  #isClosed = false;
  #failures = 0;
  #reconnecting: NodeJS.Timeout | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Statements that have been sent and not yet answered; a transaction counts as one more. */
  get load(): number {
    return this.#inFlight.size + (this.#reservation === undefined ? 0 : 1);
  }

  /** Connects once. Throws the driver's error; later reconnections happen by themselves. */
  async open(): Promise<void> {
    const { url, applicationName, pipeline } = this.#options;
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      pipeline,
    });
    client.on("error", () => this.#lose(client));
    client.on("end", () => this.#lose(client));
    // The driver's own limit ends with the login; a server may fall silent right after it.
    const giveUp = setTimeout(() => destroy(client), CONNECT_TIMEOUT_MS);
    try {
      await client.connect();
      await client.query(sessionSettings(this.#options));
      await client.query({ name: WALL_NAME, text: WALL_TEXT, values: [""] });
      takeRows(connectionOf(client));
    } catch (error) {
      destroy(client);
      throw error;
    } finally {
      clearTimeout(giveUp);
    }
    if (this.#isClosed) {
      await client.end();
      return;
    }
    this.#client = client;
    this.#prepared = new PreparedStatements();
    this.#isReady = true;
    this.#failures = 0;
    this.#options.onFree();
  }

  /** Sends one statement. Rejects with DatabaseFailure. */
  run<S extends Statement>(
    statement: S,
    values: readonly Value[],
    tenant: string | undefined,
    bounds: RowBounds = {},
  ): Promise<readonly RowOf<S>[]> {
    const client = this.#client;
    if (client === undefined || !this.#isReady) {
      return Promise.reject(new DatabaseFailure("unavailable", "no connection to PostgreSQL"));
    }
    return new Promise((resolve, reject) => {
      const query = new WalledQuery({
        statement,
        values,
        tenant,
        prepared: this.#prepared,
        bounds,
        done: (failure, rows) => {
          this.#inFlight.delete(query);
          this.#answeredMs = monotonicMs();
          // The query chose by the same property of the statement.
          if (failure === undefined) resolve(rows as readonly RowOf<S>[]);
          else reject(failure);
          this.#options.onFree();
        },
      });
      this.#inFlight.set(query, monotonicMs());
      client.query(query);
    });
  }

  /**
   * Runs `work` in one transaction behind the wall of a tenant, with nobody else on the connection,
   * and commits; undone when `work` throws. Rejects with what `work` threw or a DatabaseFailure:
   * with the transaction's serialization failure rather than what `work` made of it. The lane is
   * free again whatever happens.
   */
  async transaction<T>(
    tenant: string | undefined,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const client = this.#client;
    if (client === undefined || !this.#isReady) {
      throw new DatabaseFailure("unavailable", "no connection to PostgreSQL");
    }
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined); // Heard below, if the work is still running then.
    const reservation: Reservation = { lose: lost.reject };
    this.#reservation = reservation;
    const transaction = new Transaction({
      run: (statement, values) => this.run(statement, values, tenant),
      query: (config) => this.#query(client, config),
      tenant,
    });
    try {
      await this.#query(client, { text: beginText(tenant, this.#options.statementTimeoutMs) });
      const result = await Promise.race([work(transaction), lost.promise]);
      await transaction.end();
      const { command } = await this.#query(client, { text: "commit" });
      // PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and no error.
      if (command !== "COMMIT") {
        const message = "a statement of the transaction failed, and its failure was ignored";
        throw new Error(message, { cause: transaction.failure });
      }
      return result;
    } catch (error) {
      await transaction.cut();
      await this.#undo(client);
      throw transaction.retryable ?? error;
    } finally {
      if (this.#reservation === reservation) this.#reservation = undefined;
      this.#options.onFree();
    }
  }

  /** A connection whose transaction cannot be ended is not used again. */
  async #undo(client: pg.Client): Promise<void> {
    if (this.#client !== client) return;
    try {
      await this.#query(client, { text: "rollback" });
    } catch {
      this.#lose(client);
      destroy(client);
    }
  }

  #query(client: pg.Client, config: pg.QueryConfig): Promise<pg.QueryResult> {
    if (this.#client !== client) {
      return Promise.reject(new DatabaseFailure("unavailable", "the connection was lost"));
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#inFlight.delete(entry);
        this.#answeredMs = monotonicMs();
      };
      const entry: InFlight = {
        handleError(failure) {
          settle();
          reject(failure);
        },
      };
      this.#inFlight.set(entry, monotonicMs());
      client.query(config).then(
        (result) => {
          settle();
          resolve(result);
        },
        (error: unknown) => entry.handleError(failureOf(error)),
      );
    });
  }

  /** Gives a silent connection up. Called regularly by the owner of the lanes. */
  closeIfSilent(): void {
    const [oldest] = this.#inFlight.values();
    if (oldest === undefined || this.#client === undefined) return;
    // Statements wait for each other on a pipelined connection: each answer is a sign of life.
    const silence = monotonicMs() - Math.max(oldest, this.#answeredMs);
    if (silence <= this.#options.statementTimeoutMs + SILENCE_MS) return;
    this.#options.log.warn(
      { silenceMs: Math.round(silence) },
      "PostgreSQL is silent; reconnecting",
    );
    const client = this.#client;
    this.#lose(client);
    destroy(client);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isReady = false;
    clearTimeout(this.#reconnecting);
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    const giveUp = setTimeout(() => destroy(client), GOODBYE_MS);
    await client.end().catch(() => undefined);
    clearTimeout(giveUp);
  }

  #lose(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#isReady = false;
    for (const query of [...this.#inFlight.keys()]) {
      query.handleError(new DatabaseFailure("unavailable", "the connection was lost"));
    }
    this.#reservation?.lose(new DatabaseFailure("unavailable", "the connection was lost"));
    this.#options.onLost();
    if (!this.#isClosed) this.#reconnect();
  }

  #reconnect(): void {
    const ceiling = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** this.#failures);
    const delayMs = ceiling * (0.5 + Math.random() / 2); // Jitter: lanes do not knock in step.
    this.#failures += 1;
    this.#reconnecting = setTimeout(() => {
      this.open().catch((error: unknown) => {
        if (this.#failures === 1) {
          const failure = failureOf(error);
          this.#options.log.warn({ err: failure }, "PostgreSQL cannot be reached; trying again");
        }
        if (!this.#isClosed) this.#reconnect();
      });
    }, delayMs);
  }
}

// Generic plans: a plan made once per shape is what makes prepared statements fast, and every
// shape is served by an index, so no parameter value would deserve another plan.
function sessionSettings({ statementTimeoutMs, pipeline }: LaneOptions): string {
  // A read that waits for a lock (of a migration) holds up all that is queued behind it.
  const lockMs = Math.floor(statementTimeoutMs * (pipeline ? 0.1 : 0.6));
  return (
    `set timezone = 'UTC'; set statement_timeout = ${statementTimeoutMs}; ` +
    `set lock_timeout = ${Math.max(1, lockMs)}; ` +
    "set plan_cache_mode = force_generic_plan; set datestyle = 'ISO'; " +
    "set intervalstyle = 'iso_8601'; set bytea_output = 'hex'; set extra_float_digits = 1; " +
    "set idle_in_transaction_session_timeout = 60000"
  );
}

/** Cuts the socket: a server that does not answer would not answer a polite end either. */
function destroy(client: pg.Client): void {
  connectionOf(client).stream.destroy();
}

interface Connection extends EventEmitter {
  readonly stream: EventEmitter & { destroy(): void };
}

/** pg's typings leave it out. */
function connectionOf(client: pg.Client): Connection {
  return (client as unknown as { connection: Connection }).connection;
}
