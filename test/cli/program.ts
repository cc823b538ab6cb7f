// The program `backwright` as people run it: a process with arguments, an environment, two streams
// and an exit code.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll } from "vitest";
import { COMPILE_CACHE } from "./compile-cache.ts";

export const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/** Nothing outlives its test file, not even what a red test left behind. */
const living = new Set<ChildProcess>();
afterAll(() => {
  for (const child of living) child.kill("SIGKILL");
});

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ProgramOptions {
  readonly directory?: string;
  readonly environment?: Environment;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  hasEnded(): boolean;
  /** Settles when the process has ended and both streams are closed. */
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Waits for a text on one of the streams. Rejects when the process ends without it. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  /** To the whole process group, as a terminal's Ctrl-C. */
  interrupt(): void;
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

/** Nothing of this run's own settings reaches the program. */
function cleanEnvironment(own: Environment): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, USER } = process.env;
  return { PATH, HOME, TMPDIR, USER, NODE_COMPILE_CACHE: COMPILE_CACHE, ...own };
}

/** What to spawn to run the program with these arguments. */
export function commandLine(args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, "--conditions=backwright-source", MAIN, ...args];
}

export function startProgram(args: readonly string[], options: ProgramOptions = {}): Program {
  const [command, ...rest] = commandLine(args);
  return watch(
    spawn(command, rest, {
      cwd: options.directory,
      env: cleanEnvironment(options.environment ?? {}),
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    }),
  );
}

/** Runs it to its end. */
export function runProgram(args: readonly string[], options?: ProgramOptions): Promise<Ended> {
  return startProgram(args, options).ended;
}

/** Follows any child process that has its streams piped. */
export function watch(child: ChildProcess): Program {
  let out = "";
  let err = "";
  let hasEnded = false;
  living.add(child);
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    notify();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    notify();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => {
      hasEnded = true;
      living.delete(child);
      notify();
      resolve({ code, signal, stdout: out, stderr: err });
    });
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    child,
    hasEnded: () => hasEnded,
    ended,
    stdout: () => out,
    stderr: () => err,
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(out) ?? pattern.exec(err);
          if (found === null && !hasEnded) return;
          listeners.delete(look);
          if (found !== null) resolve(found);
          else reject(new Error(`ended without ${pattern}:\n${out}\n${err}`));
        };
        listeners.add(look);
        look();
      }),
    interrupt() {
      process.kill(-pid, "SIGINT");
    },
    async kill(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
