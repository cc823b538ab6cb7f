// What a user declares, as types over the tables and relations that `define` was given. Types only.
// Type parameters come name first and interfaces carry names, so that the compiler's messages read
// `Rows<"workOrders", App>`; test/types/misuse holds the messages.
import type { Action, Actions, ActionTypes, Event, Schema } from "./declare-actions.ts";
import type { ArrayOf, Claim, ClaimKind, KindOf } from "./declare-claims.ts";
import type { Deprecations, VersionChanges, VersionOptions } from "./declare-contract.ts";
import type { Columns, Domain, Field, Relations, TableName, Target } from "./declare-tables.ts";
import type { AnyBackend, AnyDomain, AnyResource, Scope } from "./declare-untyped.ts";

export type { Columns, Domain, Field, Relations, TableName, Target };

/* ---------- filters ---------- */

/** A claim of kind K, and nothing where no claim fits. */
type ClaimOf<K extends ClaimKind> = [K] extends [never] ? never : Claim<K>;

/** All must hold. `ne` and `nin` follow SQL: neither finds a row without a value. */
export interface Operators<V, One, Many> {
  readonly eq?: V | One;
  readonly ne?: V | One;
  readonly lt?: V | One;
  readonly lte?: V | One;
  readonly gt?: V | One;
  readonly gte?: V | One;
  readonly in?: readonly V[] | Many;
  readonly nin?: readonly V[] | Many;
  readonly isNull?: boolean;
  /** PostgreSQL's patterns: % is any text, _ any character, \\ takes their meaning away. */
  readonly like?: V & string;
  readonly ilike?: V & string;
  /** This very text, upper and lower case told apart. */
  readonly contains?: V & string;
}
/** What a field with values V may be compared with: a value, a claim of kind K, or operators. */
export type Comparison<V, K extends ClaimKind> =
  | V
  | ClaimOf<K>
  | Operators<V, ClaimOf<K>, ClaimOf<ArrayOf<K>>>;
/** JSON, bytes and arrays have no order or equality that a policy could use. */
export interface OnlyIsNull {
  readonly isNull?: boolean;
}
/** Every member of the array, or of the JSON object (`jsonb` only). */
export interface Members<V> extends OnlyIsNull {
  readonly contains?: V;
}
type Test<V, DataType> = DataType extends "object buffer"
  ? OnlyIsNull
  : DataType extends "object json"
    ? Members<object>
    : [V] extends [readonly unknown[]]
      ? Members<V>
      : Comparison<V, KindOf<DataType>>;

declare const TABLE: unique symbol;
export interface Combined<N extends TableName<D>, D extends Domain> {
  readonly and?: readonly Rows<N, D>[];
  readonly or?: readonly Rows<N, D>[];
  readonly not?: Rows<N, D>;
  /** Never set: keeps the rows of one table from being used for another. */
  readonly [TABLE]?: N;
}
/** Some rows of a table, as data: every entry must hold; a relation nests: there is such a row. */
export type Rows<N extends TableName<D>, D extends Domain> = {
  readonly [K in Field<N, D> | (keyof Relations<N, D> & string)]?: K extends Field<N, D>
    ? Test<Columns<N, D>[K]["_"]["data"], Columns<N, D>[K]["_"]["dataType"]>
    : Rows<Target<Relations<N, D>[K], D>, D>;
} & Combined<N, D>;

/* ---------- policy ---------- */

/** Only these rows, and of them only these fields; what is left out is not limited. */
export interface Grant<N extends TableName<D>, D extends Domain> {
  readonly rows?: Rows<N, D>;
  readonly fields?: readonly Field<N, D>[];
}
/** `rows` is what the new row must satisfy. */
export interface CreateGrant<N extends TableName<D>, D extends Domain> extends Grant<N, D> {
  readonly set?: Forced<N, D>;
}
/** Values that the server writes whatever the caller sends. */
export type Forced<N extends TableName<D>, D extends Domain> = {
  readonly [K in Field<N, D>]?:
    | Columns<N, D>[K]["_"]["data"]
    | ClaimOf<KindOf<Columns<N, D>[K]["_"]["dataType"]>>;
};
export interface UpdateGrant<N extends TableName<D>, D extends Domain> extends Grant<N, D> {
  /** What must hold after the write; the same `rows` as before unless given, `{}` for anything. */
  readonly after?: Rows<N, D>;
}
export interface DeleteGrant<N extends TableName<D>, D extends Domain> {
  readonly rows?: Rows<N, D>;
}
/** A verb that is left out is not granted. */
export interface Verbs<N extends TableName<D>, D extends Domain, A extends string> {
  readonly read?: true | Grant<N, D>;
  readonly create?: true | CreateGrant<N, D>;
  readonly update?: true | UpdateGrant<N, D>;
  /** Restoring too, where the table marks rows as deleted. */
  readonly delete?: true | DeleteGrant<N, D>;
  /** The names of actions that the role may run on the records that it may read. */
  readonly actions?: readonly A[];
}
/** Role → what it may do. A role that is left out may do nothing. */
export type Access<N extends TableName<D>, D extends Domain, A extends string> = {
  readonly [R in D["role"]]?: "all" | Verbs<N, D, A>;
};

/* ---------- states ---------- */

