// Every refusal is one readable block that ends with what to do next: no stack, no code of the
// operating system alone.
//
// Planted faults, each red before it was taken out again:
// - requireProjectFolder left out -> --project
// - fileFailure that hands every cause back -> a file
// - a StartError without `fix` -> the first test
// - requireNode left out of the program -> an old Node
// - nameHelp left out -> a mistake in a command
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRepositoryFile, repositoryFiles } from "../../scripts/repository-files.ts";
import { fileFailure } from "../../src/base/file-failure.ts";
import { EXAMPLE } from "../support/backend.ts";
import { type Ended, runProgram } from "./program.ts";
import { copyExample } from "./project-copy.ts";

/** The text of a call's arguments, from its opening bracket on. */
function argumentsFrom(source: string, start: number): string {
  let depth = 0;
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === "(") depth += 1;
    if (source[at] === ")") depth -= 1;
    if (depth === 0) return source.slice(start, at);
  }
  return source.slice(start);
}

test("every refusal in the source says what to do next", () => {
  const files = repositoryFiles().filter((path) =>
    /^src\/(app|base|cli|database|transfer)\/.*\.ts$/.test(path),
  );
  const calls = files.flatMap((path) => {
    const source = readRepositoryFile(path);
    return [...source.matchAll(/new StartError(?=\()/g)].map(({ index, 0: { length } }) => ({
      place: `${path}:${source.slice(0, index).split("\n").length}`,
      text: argumentsFrom(source, index + length),
    }));
  });
  expect(calls.length).toBeGreaterThan(60);
  expect(calls.filter(({ text }) => !/\bfix\b/.test(text)).map(({ place }) => place)).toEqual([]);
});

// Installed in a project, the program is not on the PATH: what is pasted has to begin with npx.
// Planted: "backwright migrate up" as a fix -> red.
test("a command that a message names is one that can be pasted", () => {
  const command = /(?<!npx )\bbackwright (?:migrate|dev|keys|db|database|doctor|start)\b/;
  const files = repositoryFiles().filter((path) =>
    /^src\/(app|base|cli|database|migrate|operations|transfer)\/.*\.ts$/.test(path),
  );
  const places = files
    .filter((path) => !/program\.ts$|setting-table\.ts$/.test(path))
    .flatMap((path) =>
      readRepositoryFile(path)
        .split("\n")
        .filter((line) => !/^\s*(\/\/|\/?\*)|applicationName/.test(line) && command.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
  expect(places).toEqual([]);
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backwright-refusals-"));
  await mkdir(join(folder, "folder"));
  await writeFile(join(folder, "file"), "");
  await writeFile(join(folder, "broken.json"), "{");
  await writeFile(join(folder, "rows.csv"), "name\nYard\n");
  await symlink("loop", join(folder, "loop"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function expectOneBlock({ code, stdout, stderr }: Ended, message: RegExp): void {
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^error .*\n {2}fix: \S.*\n( {2}\(--verbose shows the cause\)\n)?$/);
}

test("an old Node is refused in words before anything that it cannot load", async () => {
  const old = 'Object.defineProperty(process.versions, "node", { value: "20.19.0" })';
  const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(old)}` };
  const run = (...args: string[]) => runProgram(args, { directory: EXAMPLE, environment });
  expectOneBlock(await run("dev"), /^error Node 20\.19\.0 is older than 22\.18: /);
  expectOneBlock(await run("migrate", "status"), /^error Node 20\.19\.0 is older than 22\.18: /);
  expect((await run("version")).stdout).toContain("20.19.0");
});

describe("--project", { concurrent: true }, () => {
  const commands = ["dev", "start", "migrate up", "db url", "keys list", "manifest", "access"];
  test.each([...commands, "doctor", "docs", "export sites"])("of nowhere: %s", async (command) => {
    const path = join(folder, "nowhere");
    const ended = await runProgram([...command.split(" "), "--project", path], { directory: "/" });
    expectOneBlock(ended, /nowhere does not exist\.\n {2}fix: Run this in the folder of your/);
  });

  test("of a file names its folder", async () => {
    const path = join(EXAMPLE, "backend.ts");
    const ended = await runProgram(["--project", path, "manifest"], { directory: "/" });
    expectOneBlock(ended, /backend\.ts is a file, not a folder\.\n {2}fix: --project \/.*orders\n/);
  });

  test("of a folder without a backend says so", async () => {
    const ended = await runProgram(["--project", folder, "dev"], { directory: "/" });
    expectOneBlock(ended, /There is no backend\.ts in /);
  });
});

describe("a file", { concurrent: true }, () => {
  const run = (...args: readonly string[]): Promise<Ended> =>
    runProgram(args, { directory: EXAMPLE });
  const load = (file: string, map: string): Promise<Ended> =>
    run("import", "sites", join(folder, file), "--map", join(folder, map));

  test.each([
    ["nowhere", /The mapping .*nowhere does not exist\.\n {2}fix: --map /],
    ["folder", /The mapping .*folder is a folder, not a file\.\n {2}fix: --map /],
    ["loop", /The mapping .*loop is a link that leads back to itself\./],
    ["file/inside", /The mapping .*inside is, or lies below, a file that is no folder\./],
    ["broken.json", /The mapping .*broken\.json is not JSON.*\n {2}fix: Correct it/],
  ])("of a mapping that cannot be read is refused: %s", async (map, message) => {
    expectOneBlock(await load("rows.csv", map), message);
  });

  test.each([
    ["nowhere.csv", /nowhere\.csv does not exist\./],
    ["folder", /What .*folder holds cannot be told by its name\./],
  ])("to be imported that cannot be read is refused: %s", async (file, message) => {
    await writeFile(join(folder, "good.json"), JSON.stringify({ fields: { name: "name" } }));
    expectOneBlock(await load(file, "good.json"), message);
  });

  test("of a page that cannot be written is refused", async () => {
    const ended = await run("docs", "--out", join(folder, "file"));
    expectOneBlock(ended, /file is a file, not a folder\.\n {2}fix: --out/);
  });

  test("of settings that is a folder is refused", async () => {
    const directory = join(folder, "settings");
    await mkdir(join(directory, ".env"), { recursive: true });
    const ended = await runProgram(["manifest"], { directory });
    expectOneBlock(ended, /\.env is a folder, not a file\.\n {2}fix: Make it a file/);
  });

  test("that this user may not open is told in words", () => {
    const cause = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    expect(fileFailure("/a", cause, "b")).toMatchObject({
      message: "/a may not be opened by this user.",
      fix: "b",
    });
    const other = new TypeError("a fault of ours");
    expect(fileFailure("/a", other, "b")).toBe(other);
  });
});

// Planted: the look made with what makes one -> red.
test("a look at a database that was never made says what makes it, and makes none", async () => {
  const project = await copyExample();
  const id = "00000000-0000-0000-0000-000000000000";
  const { directory } = project;
  const environment = { DATABASE_URL: "" }; // What is empty counts as not set.
  const run = (command: string) => runProgram(command.split(" "), { directory, environment });
  for (const command of ["migrate status", "keys list", "db url", `keys revoke ${id}`]) {
    expectOneBlock(
      await run(command),
      /no development database yet\.\n {2}fix: npx backwright dev/,
    );
  }
  expect(existsSync(await project.dataDirectory())).toBe(false);
  await project.remove();
});

describe("a mistake in a command names the help of that command", { concurrent: true }, () => {
  test.each([
    [["keys"], "keys create"],
    [["keys", "rotat"], "keys"],
    [["keys", "create"], "keys create"],
    [["db", "url", "--ap"], "database url"],
    [["migrate", "down", "--steps", "x"], "migrate down"],
    [["deev"], ""],
  ])("%j", async (args, command) => {
    const { code, stderr } = await runProgram(args, { directory: "/" });
    const help = ["backwright", command, "--help"].filter((part) => part !== "").join(" ");
    const expected = args.length === 1 && command !== "" ? "Usage: backwright keys" : `(${help} `;
    expect([code, stderr]).toEqual([1, expect.stringContaining(expected)]);
  });
});
