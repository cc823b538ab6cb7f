// The types of what writes several records: upsert, bulk, batch.
import type {
  ActionReply,
  ActionsOf,
  Body,
  FieldName,
  Reply,
  UpdateOptions,
  WriteOptions,
} from "./types.ts";

export interface BulkOptions extends WriteOptions {
  /** All records or none: the error of one is thrown, its place in the details. */
  readonly atomic?: boolean;
}
export interface BulkTarget {
  readonly id: string;
  /** Only if the record still has this version. */
  readonly version?: number;
}
/** What became of one record; `index` is its place in the request. */
export interface BulkOutcome<T> {
  readonly index: number;
  readonly status: number;
  readonly data?: T;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details: readonly { readonly field: string; readonly message: string }[];
  };
}
export interface BulkReply<T> {
  readonly data: BulkOutcome<T>[];
  readonly meta: { readonly bulk: { readonly succeeded: number; readonly failed: number } };
}
/** At most 500 records in a call; without `atomic` a refused record leaves the others. */
export interface SeveralClient<N extends keyof C, C> {
  /** Creates the record that has the key, or merges into it. `by`: the fields of a unique key. */
  upsert(
    by: FieldName<N, C> | readonly FieldName<N, C>[],
    body: Body<N, C>,
    options?: UpdateOptions,
  ): Promise<Reply<N, C, unknown>>;
  bulkCreate(
    records: readonly Body<N, C>[],
    options?: BulkOptions,
  ): Promise<BulkReply<Reply<N, C, unknown>>>;
  bulkUpdate(
    records: readonly (Body<N, C> & BulkTarget)[],
    options?: BulkOptions,
  ): Promise<BulkReply<Reply<N, C, unknown>>>;
  bulkDelete(records: readonly BulkTarget[], options?: BulkOptions): Promise<BulkReply<never>>;
}

/** The record of an earlier operation, by its place from 0. */
export interface Result {
  readonly $result: number;
}
type OrResult<T> = { [K in keyof T]: T[K] | (string extends T[K] ? Result : never) };
interface Named<N extends PropertyKey, V extends string> {
  readonly operation: `${N & string}.${V}`;
}
interface Existing {
  readonly id: string | Result;
  readonly version?: number;
}
type ActionOperation<A extends keyof ActionsOf<N, C> & string, N extends keyof C, C> = Named<N, A> &
  Existing &
  (ActionsOf<N, C>[A] extends { input: infer I }
    ? [I] extends [undefined]
      ? unknown
      : { readonly body: OrResult<I> }
    : never);
type OperationOf<N extends keyof C, C> =
  | (Named<N, "create"> & { readonly body: OrResult<Body<N, C>> })
  | (Named<N, "update"> & Existing & { readonly body: OrResult<Body<N, C>> })
  | (Named<N, "delete" | "restore"> & Existing)
  | (Named<N, "get"> & Pick<Existing, "id">)
  | { [A in keyof ActionsOf<N, C> & string]: ActionOperation<A, N, C> }[keyof ActionsOf<N, C> &
      string];
export type BatchOperation<C> = { [N in keyof C]: OperationOf<N, C> }[keyof C];
type BatchData<P, C> = P extends `${infer N extends keyof C & string}.${infer V}`
  ? V extends "delete"
    ? undefined
    : V extends keyof ActionsOf<N, C>
      ? ActionsOf<N, C>[V] extends { output: infer O }
        ? ActionReply<O, N, C>
        : never
      : Reply<N, C, unknown>
  : never;
/** What each operation replied, in their order. */
export type BatchReply<Os, C> = {
  -readonly [I in keyof Os]: {
    readonly status: number;
    readonly data: Os[I] extends { operation: infer P } ? BatchData<P, C> : never;
  };
};
export interface BatchClient<C> {
  /** Up to 50 operations as one transaction: all or nothing. Throws the error of one of them. */
  batch<const Os extends readonly BatchOperation<C>[]>(
    operations: Os,
    options?: WriteOptions,
  ): Promise<BatchReply<Os, C>>;
}
