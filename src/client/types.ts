// The types of the client, made of a contract. Nothing of Drizzle or the server is in them, so that
// messages speak of the caller's own words.

interface Link {
  readonly to: PropertyKey;
}
interface ManyLink extends Link {
  readonly many: true;
}

export type Flat<T> = { [K in keyof T]: T[K] } & {};
export type FieldsOf<N extends keyof C, C> = C[N] extends { fields: infer F } ? F : never;
type LinksOf<N extends keyof C, C> = C[N] extends { links: infer L } ? L : never;
type WriteOf<N extends keyof C, C> = C[N] extends { write: infer W } ? W : never;
type TargetOf<L, C> = L extends { to: infer T extends keyof C } ? T : never;
export type FieldName<N extends keyof C, C> = keyof FieldsOf<N, C> & string;

/** The same words as in the query string. */
export interface Tests<V> {
  readonly eq?: V;
  readonly ne?: V;
  readonly lt?: V;
  readonly lte?: V;
  readonly gt?: V;
  readonly gte?: V;
  readonly in?: readonly V[];
  readonly nin?: readonly V[];
  readonly isNull?: boolean;
  /** % is any text, _ any character, a backslash takes their meaning away. */
  readonly like?: V & string;
  readonly ilike?: V & string;
  /** This very text, upper and lower case told apart. */
  readonly contains?: V & string;
}
/** Of a list or a JSON object: every member of it. */
export interface MemberTests<V> {
  readonly contains?: V;
}
type Scalar = string | number | boolean;
type Tested<V> = [Extract<V, Scalar>] extends [never]
  ? MemberTests<NonNullable<V>>
  : Extract<V, Scalar> | Tests<Extract<V, Scalar>>;

/** `site.isPublic`: a field of a record at the other end of a relation. */
type RelatedName<N extends keyof C, C> = {
  [L in keyof LinksOf<N, C> & string]: `${L}.${FieldName<TargetOf<LinksOf<N, C>[L], C>, C>}`;
}[keyof LinksOf<N, C> & string];
type RelatedValue<N extends keyof C, C, P> = P extends `${infer L}.${infer F}`
  ? L extends keyof LinksOf<N, C>
    ? FieldsOf<TargetOf<LinksOf<N, C>[L], C>, C>[F & FieldName<TargetOf<LinksOf<N, C>[L], C>, C>]
    : never
  : never;

/** Filters are joined by *and*. Which of them go with which sort is answered by the server. */
export type Filter<N extends keyof C, C> = {
  readonly [F in FieldName<N, C>]?: Tested<FieldsOf<N, C>[F]>;
} & {
  readonly [P in RelatedName<N, C>]?: Tested<RelatedValue<N, C, P>>;
} & Groups<N, C>;
/** At most three deep, 20 conditions and 8 alternatives. */
export interface Groups<N extends keyof C, C> {
  readonly and?: readonly Filter<N, C>[];
  readonly or?: readonly Filter<N, C>[];
  readonly not?: Filter<N, C>;
}
export type SortKey<N extends keyof C, C> = FieldName<N, C> | `-${FieldName<N, C>}`;

/** `true`, or what of the related record; of a relation to many, how many and from where. */
export type Include<N extends keyof C, C> = {
  readonly [L in keyof LinksOf<N, C>]?:
    | true
    | (LinksOf<N, C>[L] extends ManyLink
        ? IncludeMany<TargetOf<LinksOf<N, C>[L], C>, C>
        : IncludeOne<TargetOf<LinksOf<N, C>[L], C>, C>);
};
export interface IncludeOne<N extends keyof C, C> {
  readonly fields?: readonly FieldName<N, C>[];
  readonly include?: Include<N, C>;
}
export interface IncludeMany<N extends keyof C, C> extends IncludeOne<N, C> {
  /** At most 50, ten without. `after` is taken by `get` alone. */
  readonly page?: { readonly size?: number; readonly after?: string };
}

export interface RecordQuery<N extends keyof C, C> {
  readonly fields?: readonly FieldName<N, C>[];
  readonly include?: Include<N, C>;
}
export interface ListQuery<N extends keyof C, C> extends RecordQuery<N, C> {
  readonly filter?: Filter<N, C>;
  /** Several keys where one index has them; the 400 says which. */
  readonly sort?: SortKey<N, C> | readonly SortKey<N, C>[];
  readonly page?: PageQuery;
  /** Words to find in the fields that the resource's `search` names; best first without a sort. */
  readonly q?: string;
  /** Adds `meta.highlights`. */
  readonly highlight?: boolean;
}
/** Where the page begins: at a cursor, or `offset` records (at most 10,000) after the start. */
export interface PageQuery {
  readonly size?: number;
  readonly after?: string;
  readonly before?: string;
  readonly offset?: number;
  /** Asks for `total`: counted to the end, or up to 10,000. */
  readonly count?: "exact" | "estimated";
}

