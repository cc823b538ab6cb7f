// Which known name somebody meant who wrote another one.

/** Letters too many, too few, wrong, or two beside each other exchanged: each counts one. */
export function editDistance(given: string, known: string): number {
  let before: number[] = [];
  let last = Array.from({ length: known.length + 1 }, (_, at) => at);
  for (let row = 1; row <= given.length; row += 1) {
    const next = [row];
    for (let at = 1; at <= known.length; at += 1) {
      const isSame = given[row - 1] === known[at - 1];
      const isExchanged = given[row - 1] === known[at - 2] && given[row - 2] === known[at - 1];
      next[at] = Math.min(
        (last[at - 1] ?? 0) + (isSame ? 0 : 1),
        (last[at] ?? 0) + 1,
        (next[at - 1] ?? 0) + 1,
        isExchanged ? (before[at - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, next];
  }
  return last[known.length] ?? 0;
}

const plain = (name: string): string => name.toLowerCase().replace(/[\s_-]/g, "");

/** Undefined: none is near. Case, spaces, - and _ do not count; a part of a name is near it. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  // LIMIT: a long text is no misspelt name, and comparing it takes long.
  const own = plain(given.slice(0, 100));
  let found: string | undefined;
  let least = Math.max(1, Math.floor(own.length / 3)) + 1;
  for (const name of known) {
    const other = plain(name);
    const isPart = own.length > 2 && other.length > 2;
    const isNear = isPart && (other.includes(own) || own.includes(other));
    const distance = Math.min(editDistance(own, other), isNear ? 1 : Number.POSITIVE_INFINITY);
    if (distance < least) [found, least] = [name, distance];
  }
  return found;
}

/** ` Did you mean "title"?`, or nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  const name = nearest(given, known);
  return name === undefined ? "" : ` Did you mean "${name}"?`;
}
