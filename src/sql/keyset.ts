// Which rows lie beyond a cursor, as runs of an index in reading order. One condition over several
// keys (`a < x or (a = x and b > y)`) is no index condition, and neither is one over the rows with
// and without a value: each of these parts is a region of its own, read where the earlier ones do
// not fill the page.

export interface Region {
  readonly conditions: readonly string[];
  /** An array of values that the first key must lie between two of: a scan for each gap. */
  readonly gaps: string | undefined;
}

/** One key of the order, `id` last, in the direction of reading. */
export interface Key {
  readonly column: string;
  readonly descending: boolean;
  readonly nullable: boolean;
  /** The cursor's value as SQL, or undefined where it is null. */
  readonly cursor: string | undefined;
}

/** What the filters on the first key leave of it. */
export interface FirstKey {
  /** A filter bounds its values. */
  readonly isBounded: boolean;
  readonly canBeNull: boolean;
  readonly canBeValue: boolean;
  /** The parts of its values, in reading order: around what `ne` and `nin` leave out. */
  readonly splits: () => readonly Region[];
  /** Whether a value is one that they leave in, for a cursor that came from another alternative. */
  readonly keeps: ((cursor: string) => string) | undefined;
}

const operatorOf = ({ descending }: Key): string => (descending ? "<" : ">");
const tie = ({ column, cursor }: Key): string =>
  cursor === undefined ? `${column} is null` : `${column} = ${cursor}`;

/**
 * The regions beyond the cursor, nearest first: the ties of every key but the last, then those of
 * one key less, and so on. NULL is smallest: last where the key descends, first where it ascends.
 */
export function regionsBeyond(keys: readonly Key[], first: FirstKey): readonly Region[] {
  const start = rowStart(keys, first.isBounded);
  const found: Region[] = [];
  for (let depth = start; depth >= 0; depth -= 1) {
    const key = keys[depth];
    if (key === undefined) continue;
    const ties = keys.slice(0, depth).map(tie);
    const row = depth === start ? keys.slice(depth) : [key];
    const { values, nulls } = beyond(row, key);
    if (depth > 0) {
      const kept = keptTies(keys, first);
      for (const one of kept === undefined ? [] : [values, nulls]) {
        if (one !== undefined) {
          found.push({ conditions: [...ties, one, ...(kept ?? [])], gaps: undefined });
        }
      }
      continue;
    }
    if (values !== undefined && (key.cursor !== undefined || first.canBeValue)) {
      found.push(
        ...first.splits().map((split) => ({ ...split, conditions: [...split.conditions, values] })),
      );
    }
    if (nulls !== undefined && first.canBeNull)
      found.push({ conditions: [nulls], gaps: undefined });
  }
  // A cursor from another alternative may lie past all that this one can hold.
  const nothing = { conditions: ["false", ...keys.map(tie)], gaps: undefined };
  return found.length > 0 ? found : [nothing];
}

/** What the cursor's first key must pass besides; undefined where the filters leave it out. */
function keptTies([key]: readonly Key[], first: FirstKey): readonly string[] | undefined {
  if (key?.cursor === undefined) return first.canBeNull ? [] : undefined;
  return first.keeps === undefined ? [] : [first.keeps(key.cursor)];
}

// A row comparison is one index condition (measured as good as a bounding `<=` with an `or`), for
// keys of one direction, of which all but the first are never null. Beside another bound on its
// first column PostgreSQL begins at that bound and steps over every entry up to the cursor; there
// the ties of the cursor's key are a run of their own.
function rowStart(keys: readonly Key[], isBounded: boolean): number {
  let start = keys.length - 1;
  while (start > 0) {
    const [key, next] = [keys[start - 1], keys[start]];
    const joins =
      key?.cursor !== undefined &&
      next !== undefined &&
      key.descending === next.descending &&
      !next.nullable;
    if (!joins || (start === 1 && isBounded)) break;
    start -= 1;
  }
  return start;
}

interface Beyond {
  readonly values: string | undefined;
  /** Read after the values: NULL is the last of a descending key. */
  readonly nulls: string | undefined;
}

function beyond(row: readonly Key[], key: Key): Beyond {
  const { column, cursor, descending, nullable } = key;
  if (cursor === undefined) {
    return { values: descending ? undefined : `${column} is not null`, nulls: undefined };
  }
  const [columns, cursors] = [row.map((one) => one.column), row.map((one) => one.cursor)];
  const values =
    row.length === 1
      ? `${column} ${operatorOf(key)} ${cursor}`
      : `(${columns.join(", ")}) ${operatorOf(key)} (${cursors.join(", ")})`;
  return { values, nulls: nullable && descending ? `${column} is null` : undefined };
}
