// Tables, columns and relations as the declaration types see them: what policies and actions are
// both made of. Types only.
import type { AnyRelations } from "drizzle-orm";

/** What `define` learns. An application names its own: `interface App extends DomainOf<…> {}`. */
export interface Domain {
  readonly relations: AnyRelations;
  readonly role: string;
  /** Claim name → its kind. */
  readonly claims: object;
}

/** The name of a table: its key in the schema that the relations were defined over. */
export type TableName<D extends Domain> = keyof D["relations"] & string;

/** As much of a Drizzle column as policies need: comparing whole columns is what costs time. */
interface ColumnFacts {
  readonly _: { readonly data: unknown; readonly dataType: string; readonly notNull: boolean };
}

export type Columns<N extends TableName<D>, D extends Domain> = D["relations"][N]["table"] extends {
  readonly _: { readonly columns: infer C extends Record<string, ColumnFacts> };
}
  ? C
  : never;
export type Field<N extends TableName<D>, D extends Domain> = keyof Columns<N, D> & string;
export type Relations<N extends TableName<D>, D extends Domain> = D["relations"][N]["relations"];

export type Target<Rel, D extends Domain> = Rel extends { readonly targetTableName: infer T }
  ? T & TableName<D>
  : never;
