// One statement behind the tenant wall: the messages that set the tenant and those that run the
// statement are sent together and end in a single Sync, so PostgreSQL runs both in one implicit
// transaction. The setting is gone when it ends; no session ever holds a tenant.
// (PostgreSQL manual, "Pipelining": statements up to a Sync share one transaction.)
import pg from "pg";
import { PREPARED_STATEMENTS_MAX } from "../base/limits.ts";
import type { RowBytes } from "../sql/row-bytes.ts";
import type { Statement, Value } from "../sql/statement.ts";
import { DatabaseFailure, failureOf } from "./failures.ts";
import { Messages } from "./messages.ts";
import type { RowBounds } from "./transaction.ts";

/** The statement that every connection prepares first, under this name. */
export const WALL_NAME = "backwright_wall";
export const WALL_TEXT = "select set_config('backwright.tenant_id', $1, true)";

/** The part of pg's connection that sends. Its typings leave it out. */
interface Wire {
  readonly stream: {
    readonly writable: boolean;
    readonly writableCorked: number;
    cork(): void;
    uncork(): void;
    write(bytes: Buffer): void;
  };
}

const messages = new Messages();

/** The statements that one connection holds by name; the least recently used one leaves first. */
export class PreparedStatements {
  readonly #names = new Map<number, string>();
  readonly #seen = new Set<number>();
  readonly #forgotten: string[] = [];
  #made = 0;

  /** The name of a prepared statement, moved to the young end. */
  find(statement: Statement): string | undefined {
    const name = this.#names.get(statement.id);
    if (name !== undefined) {
      this.#names.delete(statement.id);
      this.#names.set(statement.id, name);
    }
    return name;
  }

  /** Whether it is worth a name: from the second use on. */
  isRepeated(statement: Statement): boolean {
    if (this.#seen.has(statement.id)) return true;
    if (this.#seen.size > PREPARED_STATEMENTS_MAX * 10) this.#seen.clear();
    this.#seen.add(statement.id);
    return false;
  }

  /** A new name, and the name that has to be closed to make room. */
  add(statement: Statement): { name: string; evicted: string | undefined } {
    this.#made += 1;
    const name = `backwright_${this.#made}`;
    this.#names.set(statement.id, name);
    if (this.#names.size <= PREPARED_STATEMENTS_MAX) return { name, evicted: undefined };
    const [oldest] = this.#names;
    if (oldest === undefined) return { name, evicted: undefined };
    this.#names.delete(oldest[0]);
    return { name, evicted: oldest[1] };
  }

  /** Drops a name that may be unusable; the next query closes it (closing twice is no error). */
  forget(statement: Statement): void {
    const name = this.#names.get(statement.id);
    if (name === undefined) return;
    this.#names.delete(statement.id);
    this.#forgotten.push(name);
  }

  takeForgotten(): string[] {
    return this.#forgotten.length === 0 ? this.#forgotten : this.#forgotten.splice(0);
  }
}

type AnyRow = readonly Value[] | RowBytes;

export interface WalledRequest {
  readonly statement: Statement;
  readonly values: readonly Value[];
  /** Undefined: no tenant is set, so no walled row is visible. */
  readonly tenant: string | undefined;
  readonly prepared: PreparedStatements;
  readonly bounds: RowBounds;
  readonly done: (failure: DatabaseFailure | undefined, rows: readonly AnyRow[]) => void;
}

/**
 * A query of pg that sends no Describe and keeps rows as arrays of text, or as bytes where the
 * statement asks for binary. A subclass of pg.Query, because a pipelined client refuses others.
 */
export class WalledQuery extends pg.Query {
  readonly #request: WalledRequest;
  readonly #rows: AnyRow[] = [];
  #beforeWall: boolean;
  #bytes = 0;
  #isParsing = false;

  constructor(request: WalledRequest) {
    super(request.statement.text, []);
    this.#request = request;
    this.#beforeWall = request.tenant !== undefined;
  }

  /** Returns what makes it impossible to send: pg tells handleError, and goes on with the next. */
  override submit = (connection: unknown): DatabaseFailure | null => {
    const { stream } = connection as Wire;
    try {
      this.#write();
    } catch (cause) {
      messages.clear();
      return new DatabaseFailure("other", "the statement cannot be sent", { cause });
    }
    const bytes = messages.take();
    if (!stream.writable) return null;
    // What is asked for in one turn of the event loop leaves with one call of the system.
    if (stream.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    stream.write(bytes);
    return null;
  };

  #write(): void {
    const { statement, values, tenant, prepared } = this.#request;
    for (const name of prepared.takeForgotten()) messages.close(name);
    if (tenant !== undefined) {
      messages.bind(WALL_NAME, [tenant]);
      messages.execute();
    }
    let name = prepared.find(statement);
    if (name === undefined) {
      if (prepared.isRepeated(statement)) {
        const added = prepared.add(statement);
        if (added.evicted !== undefined) messages.close(added.evicted);
        name = added.name;
      } else name = "";
      messages.parse(name, statement.text);
      this.#isParsing = true;
    }
    messages.bind(name, values, statement.binary);
    messages.execute();
    messages.sync();
  }

  handleRowDescription(): void {}

  handleDataRow(row: RowBytes): void {
    const { bounds, statement } = this.#request;
    const { rowsMost = Number.POSITIVE_INFINITY } = bounds;
    if (this.#beforeWall || this.#rows.length >= rowsMost) return;
    this.#bytes += row.length;
    if (this.#isWhole) this.#rows.push(statement.binary === undefined ? row.fields : row);
    else this.#rows.length = 0; // What was read so far leaves memory at once.
  }

  handleCommandComplete(): void {
    this.#beforeWall = false;
  }

  handleEmptyQuery(): void {}

  handleError(error: unknown): void {
    const failure = failureOf(error);
    // Whether a name that was being parsed now exists is not known: make a new one next time.
    if (this.#isParsing || failure.kind === "stale") {
      this.#request.prepared.forget(this.#request.statement);
    }
    this.#request.done(failure, []);
  }

  get #isWhole(): boolean {
    return this.#bytes <= (this.#request.bounds.bytesMost ?? Number.POSITIVE_INFINITY);
  }

  handleReadyForQuery(): void {
    const failure = this.#isWhole
      ? undefined
      : new DatabaseFailure("too large", "the rows are more than a reply may hold");
    this.#request.done(failure, this.#rows);
  }
}
