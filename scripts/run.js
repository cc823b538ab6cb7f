// The one door to every task of this repository: `node scripts/run.js <task> [-- arguments]`.
// Works straight after a clone with Node 20 and npm: installs what is missing, chooses a Node that
// runs TypeScript, runs the task there. Plain JavaScript on built-ins only; tasks: tasks.js.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseNode } from "./choose-node.js";
import { ensureInstalled, TaskError } from "./install.js";
import { runNode } from "./run-child.js";
import { TASKS } from "./tasks.js";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

function help() {
  const width = Math.max(...Object.keys(TASKS).map((name) => name.length));
  const lines = Object.entries(TASKS).map(([name, task]) => {
    return `  ${name.padEnd(width)}  ${task.about}`;
  });
  return ["node scripts/run.js <task> [arguments]", "", ...lines, ""].join("\n");
}

/**
 * @param {readonly string[]} argv
 * @returns {Promise<number>} the exit code
 */
async function main(argv) {
  const [name = "--help", ...rest] = argv;
  if (name === "--help" || name === "-h") {
    process.stdout.write(help());
    return 0;
  }
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (!task) throw new TaskError(`There is no task "${name}".\n\n${help()}`, 2);
  // npm swallows the first "--"; a direct call does not.
  const args = rest[0] === "--" ? rest.slice(1) : rest;
  const announce = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);
  await ensureInstalled(ROOT, announce);
  if (task.installs) await ensureInstalled(join(ROOT, task.installs), announce);
  const node = chooseNode(ROOT);
  return await runNode(node, task.command(args), { root: ROOT, cwd: join(ROOT, task.cwd ?? "") });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TaskError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
