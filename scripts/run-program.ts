// Runs a program to its end and keeps what it printed, for tasks that are made of several.
import { spawn } from "node:child_process";
import { npmCommand } from "./install.js";
import { ROOT } from "./repository-files.ts";

export interface Ended {
  readonly code: number;
  /** Standard output and error as they came. */
  readonly output: string;
}

interface Options {
  readonly cwd?: string;
  readonly shell?: boolean;
}

/** Runs Node with these arguments. */
export function runNodeProgram(args: readonly string[], options: Options = {}): Promise<Ended> {
  return run(process.execPath, args, options);
}

/** Runs npm with these arguments. */
export function runNpm(args: readonly string[], options: Options = {}): Promise<Ended> {
  const npm = npmCommand();
  return run(npm.command, [...npm.args, ...args], { ...options, shell: npm.shell });
}

/** What a program printed; throws with it unless the program succeeded. */
export function mustSucceed(what: string, { code, output }: Ended): string {
  if (code === 0) return output;
  throw new Error(`${output}\n${what} failed (exit code ${code}).`);
}

function run(command: string, args: readonly string[], options: Options): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      shell: options.shell ?? false,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const output = Buffer.concat(chunks).toString();
      resolve({ code: code ?? 1, output: signal ? `${output}\nended by ${signal}` : output });
    });
  });
}