type Chosen<F, Q> = Q extends { fields: readonly (infer K)[] } ? Pick<F, K & keyof F> : F;
type Related<L, C, Q> = L extends ManyLink
  ? IncludedPage<Flat<Chosen<FieldsOf<TargetOf<L, C>, C>, Q> & Included<TargetOf<L, C>, C, Q>>>
  : Flat<Chosen<FieldsOf<TargetOf<L, C>, C>, Q> & Included<TargetOf<L, C>, C, Q>> | null;
type Included<N extends keyof C, C, Q> = Q extends { include: infer I }
  ? { [K in keyof I & keyof LinksOf<N, C>]: Related<LinksOf<N, C>[K], C, I[K]> }
  : unknown;

/** Records of a relation to many, newest first. */
export interface IncludedPage<T> {
  readonly data: T[];
  readonly meta: {
    readonly pagination: {
      readonly size: number;
      readonly next: string | null;
      readonly hasMore: boolean;
    };
  };
}

/** A record as it was asked for. A related record that one may not see is null. */
export type Reply<N extends keyof C, C, Q> = Flat<Chosen<FieldsOf<N, C>, Q> & Included<N, C, Q>>;
export type Body<N extends keyof C, C> = WriteOf<N, C>;

export interface Page<T> {
  readonly data: T[];
  readonly meta: {
    readonly pagination: {
      readonly size: number;
      readonly next: string | null;
      readonly prev: string | null;
      readonly hasMore: boolean;
      /** Where `count` asked for it; `atLeast`: counting stopped there. */
      readonly total?: number;
      readonly totalIs?: "exact" | "atLeast";
    };
    /** By id and field: HTML with `<mark>` around what `q` has found, all else escaped. */
    readonly highlights?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}
export interface WriteOptions extends CallOptions {
  /** One effect for all repeats of this key. Without it the client makes one for its retries. */
  readonly idempotencyKey?: string;
}
export interface UpdateOptions extends WriteOptions {
  /** Write only if the record still has this version. */
  readonly ifVersion?: number;
}

/** One resource. Every method throws ApiError. */
export interface ResourceClient<N extends keyof C, C> {
  list<const Q extends ListQuery<N, C>>(
    query?: Q,
    options?: CallOptions,
  ): Promise<Page<Reply<N, C, Q>>>;
  /** Every record of the list, page by page as they are needed. */
  all<const Q extends ListQuery<N, C>>(
    query?: Q,
    options?: CallOptions,
  ): AsyncIterableIterator<Reply<N, C, Q>>;
  get<const Q extends RecordQuery<N, C>>(
    id: string,
    query?: Q,
    options?: CallOptions,
  ): Promise<Reply<N, C, Q>>;
  create(body: Body<N, C>, options?: WriteOptions): Promise<Reply<N, C, unknown>>;
  update(id: string, patch: Body<N, C>, options?: UpdateOptions): Promise<Reply<N, C, unknown>>;
  delete(id: string, options?: UpdateOptions): Promise<void>;
  /** Takes a deletion back, where the table marks rows rather than removing them. */
  restore(id: string, options?: UpdateOptions): Promise<Reply<N, C, unknown>>;
}

export type ActionsOf<N extends keyof C, C> = C[N] extends { actions: infer A } ? A : never;
/** What an action replies: its output, or the record. */
export type ActionReply<T, N extends keyof C, C> = T extends "the record"
  ? Reply<N, C, unknown>
  : T;
type ActionMethod<T, N extends keyof C, C> = T extends { input: infer I; output: infer O }
  ? [I] extends [undefined]
    ? (id: string, input?: undefined, options?: UpdateOptions) => Promise<ActionReply<O, N, C>>
    : (id: string, input: I, options?: UpdateOptions) => Promise<ActionReply<O, N, C>>
  : never;
/** One method for each action: `client.workOrders.assign(id, { technicianId })`. */
export type ActionClient<N extends keyof C, C> = {
  readonly [K in keyof ActionsOf<N, C>]: ActionMethod<ActionsOf<N, C>[K], N, C>;
};
