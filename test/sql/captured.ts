// The very statements that operations send: the operation runs against a database that only
// writes down what it is asked.
import type { Actor } from "../../src/access/actor.ts";
import { newId } from "../../src/base/ids.ts";
import type { Caller, Executor, Row } from "../../src/database/transaction.ts";
import type { ResourceModel } from "../../src/model/model.ts";
import type { OperationsContext, RequestContext } from "../../src/operations/context.ts";
import { type CursorPosition, CursorSigner } from "../../src/operations/cursor.ts";
import type { ListQuery, RecordQuery } from "../../src/operations/parse-list.ts";
import { getRecord, listRecords } from "../../src/operations/read.ts";
import type { Statement, Value } from "../../src/sql/statement.ts";
import type { Execution } from "./explain.ts";

/** A place in a list, before or after which a page begins. */
export interface Place extends CursorPosition {
  readonly before: boolean;
}

/** Every cursor leads to one place. */
class FixedCursors extends CursorSigner {
  readonly #position: CursorPosition;

  constructor(position: CursorPosition) {
    super("not a secret");
    this.#position = position;
  }

  override open(): CursorPosition {
    return this.#position;
  }
}

export type Run = (
  statement: Statement,
  caller: Caller,
  inputs: readonly Value[],
) => Promise<readonly Row[]>;

/** The database with another way to run statements; whatever else it can do stays. */
export function withRun(database: Executor, run: { readonly read?: Run; write?: Run }): Executor {
  return new Proxy(database, {
    get(target, name) {
      if (name === "read" && run.read !== undefined) return run.read;
      // What may take long has a connection to itself, as a write has.
      const isAlone = name === "write" || name === "readAlone";
      if (isAlone && run.write !== undefined) return run.write;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

// Past every id that the product gives out in a process.
let rewrittenIds = 1_000_000_000;
const rewrittenStatements = new Map<string, Statement>();

/** The statement with another text, prepared under a name of its own where the text differs. */
export function rewritten(statement: Statement, change: (text: string) => string): Statement {
  const text = change(statement.text);
  if (text === statement.text) return statement;
  const known = rewrittenStatements.get(text);
  if (known !== undefined) return known;
  rewrittenIds += 1;
  const made = { ...statement, id: rewrittenIds, text };
  rewrittenStatements.set(text, made);
  return made;
}

export function requestOf(actor: Actor): RequestContext {
  return { actor, requestId: newId(), face: "test" };
}

/** The statement that reads one record. */
export async function captureGet(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  id: string,
  query: RecordQuery,
): Promise<Execution> {
  let captured: Execution | undefined;
  const read: Run = (statement, caller, inputs) => {
    captured = { statement, claims: caller.claims, inputs };
    return Promise.reject(new Error("captured"));
  };
  const database = withRun(context.database, { read });
  await getRecord({ ...context, database }, request, resource, id, query).catch(() => undefined);
  if (captured === undefined) throw new Error("the operation did not get as far as its read");
  return captured;
}

/** The statement of one page. Throws what listRecords throws for a list that it refuses. */
export async function captureList(
  context: OperationsContext,
  actor: Actor,
  resource: ResourceModel,
  query: ListQuery,
  place?: Place,
): Promise<Execution> {
  let captured: Execution | undefined;
  const read: Run = (statement, caller, inputs) => {
    captured ??= { statement, claims: caller.claims, inputs }; // The page goes before its count.
    return Promise.resolve([]);
  };
  const database = withRun(context.database, { read, write: read });
  const cursors = place === undefined ? context.cursors : new FixedCursors(place);
  const at = place === undefined ? {} : { [place.before ? "before" : "after"]: "anywhere" };
  await listRecords({ ...context, database, cursors }, requestOf(actor), resource, {
    ...query,
    ...at,
  });
  if (captured === undefined) throw new Error("the list asked the database for nothing");
  return captured;
}

/** The one statement that an operation would run on a connection of its own; it is not run. */
export async function captureWrite(
  context: OperationsContext,
  operation: (context: OperationsContext) => Promise<unknown>,
): Promise<Execution> {
  let captured: Execution | undefined;
  const write: Run = (statement, caller, inputs) => {
    captured = { statement, claims: caller.claims, inputs };
    return Promise.reject(new Error("captured"));
  };
  const database = withRun(context.database, { write });
  await operation({ ...context, database }).catch(() => undefined);
  if (captured === undefined) throw new Error("the operation did not get as far as its write");
  return captured;
}
