// Processes that serve the example and die by kill -9. A pool keeps one or two warm, because a
// start costs more than everything else that a kill needs.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { COMPILE_CACHE } from "../cli/compile-cache.ts";

export interface ApiProcess {
  readonly url: string;
  readonly pid: number;
  readonly hasEnded: () => boolean;
  /** kill -9; settles when the process is gone. */
  kill(): Promise<void>;
}

const PROGRAM = join(import.meta.dirname, "api-program.ts");

export type Environment = Readonly<Record<string, string>>;

/** Starts one and waits until it serves. Rejects with what it printed when it ends before that. */
export async function startApi(environment: Environment): Promise<ApiProcess> {
  const child = spawn(process.execPath, ["--conditions=backwright-source", PROGRAM], {
    env: { ...process.env, PORT: "0", NODE_COMPILE_CACHE: COMPILE_CACHE, ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const url = await firstLine(child);
  return {
    url,
    pid: child.pid ?? 0,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("no pipes");
  let printed = "";
  stderr.on("data", (bytes: Buffer) => {
    printed += bytes.toString();
  });
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).once("line", resolve);
    child.once("close", () => reject(new Error(`the process ended before it served: ${printed}`)));
  });
}

export interface ApiPool {
  /** A process that serves and that nobody else uses. */
  take(): Promise<ApiProcess>;
  close(): Promise<void>;
}

/** `warm` processes are kept ready. */
export function startPool(environment: Environment, warm: number): ApiPool {
  const all = new Set<Promise<ApiProcess>>();
  const ready: Promise<ApiProcess>[] = [];
  const refill = (): void => {
    const starting = startApi(environment);
    starting.catch(() => undefined); // Whoever takes it sees the failure.
    all.add(starting);
    ready.push(starting);
  };
  for (let count = 0; count < warm; count += 1) refill();
  return {
    take() {
      const next = ready.shift();
      refill();
      return next ?? Promise.reject(new Error("the pool is closed"));
    },
    async close() {
      for (const result of await Promise.allSettled(all)) {
        if (result.status === "fulfilled") await result.value.kill();
      }
    },
  };
}
