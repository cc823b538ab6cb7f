import type { Command } from "commander";
import { describe, expect, test } from "vitest";
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
