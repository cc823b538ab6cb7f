// Runs one program to its end: same terminal, signals passed on once, its exit code returned.
// Plain JavaScript on built-ins only.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";

// npm repeats a signal that the group has already received; one of them is enough.
const REPEAT_MS = 300;
const PARENT_POLL_MS = 500;

/**
 * Runs a program with the given Node first on PATH, so that scripts that ask for "node" get it.
 * @param {string} node absolute path of the chosen Node
 * @param {readonly string[]} args its arguments
 * @param {{ root: string, cwd?: string, env?: Record<string, string> }} options
 * @returns {Promise<number>} the exit code, or 128 plus the number of the signal that ended it
 */
export function runNode(node, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      cwd: options.cwd ?? options.root,
      env: { ...withPath(node, options.root), ...options.env },
      stdio: "inherit",
    });
    const signals = forwardSignals(child);
    const watch = watchParent(child);
    child.on("error", (error) => {
      clearInterval(watch);
      signals.stop();
      reject(error);
    });
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      signals.stop();
      resolve(signal ? 128 + constants.signals[signal] : (code ?? 1));
    });
  });
}

/**
 * The environment with the chosen Node and the installed tools first on PATH.
 * @param {string} node
 * @param {string} root
 */
export function withPath(node, root) {
  const env = { ...process.env };
  // Windows spells it Path; two spellings in one environment would leave the choice to chance.
  const key = Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  const first = [dirname(node), join(root, "node_modules", ".bin")];
  env[key] = [...first, env[key]].filter(Boolean).join(delimiter);
  return env;
}

/**
 * Passes signals on to a child, each once, and keeps this process alive until it has ended.
 * Limit: with a terminal, an interrupt sent to this process alone does not reach the child.
 * @param {import("node:child_process").ChildProcess} child
 */
export function forwardSignals(child) {
  // A terminal sends Ctrl-C and its own closing to the whole group, the child included. Without
  // one, the signal came to this process alone and has to be passed on.
  const fromTerminal = hasTerminal() ? new Set(["SIGINT", "SIGHUP", "SIGQUIT"]) : new Set();
  /** @type {Map<string, number>} */
  const lastAt = new Map();
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    const at = performance.now();
    const repeated = at - (lastAt.get(signal) ?? -Infinity) < REPEAT_MS;
    lastAt.set(signal, at);
    if (!repeated && !fromTerminal.has(signal)) child.kill(signal);
  };
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  if (process.platform !== "win32") signals.push("SIGQUIT");
  for (const signal of signals) process.on(signal, forward);
  return {
    received: () => lastAt.size > 0,
    stop: () => {
      for (const signal of signals) process.off(signal, forward);
    },
  };
}

/**
 * npm starts us through a shell and sends its signals to that shell only, which dies of them and
 * would leave the program behind: when npm's shell is gone, the program is told to end.
 * @param {import("node:child_process").ChildProcess} child
 */
function watchParent(child) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, PARENT_POLL_MS);
  return watch;
}

function hasTerminal() {
  if (process.platform === "win32") return true;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