type StateField<N extends TableName<D>, D extends Domain> = keyof {
  [K in Field<N, D> as Columns<N, D>[K]["_"]["dataType"] extends "string enum" ? K : never]: 1;
} &
  Field<N, D>;
type State<F extends Field<N, D>, N extends TableName<D>, D extends Domain> = Columns<
  N,
  D
>[F]["_"]["data"] &
  string;
/** Every state and those that it may become; a state without successors is final. */
export type Transitions<F extends Field<N, D>, N extends TableName<D>, D extends Domain> = {
  readonly [From in State<F, N, D>]: readonly State<F, N, D>[];
};
export type States<N extends TableName<D>, D extends Domain> = {
  readonly [F in StateField<N, D>]?: Transitions<F, N, D>;
};

/* ---------- aggregates ---------- */

/** Which fields reports may group by and sum up; counting is always among them. */
export interface Aggregates<F> {
  readonly groupBy?: readonly F[];
  readonly sum?: readonly F[];
  readonly avg?: readonly F[];
  readonly min?: readonly F[];
  readonly max?: readonly F[];
}

/* ---------- resource, backend, definition ---------- */

export interface ResourceOptions<
  N extends TableName<D>,
  D extends Domain,
  H extends Field<N, D>,
  A extends string,
  I,
  O,
  G,
> {
  /** `global` rows belong to no tenant and are read-only to every role. */
  readonly scope: Scope;
  readonly access: Access<N, D, NoInfer<A>>;
  /** Fields that nobody is shown, whatever the role. */
  readonly hidden?: readonly H[];
  readonly states?: States<N, D>;
  /** The text fields that `q` searches, weightiest first; needs a `searchIndex` of the table. */
  readonly search?: readonly Field<N, D>[];
  /** What can be done to a record beside the verbs: `POST /v1/<resource>/<id>/<action>`. */
  readonly actions?: Actions<N, D, A, I, O>;
  /** What callers should stop using: they are told by headers and by the OpenAPI document. */
  readonly deprecated?: Deprecations<Field<N, D>, NoInfer<A>>;
  /** What `GET /v1/<resource>/aggregate` counts and sums up, for those who may read the fields. */
  readonly aggregates?: G;
}
export interface Resource<
  N extends TableName<D>,
  D extends Domain,
  H extends string,
  Acts = ActionTypes<never, unknown, unknown>,
  G = undefined,
> extends AnyResource {
  readonly name: N;
  /** Never set: carries types to `ContractOf`. */
  readonly _?: {
    readonly domain: D;
    readonly hidden: H;
    readonly actions: Acts;
    readonly aggregates: G;
  };
}

/** A resource under its own name; the key in `resources` must be that name. */
export interface ResourceNamed<N> extends AnyResource {
  readonly name: N & string;
}
export interface BackendOptions<Rs> {
  readonly name: string;
  readonly resources: Rs;
  /**
   * The versions that are served, `v1` alone unless given. The newest is the model as it is; an
   * older one says what it calls differently or does not have.
   */
  readonly versions?: { readonly [version: string]: VersionOptions<ChangesOf<NoInfer<Rs>>> };
}
type ChangesOf<Rs> = { readonly [K in keyof Rs]?: false | ChangesOfResource<Rs[K]> };
type ChangesOfResource<R> = R extends { readonly name: infer N; readonly _?: infer Facts }
  ? NonNullable<Facts> extends {
      readonly domain: infer D extends Domain;
      readonly hidden: infer H;
      readonly actions: infer Acts;
    }
    ? VersionChanges<Exclude<Field<N & TableName<D>, D>, H>, keyof Acts & string>
    : never
  : never;
export interface Backend<Rs> extends AnyBackend {
  /** Never set: carries types to `ContractOf`. */
  readonly _?: Rs;
}

/** What is known about the caller, as marks for policies. */
export type Me<D extends Domain> = {
  readonly [K in keyof D["claims"]]: Claim<D["claims"][K] & ClaimKind>;
};

export interface Definition<D extends Domain> {
  readonly domain: AnyDomain;
  /** The same definition under a name, so that messages say App and not the whole schema. */
  as<Named extends D>(): Definition<Named>;
  readonly me: Me<D>;
  /** Names rows for use in several policies; returns the filter, frozen. */
  rows<N extends TableName<D>>(table: N, filter: Rows<NoInfer<N>, D>): Rows<N, D>;
  /** Declares what the API serves of a table, and to whom. */
  resource<
    N extends TableName<D>,
    const H extends Field<N, D> = never,
    A extends string = never,
    I = unknown,
    O = unknown,
    const G extends Aggregates<Field<N, D>> | undefined = undefined,
  >(
    table: N,
    options: ResourceOptions<NoInfer<N>, D, H, A, I, O, G>,
  ): Resource<N, D, H, ActionTypes<A, I, O>, G>;
  /** A large action in a file of its own: `actions: { close }`. */
  action<N extends TableName<D>, I = undefined, O = void>(
    table: N,
    options: Action<NoInfer<N>, D, I, O>,
  ): Action<N, D, I, O>;
  /** Names what can happen, and what is told of it. */
  event<P>(name: string, payload: Schema<P>): Event<P>;
  backend<Rs extends { readonly [K in keyof Rs]: ResourceNamed<K> }>(
    options: BackendOptions<Rs>,
  ): Backend<Rs>;
}

export type DomainOf<T> = T extends Definition<infer D> ? D : never;
