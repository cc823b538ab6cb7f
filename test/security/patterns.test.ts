// Check 36: no regular expression of ours can be made to backtrack without end. Each one in src/
// and in the example is read out of the source and judged by redos-detector; those with an
// unbounded score are listed here, with where their input comes from. Then each of the others meets
// 50 KB of its own characters: what that took is reported, never asserted.
//
// Planted, each red before it was taken out again:
// - /^(\w+\s?)*$/ in src/rest/query.ts -> judged
// - new RegExp of a query parameter in src/rest/query.ts -> put together at run time

import { isSafe } from "redos-detector";
import { describe, expect, test } from "vitest";
import { readRepositoryFile, repositoryFiles } from "../../scripts/repository-files.ts";
import { maskText } from "../../scripts/source-text.ts";

/** Unbounded, because they may begin anywhere in a text: none of them sees a caller's. */
const UNBOUNDED: Readonly<Record<string, string>> = {
  '\\bbw_\\w{8}|"[^"]*(?:password|secret|token|credential)[^"]*"\\s*:':
    "bodies, in development alone: once through each text between quotes",
  "\\{(\\w+)\\}": "paths of our OpenAPI document",
  '"\\$ref":"#\\/components\\/(\\w+)\\/([^"/]+)': "our OpenAPI document",
  "^(.*:)(\\d+\\.\\d+\\.\\d+\\.\\d+)$": "an address that node:net has taken, of 45 characters",
  "(file:\\/\\/[^\\s()]*?):(\\d+)": "the stack of a project that does not load",
  "'[^']*'": "the form of a time in a mapping file",
  "\\/+$": "addresses of a configuration",
  "^_+|_+$": "the name of a project",
  "error:.*locale": "what initdb prints",
  "^(\\S+)\\s+(.+)$": "/proc, ps",
  "could not (load library|access file) .*pg_stat_statements": "PostgreSQL's log",
  'pre-existing shared memory block|lock file ".*" already exists': "PostgreSQL's log",
  "\\s*\\n\\s*": "descriptions of a model",
  "\\(\\d+\\)$": "SQL types of a model",
  "\\((\\d+)\\)": "SQL types of a model",
  '"((?:[^"\\\\]|\\\\.)*)"|([^,{}"]+)': "array literals that PostgreSQL wrote",
  '"(?:[^"\\\\]|\\\\.)*"(?:\\s*:)?|[{}[\\]]':
    "a body that has been parsed as JSON: quotes are paired",
};

/** Files that put a pattern together at run time, and of what. */
const AT_RUN_TIME: Readonly<Record<string, string>> = {
  "src/migrate/script.ts": "constants",
  "src/model/range-text.ts": "constants",
  "src/model/time-text.ts": "constants",
  "src/transfer/check-mapping.ts": "a mapping file of whoever runs an import, never a request",
  "src/transfer/evaluate.ts": "a mapping file of whoever runs an import, never a request",
};

interface Found {
  readonly where: string;
  readonly pattern: RegExp;
}

const files = repositoryFiles().filter((path) => /^(?:src|examples)\/.*\.ts$/.test(path));
const found = files.flatMap((path): Found[] => {
  const source = readRepositoryFile(path);
  // Insides of patterns are blank there; nothing else stands between two slashes so.
  return [...maskText(source).code.matchAll(/\/( +)\/([dgimsuvy]*)/g)].map((match) => {
    const start = match.index + 1;
    const text = source.slice(start, start + (match[1]?.length ?? 0));
    return { where: path, pattern: new RegExp(text, match[2]) };
  });
});

const judged = new Map<RegExp, boolean>();
function isUnbounded(pattern: RegExp): boolean {
  const known = judged.get(pattern);
  if (known !== undefined) return known;
  const { infinite } = isSafe(pattern, { maxScore: 200, maxSteps: 5_000 }).score;
  judged.set(pattern, infinite);
  return infinite;
}

test("patterns are found, those that every request meets among them", () => {
  expect(found.length).toBeGreaterThan(50);
  for (const path of ["src/rest/query.ts", "src/rest/routes.ts", "src/model/fields.ts"]) {
    expect(found.map(({ where }) => where)).toContain(path);
  }
});

test("none of them backtracks without a bound, but for those that no caller reaches", () => {
  const unknown = found.filter(
    ({ pattern }) => isUnbounded(pattern) && UNBOUNDED[pattern.source] === undefined,
  );
  expect(unknown.map(({ where, pattern }) => `${where}: ${pattern}`)).toEqual([]);
});

test("none is put together of what a caller says", () => {
  const made = files.filter((path) => /new RegExp\(|\bRegExp\(/.test(readRepositoryFile(path)));
  expect(made).toEqual(Object.keys(AT_RUN_TIME));
});

describe("50 KB of a pattern's own characters", () => {
  const LENGTH = 51_200;
  const ALWAYS = [
    "a",
    "0",
    " ",
    "-",
    '"',
    "\\",
    "/",
    "=",
    "2026-01-01T00:00:00",
    "[a]",
    "aA0_",
    "\u{1f600}",
  ];

  test("are read by each pattern", async ({ annotate }) => {
    let slowest = { ms: 0, what: "" };
    for (const { where, pattern } of found) {
      if (isUnbounded(pattern)) continue; // It could not be stopped: a pattern runs to its end.
      const own = [...new Set(pattern.source.replace(/[\\^$()[\]?*+|{}]/g, ""))];
      for (const part of [...ALWAYS, ...own, pattern.source.slice(0, 5)]) {
        const text = part.repeat(Math.ceil(LENGTH / part.length)).slice(0, LENGTH);
        for (const end of ["", "\0", "!"]) {
          const start = performance.now();
          pattern.test(text + end);
          const ms = performance.now() - start;
          if (ms > slowest.ms) slowest = { ms, what: `${where} ${pattern} of ${part}` };
        }
      }
    }
    await annotate(`slowest: ${slowest.ms.toFixed(1)} ms, ${slowest.what}`);
  });
});
