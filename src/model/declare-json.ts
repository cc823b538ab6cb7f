// Records as JSON carries them, in replies and in bodies: what clients and the operations of
// actions speak. Types only.
import type { Columns, Domain, Field, TableName } from "./declare-tables.ts";

/** Types whose values travel as strings, because JSON would lose digits or has no such type. */
type StringInJson = "object date" | "bigint int64" | "number int53" | "number" | "object buffer";
type Reply<V, DataType> = DataType extends StringInJson
  ? [V] extends [readonly unknown[]]
    ? string[]
    : string
  : DataType extends "object point"
    ? [number, number]
    : DataType extends "object line"
      ? [number, number, number]
      : V;
/** Eight-byte integers are also accepted as numbers where these are exact. */
type Body<V, DataType> = DataType extends "bigint int64" | "number int53"
  ? Reply<V, DataType> | number
  : Reply<V, DataType>;

type Nullable<V, NotNull> = NotNull extends true ? V : V | null;

/** The fields of a reply; a record that is marked as deleted is in none. */
export type Fields<N extends TableName<D>, D extends Domain, H> = {
  [K in Exclude<Field<N, D>, H | "deletedAt">]: Nullable<
    Reply<Columns<N, D>[K]["_"]["data"], Columns<N, D>[K]["_"]["dataType"]>,
    Columns<N, D>[K]["_"]["notNull"]
  >;
};

/** Fields that the server alone writes, beside those that PostgreSQL generates. */
type Managed = "id" | "createdAt" | "updatedAt" | "deletedAt" | "version";
type Given<C> = C extends {
  readonly _: { readonly generated: undefined; readonly identity: undefined };
}
  ? true
  : false;
/**
 * The fields of a request body. All are optional, because a role's policy may force values that
 * the table requires; the tenant is always forced.
 */
export type Write<N extends TableName<D>, D extends Domain, H> = {
  [K in Exclude<Field<N, D>, H | Managed> as Given<Columns<N, D>[K]> extends true
    ? K
    : never]?: Nullable<
    Body<Columns<N, D>[K]["_"]["data"], Columns<N, D>[K]["_"]["dataType"]>,
    Columns<N, D>[K]["_"]["notNull"]
  >;
};
