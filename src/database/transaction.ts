// One open transaction, as those who work in it see it: statements behind the tenant's wall,
// Drizzle on the same connection, savepoints. The lane alone begins and ends it.
import type { AnyRelations } from "drizzle-orm";
import { getTableName, type Table } from "drizzle-orm";
import { nodePgCodecs } from "drizzle-orm/node-postgres/codecs";
import { NodePgSession, NodePgTransaction } from "drizzle-orm/node-postgres/session";
import { PgDialect } from "drizzle-orm/pg-core";
import type pg from "pg";
import { quoteLiteral } from "../sql/quote.ts";
import type { RowBytes } from "../sql/row-bytes.ts";
import { TENANT_SETTING } from "../sql/row-security.ts";
import { bind, type RecordStatement, type Statement, type Value } from "../sql/statement.ts";
import { DatabaseFailure } from "./failures.ts";

export type Row = readonly Value[];

/** Texts, or bytes for a statement that asks for them. */
export type RowOf<S extends Statement> = S extends RecordStatement ? RowBytes : Row;

/** What is known about a caller, as PostgreSQL text. `tenantId` sets the wall. */
export interface Caller {
  readonly claims: Readonly<Record<string, Value>>;
}

/** What of a statement's rows is kept. A transaction, whose caller sees to it, keeps all. */
export interface RowBounds {
  /** Rows beyond it are dropped. */
  readonly rowsMost?: number;
  /** With more bytes in the kept rows the statement fails as "too large". */
  readonly bytesMost?: number;
}

type Run = <S extends Statement>(
  statement: S,
  caller: Caller,
  inputs: readonly Value[],
  bounds?: RowBounds,
) => Promise<readonly RowOf<S>[]>;

/**
 * Where operations run: on the database, each statement a transaction of its own, or in one open
 * transaction. All reject with DatabaseFailure.
 */
