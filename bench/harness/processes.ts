// The contestants: each a process of its own on a port of its own, and what /proc knows about the
// CPU and memory that they and PostgreSQL use.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchDatabase, EXAMPLE } from "./database.ts";

export const PEERS = ["express-prisma", "express-knex", "nest-typeorm"] as const;
export const CONTESTANTS = ["backwright", "drizzle-fastify", "by-hand", ...PEERS, "hello"] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

/** Whether a contestant holds instants as Date, which knows no microseconds. */
export const cutsInstants = (name: ContestantName): boolean => PEERS.some((peer) => peer === name);

/** They have no wall between tenants, so they connect as a role that no wall holds for. */
const isWallFree = (name: ContestantName): boolean =>
  name === "drizzle-fastify" || cutsInstants(name);

const ROOT = join(import.meta.dirname, "../..");
const SECRET_KEY = "only-for-measurements-0123456789-0123456789";
const POOL_SIZE = "8";
const READY_MS_MAX = 30_000;
const POLL_MS = 5;
/** Clock ticks of /proc a second; 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

export interface Contestant {
  readonly name: ContestantName;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended and its profile is written. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly database: BenchDatabase;
  /** A folder for the log, which production writes too. */
  readonly folder: string;
  /** More arguments for Node, such as --cpu-prof. */
  readonly nodeArguments?: readonly string[];
}

/** Starts a contestant and resolves when it answers. */
export async function startContestant(
  name: ContestantName,
  options: StartOptions,
): Promise<Contestant> {
  const contestant = await spawnContestant(name, options);
  await untilAnswered(contestant, "/health", {});
  return contestant;
}

/** Starts a contestant without waiting for it. */
export async function spawnContestant(
  name: ContestantName,
  { database, folder, nodeArguments = [] }: StartOptions,
): Promise<Contestant> {
  const port = await freePort();
  const program =
    name === "backwright"
      ? [join(ROOT, "src/cli/main.ts"), "--project", EXAMPLE, "start"]
      : [join(ROOT, `bench/contestants/${name}.ts`)];
  const log = openSync(join(folder, `${name}.log`), "a");
  const child = spawn(
    process.execPath,
    ["--conditions=backwright-source", ...nodeArguments, ...program],
    {
      env: {
        PATH: process.env.PATH,
        NODE_ENV: "production",
        HOST: "127.0.0.1",
        PORT: String(port),
        DATABASE_URL: isWallFree(name) ? database.wallFreeUrl : database.appUrl,
        SECRET_KEY,
        LOG_LEVEL: "info",
        POOL_SIZE: process.env.POOL_SIZE ?? POOL_SIZE,
      },
      stdio: ["ignore", log, "inherit"],
    },
  );
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    name,
    port,
    pid: pidOf(child),
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("A contestant could not be started.");
  return child.pid;
}

/** Asks until the reply is a success. Throws when the process ended or after 30 seconds. */
export async function untilAnswered(
  { name, port, pid }: Contestant,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const end = performance.now() + READY_MS_MAX;
  for (;;) {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { headers }).catch(
      () => undefined,
    );
    await reply?.arrayBuffer();
    if (reply?.ok === true) return;
    if (!isAlive(pid)) throw new Error(`${name} ended while it was starting.`);
    if (performance.now() > end) throw new Error(`${name} does not answer: ${reply?.status}`);
    await sleep(POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    return readStat(pid).state !== "Z";
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly cpuSeconds: number;
}

function readStat(pid: number): Stat {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may hold spaces; what follows does not.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return {
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    cpuSeconds: ticks / TICKS_PER_SECOND,
  };
}

/** CPU seconds used so far by a process, threads included. */
export function processCpuSeconds(pid: number): number {
  return readStat(pid).cpuSeconds;
}

/** CPU seconds used so far by a PostgreSQL server and the backends that it has now. */
export function serverCpuSeconds(serverPid: number): number {
  let seconds = readStat(serverPid).cpuSeconds;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readStat(Number(entry));
      if (stat.parent === serverPid) seconds += stat.cpuSeconds;
    } catch {
      // It has ended in between.
    }
  }
  return seconds;
}

/** CPU seconds that all processors of the machine have worked so far, for anybody. */
export function machineCpuSeconds(): number {
  const [, ...ticks] = readFileSync("/proc/stat", "latin1").split("\n")[0]?.split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = ticks.map(Number);
  return (user + nice + system + irq + soft + steal) / TICKS_PER_SECOND;
}

/** Megabytes of memory: now, and the most that the process ever had. */
export function memoryMegabytes(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, "latin1");
  const read = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1_024);
  return { now: read("VmRSS"), peak: read("VmHWM") };
}
