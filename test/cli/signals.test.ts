// How commands end before their end: a signal, a reader that is gone; and when they colour.
//
// Planted faults, each red before it was taken out again:
// - releaseOnSignal that does nothing -> Ctrl-C
// - no listener for errors of standard output -> a reader
import { spawn, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE } from "../support/backend.ts";
import { commandLine, type Environment, runProgram, startProgram, watch } from "./program.ts";
import { copyExample, type ProjectCopy } from "./project-copy.ts";

const ESCAPE = "\u001b";
const quoted = (args: readonly string[]): string =>
  commandLine(args)
    .map((word) => `'${word}'`)
    .join(" ");

let project: ProjectCopy;
beforeAll(async () => {
  project = await copyExample();
  const folder = join(project.directory, "migrations/0006-slow");
  await mkdir(folder);
  await writeFile(join(folder, "up.sql"), "select pg_sleep(60);\n");
});
afterAll(() => project?.remove());

describe("a command on the embedded database", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at %s with %d, and its PostgreSQL with it", async (signal, code) => {
    const program = startProgram(["migrate", "up"], { directory: project.directory });
    await program.prints(/Applying 0006-slow/);
    const ended = await program.kill(signal);
    expect([ended.code, ended.stderr]).toEqual([code, expect.not.stringContaining("error")]);
    expect(await project.postmaster()).toBeUndefined();
  });
});

describe("a reader that has gone", { concurrent: true }, () => {
  test.each(["manifest", "--help", "access", "client", "completion zsh", "doctor"])(
    "is no reason to fail: %s",
    async (command) => {
      const line = `${quoted(command.split(" "))} | head -c 1`;
      const program = watch(
        spawn("sh", ["-c", line], { cwd: EXAMPLE, stdio: ["ignore", "pipe", "pipe"] }),
      );
      const { code, stdout, stderr } = await program.ended;
      expect([code, stdout.length, stderr]).toEqual([0, 1, ""]);
    },
  );
});

const hasScript = spawnSync("script", ["--version"]).stdout?.toString().includes("util-linux");

describe("colours", { concurrent: true }, () => {
  const piped = async (environment: Environment): Promise<string> => {
    const ended = await runProgram(["start"], { directory: EXAMPLE, environment });
    return ended.stderr;
  };

  test("are for terminals, or where FORCE_COLOR asks for them", async () => {
    expect(await piped({})).not.toContain(ESCAPE);
    expect(await piped({ FORCE_COLOR: "1" })).toContain(`${ESCAPE}[31merror`);
    expect(await piped({ FORCE_COLOR: "0" })).not.toContain(ESCAPE);
  });

  test.skipIf(!hasScript)("are not for a dumb terminal", async () => {
    for (const [args, text] of [
      [["start"], "error DATABASE_URL is not set"],
      [["access"], "workOrders"],
      [["--help"], "Usage"],
    ] as const) {
      const { PATH, HOME } = process.env;
      const child = spawn("script", ["-qefc", quoted(args), "/dev/null"], {
        cwd: EXAMPLE,
        env: { PATH, HOME, TERM: "dumb" },
        stdio: ["pipe", "pipe", "pipe"],
      });
      const { stdout } = await watch(child).ended;
      expect(stdout).toContain(text);
      expect(stdout).not.toContain(ESCAPE);
    }
  });
});
