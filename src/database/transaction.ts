// One open transaction, as those who work in it see it: statements behind the tenant's wall, and
// Drizzle on the same connection. Begins and ends nothing: the lane does.
import type { AnyRelations } from "drizzle-orm";
import { getTableName, type Table } from "drizzle-orm";
import { nodePgCodecs } from "drizzle-orm/node-postgres/codecs";
import { NodePgSession, NodePgTransaction } from "drizzle-orm/node-postgres/session";
import { PgDialect } from "drizzle-orm/pg-core";
import type pg from "pg";
import { quoteLiteral } from "../sql/quote.ts";
import { TENANT_SETTING } from "../sql/row-security.ts";
import { bind, type Statement, type Value } from "../sql/statement.ts";
import { DatabaseFailure } from "./failures.ts";

/** How a transaction reaches its connection. */
export interface TransactionChannel {
  readonly run: (
    statement: Statement,
    values: readonly Value[],
  ) => Promise<readonly (readonly Value[])[]>;
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
  /** Settles when the statement that was asked for last has been answered. */
  #tail: Promise<unknown> = Promise.resolve();
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

  /** Runs one of our statements behind the wall. Rejects with DatabaseFailure. */
  run(statement: Statement, inputs: readonly Value[]): Promise<readonly (readonly Value[])[]> {
    const values = bind(statement, this.#claims, inputs);
    return this.#watched(() => this.#channel.run(statement, values));
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
    return this.#watched(() => this.#channel.query(config));
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
    const answer = this.#tail.then(send);
    this.#tail = answer.catch(() => undefined);
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
