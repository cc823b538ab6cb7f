// What operations are given: the model, the database and the facts of one request.
import type { Actor } from "../access/actor.ts";
import type { Executor } from "../database/transaction.ts";
import type { Model } from "../model/model.ts";
import type { CursorSigner } from "./cursor.ts";
import type { Shapes } from "./shapes.ts";
import type { VersionTokens } from "./version-tokens.ts";

export interface OperationsContext {
  readonly model: Model;
  /** That of the declaration's own names, which the code of actions speaks; undefined: this one. */
  readonly declared?: OperationsContext;
  /** The database, or one open transaction: operations do not know which. */
  readonly database: Executor;
  readonly shapes: Shapes;
  readonly cursors: CursorSigner;
  readonly versions: VersionTokens;
  /** Constraint name → the API fields that it is about. */
  readonly constraints: ReadonlyMap<string, readonly string[]>;
}

/** The facts of one request that are not its input. */
export interface RequestContext {
  readonly actor: Actor;
  readonly requestId: string;
  /** The face and version through which it came, such as `rest/v1`. */
  readonly face: string;
}

/** A record as JSON text, built by PostgreSQL and passed on unparsed. */
export interface RecordReply {
  readonly id: string;
  readonly json: string;
  readonly version: string | null;
  /** Names the set of readable fields. */
  readonly mask: string;
}
