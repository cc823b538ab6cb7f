// Actions and events as types: what a user declares beside the four verbs. Types only. Kept cheap
// for the compiler: of a Zod schema only its output is looked at, and `Tx` is an interface.
import type { AnyRelations } from "drizzle-orm";
import type { PgAsyncTransaction } from "drizzle-orm/pg-core";
import type { PgQueryResultHKT } from "drizzle-orm/pg-core/session";
import type { ClaimKind } from "./declare-claims.ts";
import type { Ops } from "./declare-ops.ts";
import type { Columns, Domain, Field, TableName } from "./declare-tables.ts";

/** As much of a Zod schema as inference needs: comparing whole Zod types costs a second. */
export interface Schema<T> {
  readonly _zod: { readonly output: T };
}

/* ---------- records ---------- */

type Nullable<V, NotNull> = NotNull extends true ? V : V | null;

/** A record as Drizzle reads it, hidden fields included. */
export type Row<N extends TableName<D>, D extends Domain> = {
  readonly [K in Field<N, D>]: Nullable<
    Columns<N, D>[K]["_"]["data"],
    Columns<N, D>[K]["_"]["notNull"]
  >;
};
type Managed = "id" | "createdAt" | "updatedAt" | "deletedAt" | "version";
/** Fields to change; those that Backwright keeps are not among them. */
export type Patch<N extends TableName<D>, D extends Domain> = {
  readonly [K in Exclude<Field<N, D>, Managed>]?: Nullable<
    Columns<N, D>[K]["_"]["data"],
    Columns<N, D>[K]["_"]["notNull"]
  >;
};

/* ---------- what an action is given ---------- */

/** What happened, with a payload that is checked when it is emitted. */
export interface Event<P> {
  readonly kind: "event";
  readonly name: string;
  readonly payload: Schema<P>;
}

interface ClaimValues {
  readonly uuid: string;
  readonly text: string;
  readonly boolean: boolean;
  readonly integer: number;
  readonly "uuid[]": readonly string[];
  readonly "text[]": readonly string[];
}
type ClaimValue<K> = K extends ClaimKind
  ? ClaimValues[K] | (K extends "uuid[]" | "text[]" ? never : null)
  : never;
/** Who asks: the declared claims as values, null where the caller has none. */
export type ActionActor<D extends Domain> = {
  readonly [K in Exclude<keyof D["claims"], "id" | "tenantId">]: ClaimValue<D["claims"][K]>;
} & { readonly id: string; readonly tenantId: string; readonly role: D["role"] };

interface TxRows<R> {
  readonly rows: ([R] extends ["unknown"] ? Record<string, unknown> : R)[];
  readonly rowCount: number | null;
}
interface TxResult extends PgQueryResultHKT {
  readonly type: TxRows<this["row"]>;
}
// Declared invariant: working that out, the compiler would compare all of Drizzle with itself
// (917,000 instantiations instead of 501,000 in an application of 30 tables).
/** Drizzle on the connection of the action, in its transaction, behind the tenant's wall. */
export interface Tx<in out D extends Domain>
  extends PgAsyncTransaction<TxResult, D["relations"] & AnyRelations> {}

export interface ActionContext<N extends TableName<D>, D extends Domain, I> {
  /** The record as it was when the action locked it. */
  readonly record: Row<N, D>;
  readonly input: I;
  readonly actor: ActionActor<D>;
  /**
   * Changes the record as a PATCH does: states, version, audit entry and event; returns it as it
   * is then. Throws BackwrightError; fields that the role may not write are not refused here.
   */
  change(patch: Patch<N, D>): Promise<Row<N, D>>;
  /** Writes an event into the same transaction, after those of the changes before it. */
  emit<P>(event: Event<P>, payload: NoInfer<P>): Promise<void>;
  /**
   * Operations as the caller, in the transaction of the action: grants, masks, states, audit and
   * events as through the API, values as in its JSON.
   */
  readonly ops: Ops<D>;
  /** Reads what the tenant has; tables that the API serves cannot be written with it. */
  readonly tx: Tx<D>;
}

/* ---------- declaration ---------- */

/** Something that is done to one record, as one transaction. */
export interface Action<N extends TableName<D>, D extends Domain, I, O> {
  readonly input?: Schema<I>;
  /** What is replied; without it the record as the caller may read it. */
  readonly output?: Schema<O>;
  readonly access?: readonly D["role"][];
  /** Never written by hand: keeps the action of one table from being used for another. */
  readonly table?: N;
  run(context: ActionContext<N, D, I>): Promise<O>;
}

/** The schema's type, or the fallback where the action declares none. */
type Given<T, K extends PropertyKey, Fallback> = K extends keyof T
  ? unknown extends T[K]
    ? Fallback
    : T[K]
  : Fallback;
interface HasInput<I> {
  readonly input?: Schema<I>;
}
interface HasOutput<O> {
  readonly output?: Schema<O>;
}
/** Actions by name; A, I and O are inferred from the names, the inputs and the outputs. */
export type Actions<N extends TableName<D>, D extends Domain, A extends string, I, O> = {
  readonly [K in A]: Action<N, D, Given<I, K, undefined>, Given<O, K, void>>;
} & { readonly [K in keyof I]: HasInput<I[K]> } & { readonly [K in keyof O]: HasOutput<O[K]> };
// biome-ignore lint/suspicious/noConfusingVoidType: what `run` returns where it returns nothing.
type Replied<O> = [O] extends [void] ? "the record" : O;
/** What a client needs to know of them. */
export type ActionTypes<A extends string, I, O> = {
  readonly [K in A]: {
    readonly input: Given<I, K, undefined>;
    readonly output: Replied<Given<O, K, void>>;
  };
};