export interface Executor {
  /** A short read, which waits for no lock. */
  readonly read: Run;
  /** A read that may take as long as statements may. */
  readonly readAlone: Run;
  readonly write: Run;
  /** All that `work` does, or nothing when it throws; within a transaction a savepoint. */
  transaction<T>(caller: Caller, work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** How a transaction reaches its connection. */
export interface TransactionChannel {
  readonly run: <S extends Statement>(
    statement: S,
    values: readonly Value[],
  ) => Promise<readonly RowOf<S>[]>;
  readonly query: (config: pg.QueryConfig) => Promise<pg.QueryResult>;
  readonly tenant: string | undefined;
}

/** What Drizzle is told: the relations, and the tables that it may read but not write. */
export interface DrizzleOptions<R extends AnyRelations> {
  readonly relations: R;
  readonly readOnly: ReadonlySet<Table>;
}

// LIMIT: a transaction holds locks and a connection for as long as its code runs, so its time is
// bounded as a whole; PostgreSQL ends the connection then.
const STATEMENT_TIMEOUTS_MAX = 3;

/** Sent as one message: the transaction, its time and its tenant. */
export function beginText(tenant: string | undefined, statementTimeoutMs: number): string {
  const limit = `set local transaction_timeout = ${statementTimeoutMs * STATEMENT_TIMEOUTS_MAX}`;
  if (tenant === undefined) return `begin; ${limit}`;
  return `begin; ${limit}; set local ${TENANT_SETTING} = ${quoteLiteral(tenant)}`;
}

// Against forgetting: the lane alone begins and ends the transaction.
const TRANSACTION_COMMAND =
  /^\s*(?:begin|start|commit|end|abort|prepare\s+transaction|rollback(?!\s+to))\b/i;

export class Transaction {
  readonly #channel: TransactionChannel;
  #claims: Readonly<Record<string, Value>> = {};
  #isOver = false;
  #isCut = false;
  /** The part that is at work now. */
  #inner: Transaction | undefined;
  /** Settles when the statement that was asked for last has been answered. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Settles when the one that was sent last has been. */
  #sent: Promise<unknown> = Promise.resolve();
  #failure: DatabaseFailure | undefined;
  #retryable: DatabaseFailure | undefined;

  constructor(channel: TransactionChannel) {
    this.#channel = channel;
  }

  /** The first statement that failed, whatever was made of it since. */
  get failure(): DatabaseFailure | undefined {
    return this.#failure;
  }

  /** A failure after which the whole transaction may succeed. */
  get retryable(): DatabaseFailure | undefined {
    return this.#retryable;
  }

  /** The claims that statements of `run` are bound to. */
  bindTo(claims: Readonly<Record<string, Value>>): void {
    this.#claims = claims;
  }

  /** Refuses further statements; resolves when those before have been answered. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#tail;
  }

  /**
   * As above, for one that is to be undone: what waits for its turn is never sent, and code of a
   * part that does not come back holds nothing up.
   */
  async cut(): Promise<void> {
    this.#isOver = true;
    this.#isCut = true;
    await (this.#inner?.cut() ?? this.#sent);
  }

  /** Runs one of our statements behind the wall. Rejects with DatabaseFailure. */
  run<S extends Statement>(statement: S, inputs: readonly Value[]): Promise<readonly RowOf<S>[]> {
    const values = bind(statement, this.#claims, inputs);
    return this.#watched(() => this.#noted(this.#channel.run(statement, values)));
  }

  /**
   * Operations in this transaction, as the caller that it is bound to. Rejects with TypeError where
   * one passes another: the wall stands for the tenant that the transaction began with.
   */
  get executor(): Executor {
    const asBound = <T>(caller: Caller, work: () => Promise<T>): Promise<T> =>
      this.#isBoundTo(caller)
        ? work()
        : Promise.reject(new TypeError("The transaction was begun by another caller."));
    const run: Run = (statement, caller, inputs) =>
      asBound(caller, () => this.run(statement, inputs));
    return {
      read: run,
      readAlone: run,
      write: run,
      transaction: (caller, work) => asBound(caller, () => this.nested(work)),
    };
  }

  #isBoundTo({ claims }: Caller): boolean {
    if (claims === this.#claims) return true;
    const names = Object.keys({ ...claims, ...this.#claims });
    return names.every((name) => (claims[name] ?? null) === (this.#claims[name] ?? null));
  }

  /**
   * A part of the transaction that is undone by itself when `work` throws. Nobody else's statement
   * comes in between, so none is undone with it: `work` must wait for none of the outer ones.
   */
  nested<T>(work: (inner: Transaction) => Promise<T>): Promise<T> {
    return this.#watched(async () => {
      const inner = new Transaction(this.#channel);
      inner.bindTo(this.#claims);
      this.#inner = inner;
      try {
        await this.#command("savepoint backwright");
        const result = await work(inner);
        await inner.end();
        await this.#command("release savepoint backwright");
        return result;
      } catch (error) {
        await inner.cut();
        // Without the locks that a deadlock was about, only the whole may succeed.
        this.#retryable ??= inner.retryable;
        await this.#command("rollback to backwright; release backwright");
        throw error;
      } finally {
        this.#inner = undefined;
      }
    });
  }

  /** Drizzle in this transaction. Its own `transaction()` is a savepoint. */
  drizzle<R extends AnyRelations>(options: DrizzleOptions<R>): NodePgTransaction<R> {
    const dialect = new GuardedDialect(options.readOnly);
    const client = {
      query: (config: pg.QueryConfig, values: unknown[]) => this.#query({ ...config, values }),
    };
    // Drizzle asks of its client only that it can query.
    const session = new NodePgSession<R>(
      client as unknown as pg.Client,
      dialect,
      options.relations,
    );
    return new NodePgTransaction<R>(dialect, session, options.relations, undefined, false);
  }

  #query(config: pg.QueryConfig): Promise<pg.QueryResult> {
    if (TRANSACTION_COMMAND.test(config.text)) {
      return Promise.reject(
        new TypeError("A transaction is begun and ended by Backwright: return or throw instead."),
      );
    }
    return this.#watched(() => this.#noted(this.#channel.query(config)));
  }

  // A failure is kept by the transaction, so code that has not come to await it yet does not end
  // the process by an unhandled rejection.
  #watched<T>(send: () => Promise<T>): Promise<T> {
    const answer = this.#inOrder(send);
    answer.catch(() => undefined);
    return answer;
  }

  /** One after another, whatever the code that asks: a connection answers in order anyway. */
  async #inOrder<T>(send: () => Promise<T>): Promise<T> {
    if (this.#isOver) throw new TypeError("The transaction is over: await every statement in it.");
    const answer = this.#tail.then(() => {
      if (this.#isCut) throw new TypeError("The transaction is over, and undone.");
      const sent = send();
      this.#sent = sent.catch(() => undefined);
      return sent;
    });
    this.#tail = answer.catch(() => undefined);
    return await answer;
  }

  async #noted<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof DatabaseFailure) {
        this.#failure ??= error;
        const mayRetry = error.kind === "serialization" || error.kind === "stale";
        if (mayRetry) this.#retryable ??= error;
      }
      throw error;
    }
  }

  /** The connection may be another's by now, so nothing is sent once the transaction is over. */
  async #command(text: string): Promise<void> {
    if (this.#isOver) throw new TypeError("The transaction is over.");
    await this.#noted(this.#channel.query({ text }));
  }
}

/** Refuses to build statements that would write a table past policies, audit and events. */
class GuardedDialect extends PgDialect {
  readonly #readOnly: ReadonlySet<Table>;

  constructor(readOnly: ReadonlySet<Table>) {
    super({ codecs: nodePgCodecs });
    this.#readOnly = readOnly;
  }

  override buildInsertQuery(config: Parameters<PgDialect["buildInsertQuery"]>[0]) {
    this.#refuse(config.table);
    return super.buildInsertQuery(config);
  }

  override buildUpdateQuery(config: Parameters<PgDialect["buildUpdateQuery"]>[0]) {
    this.#refuse(config.table);
    return super.buildUpdateQuery(config);
  }

  override buildDeleteQuery(config: Parameters<PgDialect["buildDeleteQuery"]>[0]) {
    this.#refuse(config.table);
    return super.buildDeleteQuery(config);
  }

  #refuse(table: Table): void {
    if (!this.#readOnly.has(table)) return;
    const name = getTableName(table);
    throw new TypeError(
      `tx may not write ${name}, which the API serves: policies, states, audit and events would ` +
        "not see it. Use change() for the record of the action.",
    );
  }
}
