// Tests of a part of a value, in policies as in requests: like and ilike take PostgreSQL's pattern,
// contains of text takes the text itself, contains of arrays and jsonb the members.
import { hasMembers, isFreeText } from "./compile-search.ts";
import type { FieldModel, Match } from "./model.ts";

/** The tests of a part that a field can take. */
export function matchesOf(field: FieldModel): readonly Match[] {
  if (isFreeText(field)) return ["like", "ilike", "contains"];
  return hasMembers(field) ? ["contains"] : [];
}

/** The LIKE pattern of everything that contains the text: no character of it is a wildcard. */
export function containsPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, "\\$&")}%`;
}

/** What is wrong with a LIKE pattern: PostgreSQL fails at one whose last backslash stands alone. */
export function patternProblem(pattern: string): string | undefined {
  // Counted from the end: a search for /\\*$/ takes the square of a text full of backslashes.
  let backslashes = 0;
  while (pattern.at(-1 - backslashes) === "\\") backslashes += 1;
  return backslashes % 2 === 0 ? undefined : "ends in a lone backslash; write two for one";
}
