// The style rules that no formatter knows hold in every file of the repository.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findDroppedPromises } from "../scripts/check-promises.ts";
import { checkTidy } from "../scripts/check-tidy.ts";
import { ROOT, readRepositoryFile, repositoryFiles } from "../scripts/repository-files.ts";

const planted: string[] = [];
afterAll(() => planted.forEach((folder) => void rmSync(folder, { recursive: true })));

/** A folder inside the repository, so that its packages and settings are found; git ignores it. */
function plantFolder(): string {
  mkdirSync(join(ROOT, ".checks"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".checks", "planted-"));
  planted.push(folder);
  return folder;
}

describe("the repository", () => {
  test("is tidy in every file that git knows or would add", () => {
    const paths = repositoryFiles();
    // An empty list would pass every rule.
    expect(paths.length).toBeGreaterThan(30);
    expect(paths).toContain("package-lock.json");
    const problems = paths.flatMap((path) => {
      const source = readRepositoryFile(path);
      return source.includes("\0") ? [] : checkTidy(path, source);
    });
    expect(problems).toEqual([]);
  });

  test("drops no promise", { timeout: 60_000 }, () => {
    expect(findDroppedPromises(join(ROOT, "tsconfig.json"), ROOT)).toEqual([]);
  });
});

// Each row plants one fault and says what the checker must answer. Needles are put together here,
// because this file is checked too.
describe("the checker of style", () => {
  const header = "// Owns something.\n";

  test("finds nothing in a tidy module", () => {
    const source = [
      header,
      'export const words = "as any, : any, new Date(), TO" + "DO";',
      "export const many = /: any/.test(words); // many words, any of them",
      "export const at = (ms: number, anything: string): Date => new Date(ms + anything.length);",
      "export const pick = (found: boolean, any: string) => (found ? any : any);",
    ].join("\n");
    expect(checkTidy("src/base/tidy-module.ts", source)).toEqual([]);
  });

  test.each([
    ["a line of 101 columns", "src/a.ts", `${header}// ${"x".repeat(98)}`, /:2: 101 columns/],
    ["a file of 401 lines", "src/a.ts", header + "//\n".repeat(400), /more than 400 lines/],
    ["a cast to any", "src/a.ts", `${header}const a = 1 as any;`, /any switches types off/],
    ["a parameter of any", "test/a.ts", `${header}const a = (b: any) => b;`, /types off/],
    ["an optional any", "src/a.ts", `${header}type A = { b?: any };`, /types off/],
    ["a list of any", "src/a.ts", `${header}type A = any[];`, /types off/],
    ["any as an argument", "src/a.ts", `${header}type A = Set<any>;`, /types off/],
    ["an ignored error", "test/a.ts", `${header}// @ts-${"ignore"}\n`, /silences the compiler/],
    ["an expected error in src", "src/a.ts", `${header}// @ts-${"expect-error"}\n`, /for tests/],
    ["the present time", "src/a.ts", `${header}const a = Date.now();`, /reads the clock/],
    ["a new date of now", "src/a.ts", `${header}const a = new Date();`, /reads the clock/],
    ["a clock of its own", "src/a.ts", `${header}const a = performance.now();`, /reads the clock/],
    ["a promise to nobody", "docs/a.md", `x\n${"TO"}DO: more`, /a\.md:2: TODO is a promise/],
    ["the same in code", "src/a.ts", `${header}// ${"FIX"}ME`, /:2: FIXME is a promise/],
    ["no header", "src/a.ts", "export {};", /without a comment/],
    ["a camel-case name", "src/base/myClock.ts", header, /kebab-case/],
    ["a camel-case folder", "src/myBase/clock.ts", header, /kebab-case/],
    ["a folder for anything", `src/${"ut"}ils/clock.ts`, header, /says nothing/],
    ["a file for anything", `src/base/${"help"}ers.ts`, header, /says nothing/],
    ["a path of one machine", "docs/a.md", `see /${"work"}/main`, /path of one machine/],
    ["a home folder", "docs/a.md", `see /${"home"}/ada/main`, /path of one machine/],
    [
      "a registry in a lockfile",
      "package-lock.json",
      `https://registry.${"npmjs"}.org/x`,
      /address/,
    ],
  ])("finds %s", (_fault, path, source, expected) => {
    const problems = checkTidy(path, source);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });
});

describe("the linter", () => {
  // The rule for promises is among those that a new version of Biome may rename or drop.
  test("is configured so that its rules fire", () => {
    const source = [
      "// Owns a fault of each kind.",
      'import { readFileSync } from "node:fs";',
      'import { resolve } from "node:path";',
      'import { Pool } from "pg";',
      "async function work(given: any): Promise<Pool> {",
      "  return given;",
      "}",
      "export function main(unused: string, list: number[]) {",
      "  const many = list[0]!;",
      "  work(many);",
      ...new Array(70).fill("  resolve();"),
      "}",
    ].join("\n");
    const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
    const folder = plantFolder();
    writeFileSync(join(folder, "planted.ts"), `${source}\n`);
    // git ignores the folder, and so would Biome.
    const args = [biome, "lint", "--vcs-enabled=false", "--max-diagnostics=none", folder];
    const options = { cwd: ROOT, encoding: "utf8" } as const;
    const { stdout, stderr, status } = spawnSync(process.execPath, args, options);
    const rules = `${stdout}${stderr}`.matchAll(/lint\/\w+\/(?<rule>\w+)/g);
    expect([...new Set([...rules].map((match) => match.groups?.rule))].sort()).toEqual([
      "noExcessiveLinesPerFunction",
      "noExplicitAny",
      "noFloatingPromises",
      "noNonNullAssertion",
      "noUnusedFunctionParameters",
      "noUnusedImports",
      "useImportType",
    ]);
    expect(status).toBe(1);
  });
});

describe("the checker of promises", () => {
  test("finds what Biome cannot see, and lets pass what is meant", { timeout: 60_000 }, () => {
    const source = [
      'import { setTimeout as sleep } from "node:timers/promises";',
      'import type { Pool } from "pg";',
      "export async function run(pool: Pool, maybe: () => Promise<void> | undefined) {",
      '  pool.query("dropped");',
      "  sleep(1);",
      "  maybe();",
      "  run(pool, maybe).then(() => 1);",
      "  run(pool, maybe).finally(() => 1);",
      '  await pool.query("awaited");',
      '  void pool.query("meant");',
      '  pool.query("handled").catch(() => undefined);',
      "  run(pool, maybe).then(() => 1, () => 2);",
      "  pool.listenerCount('error');",
      "}",
    ];
    const folder = plantFolder();
    writeFileSync(join(folder, "planted.ts"), source.join("\n"));
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, '{ "extends": "../../tsconfig.json", "include": ["*.ts"] }');
    const lines = findDroppedPromises(config, folder).map((problem) => problem.split(":")[1]);
    expect(lines).toEqual(["4", "5", "6", "7", "8"]);
  });
});
