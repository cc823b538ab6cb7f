// The types of `client.<resource>.aggregate`: what may be asked, and exactly what was asked back.
import type { CallOptions, FieldsOf, Filter, Flat } from "./types.ts";

interface Declared {
  readonly groupBy: string;
  readonly sum: string;
  readonly avg: string;
  readonly min: string;
  readonly max: string;
}
type DeclaredOf<N extends keyof C, C> = C[N] extends { aggregates: infer A extends Declared }
  ? A
  : never;
type Measured<A extends Declared> =
  | A["groupBy"]
  | "count"
  | `sum.${A["sum"]}`
  | `avg.${A["avg"]}`
  | `min.${A["min"]}`
  | `max.${A["max"]}`;
/** A group or a figure of the question. */
export type AggregateSort<N extends keyof C, C> =
  | Measured<DeclaredOf<N, C>>
  | `-${Measured<DeclaredOf<N, C>>}`;

/** At least one of `count`, `sum`, `avg`, `min` and `max`, in groups or over everything. */
export interface AggregateQuery<N extends keyof C, C> {
  /** Fields, or `createdAt.month`: the day, week, month, quarter or year that it falls into. */
  readonly groupBy?: readonly DeclaredOf<N, C>["groupBy"][];
  readonly count?: true;
  readonly sum?: readonly DeclaredOf<N, C>["sum"][];
  readonly avg?: readonly DeclaredOf<N, C>["avg"][];
  readonly min?: readonly DeclaredOf<N, C>["min"][];
  readonly max?: readonly DeclaredOf<N, C>["max"][];
  readonly filter?: Filter<N, C>;
  readonly sort?: AggregateSort<N, C> | readonly AggregateSort<N, C>[];
  /** Only so many groups, the first by the sort; without it all of at most 1,000. */
  readonly page?: { readonly size: number };
  /** By whose calendar days, weeks … of an instant are told; without it UTC. */
  readonly timeZone?: string;
}

type Asked<Q, K extends string> = Q extends { readonly [P in K]: readonly (infer F)[] }
  ? F & string
  : never;
/** A bucket is told by the day that it begins with. */
type GroupValue<F, K> = K extends keyof F ? F[K] : string | null;
type Group<Q, F> = { [K in Asked<Q, "groupBy">]: GroupValue<F, K> };
type Figures<Q, M extends "sum" | "avg" | "min" | "max", F> = [Asked<Q, M>] extends [never]
  ? unknown
  : {
      [P in M]: {
        [K in Asked<Q, M>]: M extends "sum" | "avg" ? string | null : GroupValue<F, K> | null;
      };
    };
type Count<Q> = Q extends { readonly count: true } ? { count: number } : unknown;

/** Sums and averages are strings, with all their digits; null where no record has a value. */
export type AggregateRow<N extends keyof C, C, Q> = Flat<
  { group: Flat<Group<Q, FieldsOf<N, C>>> } & Count<Q> &
    Figures<Q, "sum", FieldsOf<N, C>> &
    Figures<Q, "avg", FieldsOf<N, C>> &
    Figures<Q, "min", FieldsOf<N, C>> &
    Figures<Q, "max", FieldsOf<N, C>>
>;

export interface AggregatePage<T> {
  readonly data: T[];
  readonly meta: {
    readonly groups: number;
    /** Whether there are more groups than `page.size`. */
    readonly hasMore: boolean;
    readonly timeZone: string;
  };
}

export interface AggregateMethods<N extends keyof C, C> {
  /** Counts and sums up what the caller may see. Throws ApiError. */
  aggregate<const Q extends AggregateQuery<N, C>>(
    query: Q,
    options?: CallOptions,
  ): Promise<AggregatePage<AggregateRow<N, C, Q>>>;
}
/** Only where the resource declares aggregates. */
export type AggregateClient<N extends keyof C, C> = C[N] extends { aggregates: Declared }
  ? AggregateMethods<N, C>
  : unknown;
