// Installs what is missing, once, from the lockfile, with install scripts off (nothing here needs
// them). Plain JavaScript on built-ins only: it runs before anything is installed, on Node 20 too.
// It never changes package-lock.json.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { withInstallLock } from "./install-lock.js";
import { forwardSignals } from "./run-child.js";

const INTERRUPTED = 130;
const STAMP = "node_modules/.backwright-install.json";

// Settings of the person's own npm (omitted development packages, a strict engine check, a
// disabled lockfile) must not decide what this repository runs with.
const NPM_CI = [
  "ci",
  "--ignore-scripts",
  "--no-audit",
  "--no-fund",
  "--include=dev",
  "--include=optional",
  "--engine-strict=false",
  "--package-lock=true",
  "--loglevel=error",
];

/** What stops a task before it starts: the message says what is wrong and what to do next. */
export class TaskError extends Error {
  /**
   * @param {string} message
   * @param {number} [exitCode]
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Makes sure that `directory` holds what its package-lock.json lists. Safe to call from several
 * processes at once: one installs, the others wait.
 * @param {string} directory an absolute path that holds package.json and package-lock.json
 * @param {(line: string) => void} announce receives one line per thing that takes time
 * @throws {TaskError} when npm cannot install, with its last words and what to do
 */
export async function ensureInstalled(directory, announce) {
  if (isInstalled(directory)) return;
  await withInstallLock(directory, announce, async () => {
    // RACE: whoever held the lock before us may have installed the same thing.
    if (isInstalled(directory)) return;
    const first = !existsSync(join(directory, "node_modules"));
    const why = first ? "first run" : "the lockfile has changed";
    announce(`Installing dependencies (${why})…`);
    const { code, output } = await runNpm(directory, NPM_CI);
    if (code === INTERRUPTED) throw new TaskError("Interrupted; run it again.", INTERRUPTED);
    if (code !== 0) throw new TaskError(explainNpmFailure(directory, code, output));
    writeStamp(directory);
  });
}

/**
 * How npm is started: by its own script where npm started us, else by name.
 * @returns {{ command: string, args: string[], shell: boolean }}
 */
export function npmCommand() {
  const script = process.env.npm_execpath ?? "";
  if (basename(script) === "npm-cli.js" && existsSync(script)) {
    const node = process.env.npm_node_execpath ?? "";
    return { command: existsSync(node) ? node : process.execPath, args: [script], shell: false };
  }
  // npm is a .cmd file on Windows, which only a shell can start.
  return { command: "npm", args: [], shell: process.platform === "win32" };
}

/** @param {string} directory */
function isInstalled(directory) {
  const wanted = fingerprint(directory);
  const stamp = readJson(join(directory, STAMP));
  if (stamp?.fingerprint === wanted) return true;
  if (!installedByHand(directory)) return false;
  writeStamp(directory);
  return true;
}

/** @param {string} directory */
function fingerprint(directory) {
  const lockfile = join(directory, "package-lock.json");
  if (!existsSync(lockfile)) {
    throw new TaskError(`${lockfile} is missing.\nRestore it: git checkout package-lock.json`);
  }
  const hash = createHash("sha256").update(readFileSync(lockfile)).digest("hex");
  // One checkout may be mounted into a machine of another kind, whose binaries differ.
  return `${hash} ${process.platform}-${process.arch}`;
}

/** @param {string} directory */
function writeStamp(directory) {
  const stamp = { fingerprint: fingerprint(directory) };
  writeFileSync(join(directory, STAMP), `${JSON.stringify(stamp)}\n`);
}

/**
 * Whether `npm ci` or `npm install` was run by hand and left just what the lockfile lists: npm
 * writes its own record as the last step, so an interrupted install never looks complete.
 * @param {string} directory
 */
function installedByHand(directory) {
  const wanted = readJson(join(directory, "package-lock.json"))?.packages;
  const present = readJson(join(directory, "node_modules/.package-lock.json"))?.packages;
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes("node_modules/") || entry.link) return true;
    const found = present[path];
    if (!found) return entry.optional === true && !isForThisMachine(entry);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** @param {{ os?: string | string[], cpu?: string | string[], libc?: string | string[] }} entry */
function isForThisMachine(entry) {
  if (entry.os && ![entry.os].flat().includes(process.platform)) return false;
  if (entry.cpu && ![entry.cpu].flat().includes(process.arch)) return false;
  if (!entry.libc) return Boolean(entry.os ?? entry.cpu);
  const header = /** @type {any} */ (process.report.getReport()).header;
  return [entry.libc].flat().includes(header.glibcVersionRuntime ? "glibc" : "musl");
}

/**
 * @param {string} directory
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function runNpm(directory, args) {
  const npm = npmCommand();
  return new Promise((resolve) => {
    const child = spawn(npm.command, [...npm.args, ...args], {
      cwd: directory,
      shell: npm.shell,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    // We stay until npm has ended, so that the lock is given back over a quiet folder.
    const signals = forwardSignals(child);
    const finish = (/** @type {number} */ code) => {
      signals.stop();
      resolve({ code: signals.received() ? INTERRUPTED : code, output });
    };
    child.on("error", (error) => {
      output += error.message;
      finish(1);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}

/**
 * @param {string} directory
 * @param {number} code
 * @param {string} output
 */
function explainNpmFailure(directory, code, output) {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const lastWords = lines.slice(-15).map((line) => `  ${line}`);
  const advice = npmAdvice(output);
  return [`npm ci failed in ${directory} (exit code ${code}).`, ...lastWords, advice].join("\n");
}

/** @param {string} output */
function npmAdvice(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/.test(output)) {
    return "The package registry was not reached. Connect to the network once and run it again.";
  }
  if (/spawn npm ENOENT/.test(output)) return "npm was not found. Install Node with npm first.";
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return "The folder could not be written. Make it belong to you, or work in a copy of it.";
  }
  if (/ENOSPC/.test(output)) return "The disk is full. About 700 MB are needed.";
  if (/EUSAGE|in sync/.test(output)) {
    return "package.json and package-lock.json disagree. Run: npm install --ignore-scripts";
  }
  return "Run it again. If it stays, see npm's own words above.";
}

/**
 * @param {string} path
 * @returns {any} undefined when the file is absent or is not JSON
 */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
