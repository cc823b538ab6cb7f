// Names that were nearly right: what somebody meant who wrote one letter wrong.

/** The same but for one letter too many, too few or wrong, or two exchanged. */
export function isNearly(given: string, known: string): boolean {
  if (Math.abs(given.length - known.length) > 1) return false;
  let start = 0;
  while (start < known.length && given[start] === known[start]) start += 1;
  const rest = (text: string, from: number): string => text.slice(from);
  const [g1 = "", g2 = ""] = [given[start], given[start + 1]];
  return (
    rest(given, start + 1) === rest(known, start + 1) ||
    rest(given, start + 1) === rest(known, start) ||
    rest(given, start) === rest(known, start + 1) ||
    (g1 === known[start + 1] &&
      g2 === known[start] &&
      rest(given, start + 2) === rest(known, start + 2))
  );
}

// LIMIT: one letter of three makes any word of any other.
const MEANT_LENGTH_MIN = 4;

/** The name that was meant, whatever its capitals and underscores; undefined where none is near. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, "");
  const wanted = plain(given);
  return (
    known.find((one) => plain(one) === wanted) ??
    known.find((one) => one.length >= MEANT_LENGTH_MIN && isNearly(wanted, plain(one)))
  );
}

/** For messages: `allowed: id, title; did you mean title?` */
export function allowedNames(given: string, known: readonly string[], none = "nothing"): string {
  if (known.length === 0) return `allowed: ${none}`;
  const meant = nearest(given, known);
  return `allowed: ${known.join(", ")}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}
