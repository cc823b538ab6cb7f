// Operations that the code of an action can call as its caller, as types. Interfaces, marked
// invariant so that the compiler compares them by name and not by what is in them.
import type { Fields, Write } from "./declare-json.ts";
import type { Domain, Field, TableName } from "./declare-tables.ts";

/** A record as JSON, with what the caller may read of it. */
export type OpsRecord<N extends TableName<D>, D extends Domain> = { readonly id: string } & Partial<
  Fields<N, D, never>
>;

interface OpsTests<V> {
  readonly eq?: V;
  readonly ne?: V;
  readonly lt?: V;
  readonly lte?: V;
  readonly gt?: V;
  readonly gte?: V;
  readonly in?: readonly V[];
  readonly nin?: readonly V[];
  readonly isNull?: boolean;
}
type OpsFilter<N extends TableName<D>, D extends Domain> = {
  readonly [K in keyof Fields<N, D, never>]?:
    | NonNullable<Fields<N, D, never>[K]>
    | OpsTests<NonNullable<Fields<N, D, never>[K]>>;
};
type OpsSort<N extends TableName<D>, D extends Domain> = Field<N, D> | `-${Field<N, D>}`;
export interface OpsQuery<in out N extends TableName<D>, in out D extends Domain> {
  readonly filter?: OpsFilter<N, D>;
  readonly sort?: OpsSort<N, D> | readonly OpsSort<N, D>[];
  readonly page?: { readonly size?: number; readonly after?: string };
}
export interface OpsPage<in out N extends TableName<D>, in out D extends Domain> {
  readonly data: readonly OpsRecord<N, D>[];
  /** The cursor of the next page. */
  readonly next: string | null;
}
export interface OpsOptions {
  /** Write only if the record still has this version. */
  readonly ifVersion?: number;
}

/** Operations on one resource. All throw BackwrightError; a caught one is undone by itself. */
export interface ResourceOps<in out N extends TableName<D>, in out D extends Domain> {
  get(id: string): Promise<OpsRecord<N, D>>;
  list(query?: OpsQuery<N, D>): Promise<OpsPage<N, D>>;
  create(body: Write<N, D, never>): Promise<OpsRecord<N, D>>;
  update(id: string, patch: Write<N, D, never>, options?: OpsOptions): Promise<OpsRecord<N, D>>;
  delete(id: string, options?: OpsOptions): Promise<void>;
}
/** By the name of the resource; a table that is not served has none. */
export type Ops<D extends Domain> = { readonly [N in TableName<D>]: ResourceOps<N, D> };
