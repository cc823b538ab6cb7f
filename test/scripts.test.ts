// The repository's own machinery keeps its word: one install at a time, signals once, exit codes
// as they are, and a last line of the test run that is never rosier than the run.
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { isNewEnough } from "../scripts/choose-node.js";
import { ROOT } from "../scripts/repository-files.ts";
import { lastLines } from "../scripts/summary-reporter.ts";

mkdirSync(join(ROOT, ".checks"), { recursive: true });
const scratch = mkdtempSync(join(ROOT, ".checks", "scripts-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
let folder = "";
beforeEach(() => {
  count += 1;
  folder = join(scratch, `${count}`);
  mkdirSync(folder);
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function ended(child: ChildProcess): Promise<Ended> {
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
}

function script(name: string): string {
  return JSON.stringify(pathToFileURL(join(ROOT, "scripts", name)).href);
}

describe("the choice of Node", () => {
  test.each([
    ["20.20.2", false],
    ["22.17.9", false],
    ["22.18.0", true],
    ["23.5.0", false],
    ["23.6.0", true],
    ["24.0.0", true],
    ["100.0.0", true],
  ])("takes %s for new enough: %s", (version, expected) => {
    expect(isNewEnough(version)).toBe(expected);
  });
});

describe("the install", () => {
  const LOCK = { packages: { "": {}, "node_modules/a": { version: "1.0.0", integrity: "x" } } };

  /** A npm that takes half a second, notes that it ran, and does what its mode says. */
  function prepare(mode: "works" | "fails"): void {
    writeFileSync(join(folder, "package-lock.json"), JSON.stringify(LOCK));
    const npm = [
      'const fs = require("node:fs");',
      'fs.appendFileSync("runs", process.argv.slice(2).join(" ") + "\\n");',
      "setTimeout(() => {",
      mode === "works"
        ? 'fs.mkdirSync("node_modules", { recursive: true });'
        : 'console.error("npm error code ENOTFOUND"); process.exitCode = 7;',
      "}, 500);",
    ];
    writeFileSync(join(folder, "npm-cli.js"), npm.join("\n"));
    writeFileSync(join(folder, "package.json"), "{}");
  }

  function install(): Promise<Ended> {
    const program = [
      `import { ensureInstalled, TaskError } from ${script("install.js")};`,
      "const say = (line) => console.log(line);",
      `await ensureInstalled(${JSON.stringify(folder)}, say).catch((error) => {`,
      "  console.log(error.message);",
      "  process.exitCode = error instanceof TaskError ? 3 : 4;",
      "});",
    ];
    const env = { ...process.env, npm_execpath: join(folder, "npm-cli.js") };
    const args = ["--input-type=module", "-e", program.join("\n")];
    return ended(spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] }));
  }

  const runs = (): string[] => {
    const path = join(folder, "runs");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  };

  // Planted fault: withInstallLock runs its work at once -> three runs, red.
  test("runs npm once for three processes that start together, and not again", async () => {
    prepare("works");
    const results = await Promise.all([install(), install(), install()]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(runs()).toHaveLength(1);
    expect(runs()[0]).toContain("ci --ignore-scripts");
    expect(results.map(({ output }) => output).join("")).toContain("Installing dependencies");
    expect((await install()).output).toBe("");
    expect(runs()).toHaveLength(1);
  });

  test("runs again when the lockfile has changed", async () => {
    prepare("works");
    await install();
    writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ ...LOCK, changed: true }));
    expect((await install()).output).toContain("the lockfile has changed");
    expect(runs()).toHaveLength(2);
  });

  test("accepts what npm has installed by hand, and not a part of it", async () => {
    prepare("works");
    mkdirSync(join(folder, "node_modules"));
    const record = join(folder, "node_modules/.package-lock.json");
    writeFileSync(record, JSON.stringify({ packages: {} }));
    await install();
    expect(runs()).toHaveLength(1);
    rmSync(join(folder, "node_modules/.backwright-install.json"));
    writeFileSync(record, JSON.stringify(LOCK));
    await install();
    expect(runs()).toHaveLength(1);
  });

  test("says why it failed and what to do, and gives the lock back", async () => {
    prepare("fails");
    const { code, output } = await install();
    expect(code).toBe(3);
    expect(output).toContain("exit code 7");
    expect(output).toContain("npm error code ENOTFOUND");
    expect(output).toContain("Connect to the network");
    expect(existsSync(join(folder, ".install-lock"))).toBe(false);
  });

  test("takes over the lock of a process that died", async () => {
    prepare("works");
    const dead = spawn(process.execPath, ["-e", ""]);
    await ended(dead);
    const lock = { pid: dead.pid, host: hostname(), key: 1 };
    writeFileSync(join(folder, ".install-lock"), JSON.stringify(lock));
    const results = await Promise.all([install(), install()]);
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect(runs()).toHaveLength(1);
  });

  test("waits for a lock of another machine that is still being touched", async () => {
    prepare("works");
    const path = join(folder, ".install-lock");
    writeFileSync(path, JSON.stringify({ pid: 1, host: "another-machine", key: 1 }));
    utimesSync(path, 0, 0);
    const result = install();
    await sleep(1_000);
    expect(runs()).toEqual([]);
    rmSync(path);
    expect((await result).output).toContain("waiting for it");
    expect(runs()).toHaveLength(1);
  });
});

