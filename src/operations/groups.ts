// Groups of conditions as alternatives: `and`, `or` and `not` become a list of "arms", each of them
// filters that are joined by and, which an index can serve. Pure; what a filter means is decided in
// parse-filter.ts.
//
// `not` is pushed down to the single tests. De Morgan's laws hold in SQL's three-valued logic too,
// and a row is listed only where the whole is true, so arms find what the groups mean.

/** A condition and the groups around it, as in the address: `or`, `0`, `not`. */
export interface Grouped {
  readonly groups?: readonly string[] | undefined;
}

/** Whether a condition is asked for in the negative: it stands under an odd number of `not`. */
export function isNegated({ groups = [] }: Grouped): boolean {
  return groups.filter((word) => word === "not").length % 2 === 1;
}

type Arms<T> = readonly (readonly T[])[];

/** Conditions of one group, and groups within it: all must hold. */
interface Group<T> {
  readonly tests: T[];
  /** By word: `and` and `or` by index, `not` under "". */
  readonly inner: Map<string, Map<string, Group<T>>>;
}

const empty = <T>(): Group<T> => ({ tests: [], inner: new Map() });

/** One arm without groups. The conditions under `not` must be given as what they then ask for. */
export function armsOf<T extends Grouped>(conditions: readonly T[]): Arms<T> {
  if (conditions.every(({ groups }) => groups === undefined || groups.length === 0)) {
    return [conditions];
  }
  const root = empty<T>();
  for (const condition of conditions) placeOf(root, condition.groups ?? []).tests.push(condition);
  return expand(root, false);
}

function placeOf<T>(root: Group<T>, groups: readonly string[]): Group<T> {
  let group = root;
  for (let at = 0; at < groups.length; at += 1) {
    const word = groups[at] ?? "";
    if (word !== "not") at += 1;
    const index = word === "not" ? "" : (groups[at] ?? "");
    const inner = group.inner.get(word) ?? new Map<string, Group<T>>();
    group.inner.set(word, inner);
    const next = inner.get(index) ?? empty<T>();
    inner.set(index, next);
    group = next;
  }
  return group;
}

/** As alternatives of what holds where the group does, or where it is false. */
function expand<T>({ tests, inner }: Group<T>, negated: boolean): Arms<T> {
  const parts = tests.map((one): Arms<T> => [[one]]);
  for (const [word, groups] of inner) {
    const within = [...groups.values()].map((one) => expand(one, negated !== (word === "not")));
    if (word !== "or") parts.push(...within);
    else parts.push(negated ? product(within) : within.flat());
  }
  return negated ? parts.flat() : product(parts);
}

/** Each way to take one arm of every part. */
function product<T>(parts: readonly Arms<T>[]): Arms<T> {
  return parts.reduce<Arms<T>>(
    (arms, part) => arms.flatMap((arm) => part.map((more) => [...arm, ...more])),
    [[]],
  );
}
