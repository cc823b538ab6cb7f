// In a real terminal, a pseudo-terminal of `script` (util-linux): colours, Ctrl-C as a key, and a
// window that is closed.
import { spawn, spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { commandLine, type Environment, type Program, runProgram, watch } from "./program.ts";
import { copyExample, type ProjectCopy } from "./project-copy.ts";

const ESCAPE = "\u001b";
const CTRL_C = "\u0003";
const hasScript = spawnSync("script", ["--version"]).stdout?.toString().includes("util-linux");

let project: ProjectCopy;
const programs: Program[] = [];
beforeAll(async () => {
  project = await copyExample();
});
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill("SIGKILL");
});
afterAll(() => project?.remove());

/** Runs the program with a terminal for all three of its streams. */
function inTerminal(args: readonly string[], environment: Environment = {}): Program {
  const line = commandLine(args)
    .map((word) => `'${word}'`)
    .join(" ");
  const { PATH, HOME } = process.env;
  const child = spawn("script", ["-qefc", `exec ${line}`, "/dev/null"], {
    cwd: project.directory,
    env: { PATH, HOME, TERM: "xterm-256color", PORT: "0", ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const program = watch(child);
  programs.push(program);
  return program;
}

describe.skipIf(!hasScript)("in a terminal", () => {
  test("an error is coloured, and with NO_COLOR it is not", async () => {
    const coloured = await inTerminal(["start"]).ended;
    expect(coloured.code).toBe(1);
    expect(coloured.stdout).toContain(`${ESCAPE}[31merror${ESCAPE}[39m`);
    const plain = await inTerminal(["start"], { NO_COLOR: "1" }).ended;
    expect(plain.stdout).not.toContain(ESCAPE);
    expect(plain.stdout).toContain("error DATABASE_URL is not set");
    const piped = await runProgram(["start"], { directory: project.directory });
    expect(piped.stderr).not.toContain(ESCAPE);
  });

  test("the banner is coloured, Ctrl-C ends it with 0, and PostgreSQL with it", async () => {
    const program = inTerminal(["dev"]);
    await program.prints(/Ctrl-C stops/);
    expect(program.stdout()).toContain(`${ESCAPE}[1mwork-orders`);
    program.child.stdin?.write(CTRL_C);
    const { code, stdout } = await program.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining("Stopping")]);
    expect(await project.postmaster()).toBeUndefined();
  });

  // Planted fault: any answer taken for a yes -> red.
  test("what deletes asks first, and only yes is a yes", async () => {
    for (const [answer, code] of [
      ["n", 1],
      ["", 1],
      ["y", 0],
    ] as const) {
      const program = inTerminal(["db", "reset"]);
      await program.prints(/Delete the development database of work-orders, for good\? \[y\/N\]/);
      program.child.stdin?.write(`${answer}\r`);
      const ended = await program.ended;
      expect([answer, ended.code]).toEqual([answer, code]);
      expect(ended.stdout).toMatch(code === 0 ? /is gone/ : /Nothing was deleted/);
    }
  });

  // Planted fault: SIGHUP not handled, or an error of standard output not caught -> red.
  test("a window that is closed ends it in good order as well", async () => {
    const program = inTerminal(["dev"]);
    await program.prints(/Ctrl-C stops/);
    await program.kill("SIGKILL"); // `script` dies, and with it the terminal.
    await expect.poll(() => project.postmaster(), { timeout: 10_000 }).toBeUndefined();
  });
});

describe("a reader that goes away", () => {
  test("does not end what serves", async () => {
    const words = commandLine(["dev"])
      .map((word) => `'${word}'`)
      .join(" ");
    const environment = { ...process.env, PORT: "0" };
    const child = spawn("sh", ["-c", `${words} | head -n 2`], {
      cwd: project.directory,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const program = watch(child);
    const [, url = ""] = await program.prints(/serves on (http:\S+)/);
    await expect
      .poll(async () => (await fetch(`${url}/health`)).status, { timeout: 5_000 })
      .toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await fetch(`${url}/health`)).status).toBe(200);
    program.interrupt();
    const { stderr } = await program.ended;
    expect(stderr).not.toMatch(/EPIPE/);
    expect(await project.postmaster()).toBeUndefined();
  });
});
