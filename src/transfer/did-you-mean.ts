// Which name of a mapping, a model or a file somebody meant, as a sentence.
import { nearest } from "../base/spelling.ts";

/** ` Did you mean "timeZone"?`, or nothing. A part of a name is near it: `zone`. */
export function didYouMean(given: string, known: readonly string[]): string {
  const part = given.toLowerCase();
  const isPart = (name: string): boolean => part.length > 2 && name.toLowerCase().includes(part);
  const meant = nearest(given, known) ?? known.find(isPart);
  return meant === undefined ? "" : ` Did you mean "${meant}"?`;
}
