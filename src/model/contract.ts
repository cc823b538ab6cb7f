// The API of a backend as one plain type: all that a typed client needs, nothing of Drizzle in it.
// Knows nothing of roles: a field or row that a role may not see is refused or null at run time.
import type { Backend, Columns, Domain, Field, Relations, TableName, Target } from "./declare.ts";
import type { Fields, Write } from "./declare-json.ts";

/**
 * Relations whose target is served. `optional` is what one to one says; its target is null as well
 * where the caller may not see it.
 */
type Links<N extends TableName<D>, D extends Domain, Served> = {
  [L in keyof Relations<N, D> & string as Target<Relations<N, D>[L], D> extends Served
    ? L
    : never]: Relations<N, D>[L] extends { readonly optional: infer O }
    ? { to: Target<Relations<N, D>[L], D>; optional: O }
    : { to: Target<Relations<N, D>[L], D>; many: true };
};

/** A value as JSON carries it: dates as strings. */
type InJson<T> = T extends Date
  ? string
  : T extends readonly (infer E)[]
    ? InJson<E>[]
    : T extends object
      ? { [K in keyof T]: InJson<T[K]> }
      : T;
/** Actions by name; `output` is "the record" where an action replies with it. */
type ActionContracts<Acts> = { [K in keyof Acts]: InJson<Acts[K]> };

type DateInDrizzle = "object date" | "string date" | "string timestamp";
type Bucket = "day" | "week" | "month" | "quarter" | "year";
type Listed<G, K extends string> = G extends { readonly [P in K]: readonly (infer F)[] }
  ? F & string
  : never;
type Bucketed<F, N extends TableName<D>, D extends Domain> = F extends Field<N, D> & string
  ? Columns<N, D>[F]["_"]["dataType"] extends DateInDrizzle
    ? `${F}.${Bucket}`
    : never
  : never;
/** What reports may ask for; undefined where a resource declares no aggregates. */
type AggregateContract<G, N extends TableName<D>, D extends Domain> = G extends object
  ? {
      groupBy: Listed<G, "groupBy"> | Bucketed<Listed<G, "groupBy">, N, D>;
      sum: Listed<G, "sum">;
      avg: Listed<G, "avg">;
      min: Listed<G, "min">;
      max: Listed<G, "max">;
    }
  : undefined;

export interface ResourceContract<N extends TableName<D>, D extends Domain, H, Acts, Served, G> {
  fields: Fields<N, D, H>;
  write: Write<N, D, H>;
  links: Links<N, D, Served>;
  actions: ActionContracts<Acts>;
  aggregates: AggregateContract<G, N, D>;
}

type ContractOfResource<R, Served> = R extends { readonly name: infer N; readonly _?: infer Facts }
  ? NonNullable<Facts> extends {
      readonly domain: infer D extends Domain;
      readonly hidden: infer H;
      readonly actions: infer Acts;
      readonly aggregates: infer G;
    }
    ? ResourceContract<N & TableName<D>, D, H, Acts, Served, G>
    : never
  : never;

/** The contract of a backend: `export interface Api extends ContractOf<typeof app> {}`. */
export type ContractOf<B> =
  B extends Backend<infer Rs>
    ? { [K in keyof Rs]: ContractOfResource<Rs[K], keyof Rs & string> }
    : never;
