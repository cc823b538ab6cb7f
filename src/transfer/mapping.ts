// The mapping of an import: what a file's records mean in the words of a resource. Data, written as
// JSON; these are its types, and check-mapping.ts reads it.

/** What may be said about any value. An empty value stays empty unless `default` fills it. */
export interface Modifiers {
  /** Empty unless this has a value. */
  readonly when?: Expression | undefined;
  readonly upper?: boolean | undefined;
  readonly lower?: boolean | undefined;
  /** Given value → wanted value, in any case of letters. Anything else is refused. */
  readonly values?: Readonly<Record<string, string>> | undefined;
  /** A regular expression for the whole value. */
  readonly match?: string | undefined;
  readonly prefix?: string | undefined;
  readonly suffix?: string | undefined;
  /** What an instant looks like, in the tokens of Luxon: `MM/dd/yyyy hh:mm:ss a`. */
  readonly time?: string | undefined;
  /** Instead of the time zone of the mapping. */
  readonly timeZone?: string | undefined;
  /** What a day looks like, in the same tokens: `M/d/yyyy`. For fields that hold a date. */
  readonly date?: string | undefined;
  /** Which sign stands before the decimals, where it is not a point. */
  readonly decimal?: "," | undefined;
  /** Makes a list of a value: the text between its entries. */
  readonly separator?: string | undefined;
  readonly default?: string | undefined;
  readonly required?: boolean | undefined;
}

/** A value of a record: a column by its name, a constant, or one made of others. */
export type Expression =
  | string
  | (Modifiers & { readonly column: string })
  | (Modifiers & { readonly value: string })
  /** The first that is not empty. */
  | (Modifiers & { readonly first: readonly Expression[] })
  /** All that are not empty, with a text between them. */
  | (Modifiers & {
      readonly join: readonly Expression[];
      readonly with?: string | undefined;
      /** Each value once, whatever its letters' case. */
      readonly distinct?: boolean | undefined;
      readonly sort?: boolean | undefined;
    });

/** The id of a record of another resource, found by a unique key, created where it is missing. */
export interface LookUp {
  readonly find: string;
  readonly by: Readonly<Record<string, Expression>>;
  /** `Noise` and `NOISE` are one name. LIMIT: for resources of at most 10,000 records. */
  readonly ignoreCase?: boolean | undefined;
  /** Further fields of a record that is created; `true` for none. Without it a miss is refused. */
  readonly create?: true | Readonly<Record<string, Expression>> | undefined;
  readonly required?: boolean | undefined;
}

/** A row is passed over where the value is one of `in`, or empty. */
export type Skip =
  | { readonly value: Expression; readonly in: readonly string[] }
  | { readonly value: Expression; readonly empty: true };

export interface Mapping {
  /** Of times without an offset, as IANA names it. */
  readonly timeZone: string;
  /** Between the cells of CSV. */
  readonly delimiter: string;
  /** Values that mean nothing, in any case of letters. */
  readonly empty: readonly string[];
  /** Whether runs of spaces inside a value become one. */
  readonly squeeze: boolean;
  /** Whether values are taken as they stand: spaces around them, empty texts and null included. */
  readonly exact: boolean;
  /** The unique field, or fields, by which a record is known again: makes an import repeatable. */
  readonly key?: string | readonly string[] | undefined;
  /** What becomes of a record that is there. */
  readonly whenPresent: "skip" | "update";
  readonly skip: readonly Skip[];
  readonly fields: Readonly<Record<string, Expression | LookUp>>;
}

export const isLookUp = (source: Expression | LookUp): source is LookUp =>
  typeof source === "object" && "find" in source;

/** Every column that a mapping names: a file without one of them is not the file that is meant. */
export function columnsOf({ fields, skip }: Mapping): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (source: Expression | undefined): void => {
    if (source === undefined) return;
    if (typeof source === "string") {
      found.add(source);
      return;
    }
    visit(source.when);
    if ("column" in source) found.add(source.column);
    if ("first" in source) source.first.forEach(visit);
    if ("join" in source) source.join.forEach(visit);
  };
  for (const { value } of skip) visit(value);
  for (const source of Object.values(fields)) {
    if (!isLookUp(source)) visit(source);
    else {
      const { by, create } = source;
      const made = typeof create === "object" ? create : {};
      for (const one of [...Object.values(by), ...Object.values(made)]) visit(one);
    }
  }
  return found;
}
