// The commands as a whole: the page about them is made of them, each shows an example, the shell
// completes what there is, and the version is the package's.
import { execFileSync, spawnSync } from "node:child_process";
import type { Command } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { CLI_PAGE, renderCliPage } from "../../scripts/gen-cli.ts";
import { readRepositoryFile } from "../../scripts/repository-files.ts";
import { createProgram } from "../../src/cli/program.ts";
import { EXAMPLE } from "../support/backend.ts";
import { runProgram } from "./program.ts";

const leaves = (command: Command): readonly Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);

test("docs/reference/cli.md is made of the commands (else: npm run docs:cli)", () => {
  expect(readRepositoryFile(CLI_PAGE)).toBe(renderCliPage(createProgram()));
});

test("every command has an example in its help", () => {
  const texts = leaves(createProgram()).map((command) => {
    let text = "";
    command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
    return text;
  });
  expect(texts.length).toBeGreaterThan(15);
  for (const text of texts) expect(text).toMatch(/\nExamples?:\n {2}\S/);
});

test("--version prints the version of the package and nothing else", async () => {
  const { version } = JSON.parse(readRepositoryFile("package.json"));
  const { code, stdout, stderr } = await runProgram(["--version"], { directory: "/" });
  expect([code, stdout, stderr]).toEqual([0, `${version}\n`, ""]);
});

describe("completion", () => {
  let script: string;
  beforeAll(async () => {
    script = (await runProgram(["completion", "bash"], { directory: "/" })).stdout;
  });

  const complete = (...words: readonly string[]): readonly string[] => {
    const typed = ["backwright", ...words].map((word) => `'${word}'`).join(" ");
    const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _backwright`;
    const text = `${script}\n${ask}; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", text], { encoding: "utf8" }).trim().split("\n");
  };

  test.each([
    [["mig"], ["migrate"]],
    [["migrate", "s"], ["status"]],
    [
      ["migrate", ""],
      ["down", "new", "status", "up"],
    ],
    [
      ["--project", "examples", "keys", "r"],
      ["revoke", "rotate"],
    ],
    [["db", "re"], ["reset"]],
    [["keys", "create", "--sub"], ["--subject"]],
    [["completion", "z"], ["zsh"]],
    [["migrate", "status", "--verb"], ["--verbose"]],
  ])("of %j in bash offers %j", (words, expected) => {
    const offered = complete(...words);
    expect(words.at(-1) === "" ? offered.filter((word) => !word.startsWith("-")) : offered).toEqual(
      expected,
    );
  });

  test.each(["zsh", "fish"])("for %s names every command and has its grammar", async (shell) => {
    const { code, stdout } = await runProgram(["completion", shell], { directory: "/" });
    expect(code).toBe(0);
    for (const word of ["migrate", "rotate", "--grace-minutes"]) expect(stdout).toContain(word);
    const check = spawnSync(shell, ["-n"], { input: stdout });
    if (check.error === undefined) expect(check.stderr.toString()).toBe("");
  });

  test("of a shell that is not known is refused with those that are", async () => {
    const { code, stderr } = await runProgram(["completion", "tcsh"], { directory: "/" });
    expect([code, stderr]).toEqual([1, expect.stringContaining("bash, zsh, fish")]);
  });
});

describe("a command that prints for another repository", () => {
  test("client is TypeScript alone on standard output, for a role too", async () => {
    const whole = await runProgram(["client"], { directory: EXAMPLE });
    expect([whole.code, whole.stderr]).toEqual([0, ""]);
    expect(whole.stdout).toBe(readRepositoryFile("test/golden/contract.ts"));
    const viewer = await runProgram(["client", "--role", "viewer"], { directory: EXAMPLE });
    expect(viewer.stdout).toContain("as far as the role viewer may use it");
    const wrong = await runProgram(["client", "--role", "king"], { directory: EXAMPLE });
    expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
    expect(wrong.stderr).toMatch(/There is no role "king"\.\n {2}fix: --role manager/);
  });
});
