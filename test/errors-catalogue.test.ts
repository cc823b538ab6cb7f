// The error catalogue and its page say the same, and the catalogue keeps its own rules.
import { describe, expect, test } from "vitest";
import { ERRORS_PAGE, renderErrorsPage } from "../scripts/gen-errors.ts";
import { readRepositoryFile } from "../scripts/repository-files.ts";
import { ERROR_CATALOGUE } from "../src/base/errors.ts";

interface Row {
  readonly code: string;
  readonly status: number;
  readonly meaning: string;
}

/** Reads the table as a reader does, independent of how it was written. */
function rowsOf(page: string): Row[] {
  const row = /^\| `(?<code>[^`]+)` \| (?<status>\d+) \| (?<meaning>[^|]+) \| [^|]+ \|$/gm;
  return [...page.matchAll(row)].map(({ groups = {} }) => ({
    code: groups.code ?? "",
    status: Number(groups.status),
    meaning: (groups.meaning ?? "").replaceAll("&lt;", "<"),
  }));
}

const entries = Object.entries(ERROR_CATALOGUE);

describe("the error catalogue", () => {
  // Planted faults: a row deleted from the page, a status changed there, a code added to the
  // catalogue only -> red.
  test("stands in docs/reference/errors.md, code for code and status for status", () => {
    const documented = rowsOf(readRepositoryFile(ERRORS_PAGE));
    const known = entries.map(([code, { status, message }]) => ({
      code,
      status,
      meaning: message,
    }));
    expect(documented).toEqual(known);
  });

  test("is what docs/reference/errors.md was made from (else: npm run docs:errors)", () => {
    expect(readRepositoryFile(ERRORS_PAGE)).toBe(renderErrorsPage());
  });

  test("has codes of upper-case words without prefix, in alphabetical order", () => {
    const codes = entries.map(([code]) => code);
    expect(codes.filter((code) => !/^[A-Z]+(?:_[A-Z]+)*$/.test(code))).toEqual([]);
    expect(codes).toEqual([...codes].sort());
  });

  test("gives every code a status of failure, a sentence and something to do", () => {
    const odd = entries.filter(([, { status, message, advice }]) => {
      const areSentences = [message, advice].every((text) => /^[A-Z].*[.>]$/.test(text));
      return status < 400 || status > 599 || !areSentences;
    });
    expect(odd).toEqual([]);
  });
});