describe("a task", () => {
  /** Starts run-child.js around a program, in a session of its own: without a terminal. */
  function start(program: string): ChildProcess {
    const args = ["--input-type=module", "-e", outerProgram(program)];
    return spawn(process.execPath, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  }

  function outerProgram(program: string): string {
    return [
      `import { runNode } from ${script("run-child.js")};`,
      `const args = ["-e", ${JSON.stringify(program)}];`,
      `const options = { root: ${JSON.stringify(ROOT)} };`,
      "process.exitCode = await runNode(process.execPath, args, options);",
    ].join("\n");
  }

  const SLOW = `
    let received = 0;
    process.on("SIGINT", () => { received += 1; });
    process.on("SIGTERM", () => { received += 10; });
    setTimeout(() => { console.log("received " + received); process.exit(5); }, 900);
    console.log("ready");
  `;

  test("ends with the exit code of its program", async () => {
    expect((await ended(start("process.exit(42)"))).code).toBe(42);
  });

  test("ends with 128 and the number of the signal that ended its program", async () => {
    expect((await ended(start("process.kill(process.pid, 'SIGKILL')"))).code).toBe(137);
  });

  test("finds the chosen Node first on PATH", async () => {
    const { output } = await ended(start("console.log(process.env.PATH.split(':')[0])"));
    expect(join(output.trim(), "node")).toBe(process.execPath);
  });

  // Planted fault: no watchParent -> the program runs on to its own end, red.
  test("ends its program when the shell that npm put between them is killed", async () => {
    const outer = join(folder, "outer.mjs");
    const program = `process.on("SIGTERM", () => { console.log("told"); process.exit(); });
      setTimeout(() => {}, 10_000); console.log("ready");`;
    writeFileSync(outer, outerProgram(program));
    const env = { ...process.env, npm_lifecycle_event: "start" };
    const shell = spawn("sh", ["-c", `"${process.execPath}" "${outer}"; true`], {
      ...{ env, detached: true, stdio: ["ignore", "pipe", "pipe"] },
    });
    const result = ended(shell);
    await new Promise((resolve) => shell.stdout?.once("data", resolve));
    shell.kill("SIGTERM");
    expect((await result).output).toContain("told");
  });

  // Planted fault: no handlers in forwardSignals -> the outer process dies first, red.
  test.each([
    ["SIGINT", 1],
    ["SIGTERM", 10],
  ] as const)("passes on %s once, though it comes twice, and waits for the end", async (...row) => {
    const [signal, received] = row;
    const child = start(SLOW);
    const result = ended(child);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill(signal);
    await sleep(50);
    child.kill(signal);
    const { code, output } = await result;
    expect(code).toBe(5);
    expect(output).toContain(`received ${received}`);
  });
});

describe("the last line of a test run", () => {
  function runVitest(files: Readonly<Record<string, string>>, extra = ""): Promise<Ended> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const reporter = JSON.stringify(join(ROOT, "scripts/summary-reporter.ts"));
    const config = `include: ["*.case.ts"], reporters: ["default", ${reporter}] ${extra}`;
    writeFileSync(join(folder, "vitest.config.ts"), `export default { test: { ${config} } };`);
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const env = { ...process.env, NODE_V8_COVERAGE: "", VITEST: "", NO_COLOR: "1" };
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    return ended(spawn(process.execPath, [vitest, "run"], { cwd: folder, env, stdio }));
  }

  const lastLine = ({ output }: Ended) => output.trimEnd().split("\n").at(-1);
  const PASSES = 'import { test } from "vitest"; test("passes", () => {});';

  test("counts as failures a file that does not load, a hook and a stray error", async () => {
    const result = await runVitest({
      "good.case.ts": `${PASSES} test.skip("is skipped", () => {}); test.todo("later");`,
      "bad.case.ts": 'import { test } from "vitest"; test("fails", () => { throw new Error(); });',
      "load.case.ts": 'throw new Error("does not load");',
      "hook.case.ts": `${PASSES} import { afterAll } from "vitest"; afterAll(() => { throw 1; });`,
      "stray.case.ts": `${PASSES} void Promise.reject(new Error("stray"));`,
    });
    expect(lastLine(result)).toBe("3 passed, 4 failed, 2 skipped");
    expect(result.code).toBe(1);
  });

  test("counts nothing but success when there is nothing else", async () => {
    const result = await runVitest({ "good.case.ts": PASSES });
    expect(lastLine(result)).toBe("1 passed, 0 failed, 0 skipped");
    expect(result.code).toBe(0);
  });

  test("shows a failure when the run never got to its tests", async () => {
    const files = { "good.case.ts": PASSES, "setup.ts": "export default () => { throw 1; };" };
    const result = await runVitest(files, ', globalSetup: "./setup.ts"');
    expect(lastLine(result)).toMatch(/^0 passed, [1-9]\d* failed, 0 skipped$/);
    expect(result.code).toBe(1);
  });

  test("does not look like success when only coverage was missed", () => {
    const lines = lastLines({ passed: 3, failed: 0, skipped: 0 }, 1).trimEnd().split("\n");
    expect(lines[0]).toContain("the run did");
    expect(lines.at(-1)).toBe("3 passed, 0 failed, 0 skipped");
  });
});
