// The program: options → questions → files → npm install → what to do next.
import { spawnSync } from "node:child_process";
import { basename, relative, resolve } from "node:path";
import { isCancel, select, text } from "@clack/prompts";
import { HELP, readOptions, UsageError } from "./options.js";
import { PRESETS } from "./presets.js";
import { packageName, writeProject } from "./write-project.js";

const DEFAULT_FOLDER = "my-backend";

/**
 * Runs the program. Resolves to its exit code: 0 done, 1 failed, 2 wrong arguments, 130 given up.
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export async function run(args) {
  try {
    const options = readOptions(args);
    if (options.help) {
      console.log(HELP);
      return 0;
    }
    const isAsking = !options.yes && process.stdin.isTTY === true;
    const folder = options.folder ?? (isAsking ? await askFolder() : DEFAULT_FOLDER);
    const preset = options.preset ?? (isAsking ? await askPreset() : "minimal");
    const directory = resolve(folder);
    const name = packageName(options.name ?? basename(directory));
    const files = await writeProject({ directory, preset, name });
    console.log(`Wrote ${files} files to ${shown(directory)}`);
    if (options.git) initGit(directory);
    const isInstalled = options.install && install(directory);
    console.log(nextSteps(directory, isInstalled));
    return options.install && !isInstalled ? 1 : 0;
  } catch (error) {
    if (error instanceof GivenUp) return 130;
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nHelp: npm create backwright@latest -- --help`);
    return 2;
  }
}

class GivenUp extends Error {}

/**
 * @param {string | symbol} answer
 * @returns {string}
 */
function answered(answer) {
  if (isCancel(answer) || typeof answer !== "string") throw new GivenUp();
  return answer;
}

async function askFolder() {
  const question = { message: "Folder of the new project", placeholder: DEFAULT_FOLDER };
  return answered(await text({ ...question, defaultValue: DEFAULT_FOLDER })) || DEFAULT_FOLDER;
}

async function askPreset() {
  const options = Object.entries(PRESETS).map(([value, { about }]) => ({ value, hint: about }));
  return answered(await select({ message: "Start from", options }));
}

/** @param {string} directory */
function shown(directory) {
  const path = relative(process.cwd(), directory);
  return path === "" ? "." : path;
}

/** @param {string} directory */
function initGit(directory) {
  const inside = spawnSync("git", ["rev-parse", "--is-inside-work-tree"], { cwd: directory });
  if (inside.status === 0) return; // A repository of yours is around it already.
  spawnSync("git", ["init", "--quiet"], { cwd: directory });
}

/**
 * @param {string} directory
 * @returns {boolean}
 */
function install(directory) {
  console.log("Running npm install…");
  // On Windows npm is a command file, which only a shell starts.
  const shell = process.platform === "win32";
  const { status } = spawnSync("npm", ["install"], { cwd: directory, stdio: "inherit", shell });
  if (status === 0) return true;
  console.error("npm install failed. The files are there: run it again in the folder.");
  return false;
}

/**
 * @param {string} directory
 * @param {boolean} isInstalled
 * @returns {string}
 */
function nextSteps(directory, isInstalled) {
  const path = shown(directory);
  const steps = [
    ...(path === "." ? [] : [`cd ${/^[\w./~-]+$/.test(path) ? path : JSON.stringify(path)}`]),
    ...(isInstalled ? [] : ["npm install"]),
    "npm run dev      # serves it on an embedded PostgreSQL, with demo data and keys",
    "npm test         # tests it on a throw-away database",
  ];
  return `\nNext:\n\n${steps.map((step) => `  ${step}`).join("\n")}\n`;
}
