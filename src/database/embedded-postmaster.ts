// The server process: recognises a running one, starts one, stops it. Every function here must be
// called under the server's lock, so that nothing else starts or stops the same server meanwhile.
//
//   no postmaster.pid, or a dead or foreign pid in it ──launch──► starting ──► ready
//   living pid: starting ──wait──► ready ──attach        stopping ──wait──► gone ──launch──►

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { open, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import {
  type Binaries,
  programPath,
  runProgram,
  spawnOptions,
  unrunnable,
} from "./embedded-binaries.ts";
import { writeSettings } from "./embedded-cluster.ts";
import { errorCode, processStart, processStartSeconds } from "./embedded-holder.ts";
import type { Places } from "./embedded-places.ts";

// Elsewhere than on Linux every look at a process costs a child process.
const POLL_MS = process.platform === "linux" ? 5 : 50;
// LIMIT: replaying max_wal_size after a crash on a slow disk takes tens of seconds.
const START_MS_MAX = 120_000;
const STOP_MS_MAX = 60_000;
const START_MESSAGE_MS = 2_000;
// What a killed postmaster leaves behind is normally gone within a few milliseconds.
const LEFTOVER_MS_MAX = 10_000;
const LEFTOVER_TERMINATE_MS = 1_000;
const LEFTOVER_KILL_MS = 5_000;
const PORT_TRIES_MAX = 5;
const LOG_BYTES_MAX = 1_000_000;
const LOG_LINES_SHOWN = 15;

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Undefined when the server listens on TCP only. */
  readonly socketDirectory: string | undefined;
  readonly status: "starting" | "ready" | "stopping";
}

/** The living server of this data directory, whoever started it. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const lines = await readPidFile(data);
  if (lines === undefined) return undefined;
  const [pid = "", , startedAt = "", port = "", socketDirectory = "", , , status = ""] = lines;
  if (!(await isPostmaster(Number(pid), Number(startedAt), data))) return undefined;
  return {
    pid: Number(pid),
    port: Number(port),
    socketDirectory: socketDirectory === "" ? undefined : socketDirectory,
    status: status === "ready" || status === "stopping" ? status : "starting",
  };
}

async function readPidFile(data: string): Promise<string[] | undefined> {
  try {
    const text = await readFile(join(data, "postmaster.pid"), "utf8");
    return text.split("\n").map((line) => line.trim());
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

// A pid can be reused by any program, so it counts only while its process works in the data
// directory (Linux), or else while it started about when postmaster.pid says that it did.
async function isPostmaster(pid: number, startedAt: number, data: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (process.platform === "linux") {
    if (processStart(pid) === undefined) return false;
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === (await realpath(data));
    } catch {
      return false;
    }
  }
  const seconds = processStartSeconds(pid);
  return seconds !== undefined && Math.abs(seconds - startedAt) <= 10;
}

/**
 * Returns a server that accepts connections: the running one, or a new one that lives on when this
 * process ends. Throws StartError with the end of the server's log when it does not start.
 */
export async function ensurePostmaster(
  places: Places,
  binaries: Binaries,
  onProgress: (message: string) => void,
): Promise<{ postmaster: Postmaster; startedHere: boolean }> {
  const running = await findPostmaster(places.data);
  if (running !== undefined) {
    const ready = await awaitReady(places, running.pid, 0, onProgress);
    if (ready !== undefined) return { postmaster: ready, startedHere: false };
  }
  return { postmaster: await launch(places, binaries, onProgress), startedHere: true };
}

/** Waits for a living server to be ready; undefined when it ends first. */
async function awaitReady(
  places: Places,
  pid: number,
  logStart: number,
  onProgress: (message: string) => void,
  hasExited: () => boolean = () => false,
): Promise<Postmaster | undefined> {
  const started = monotonicMs();
  const identity = processStart(pid);
  let isAnnounced = false;
  for (;;) {
    const current = await findPostmaster(places.data);
    if (current?.pid === pid && current.status === "ready") return current;
    if (processStart(pid) !== identity || hasExited()) return undefined;
    const waitedMs = monotonicMs() - started;
    if (waitedMs > START_MS_MAX) throw await notStarted(places, logStart);
    if (waitedMs > START_MESSAGE_MS && !isAnnounced) {
      isAnnounced = true;
      onProgress("Waiting for PostgreSQL: it is recovering, or finishing an earlier stop");
    }
    await sleep(POLL_MS);
  }
}

async function launch(
  places: Places,
  binaries: Binaries,
  onProgress: (message: string) => void,
): Promise<Postmaster> {
  const started = monotonicMs();
  let port = await choosePort(await readPort(places.state));
  let portTries = 0;
  let preload = true;
  for (;;) {
    await clearWay(places);
    await writeSettings(places, preload);
    const logStart = await rotateLog(places.log);
    const child = await spawnServer(places, binaries, port);
    const ready = await awaitReady(places, child.pid ?? -1, logStart, onProgress, () =>
      hasExited(child),
    );
    if (ready !== undefined) {
      await writeFile(places.state, `${JSON.stringify({ port })}\n`, { mode: 0o600 });
      return ready;
    }
    const log = await readLog(places.log, logStart);
    const waitedMs = monotonicMs() - started;
    if (/could not (create any TCP\/IP sockets|bind)/.test(log) && portTries < PORT_TRIES_MAX) {
      portTries += 1;
      port = await choosePort(undefined);
    } else if (preload && /could not (load library|access file) .*pg_stat_statements/.test(log)) {
      preload = false;
    } else if (isLeftover(log) && waitedMs < LEFTOVER_MS_MAX) {
      await endOrphans(places.data, waitedMs);
      await sleep(100);
    } else {
      throw await notStarted(places, logStart);
    }
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** In its own session, so that Ctrl-C in the terminal and the end of this process pass it by. */
async function spawnServer(places: Places, binaries: Binaries, port: number) {
  const log = await open(places.log, "a", 0o600);
  try {
    const child = spawn(programPath(binaries, "postgres"), serverArguments(places, port), {
      ...spawnOptions(places),
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => reject(unrunnable(binaries, "postgres", error)));
    });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

function serverArguments(places: Places, port: number): string[] {
  // The setting is a comma-separated list, whose items may be quoted like identifiers.
  const sockets = places.socketDirectory?.replaceAll('"', '""');
  const settings = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: sockets === undefined ? "" : `"${sockets}"`,
    unix_socket_permissions: "0700",
  };
  const pairs = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", places.data, ...pairs];
}

// PostgreSQL overwrites the pid files of a dead postmaster by itself. It would wait for ever for a
// process of its own account that has received the dead one's pid, and for a zombie; and an empty
// file, as a power cut leaves it, stops it. None of them is a living server: findPostmaster says.
async function clearWay(places: Places): Promise<void> {
  const pid = Number((await readPidFile(places.data))?.[0]);
  if (!isPidFree(pid)) await rm(join(places.data, "postmaster.pid"), { force: true });
  if (places.socketDirectory === undefined) return;
  for (const entry of await readdir(places.socketDirectory)) {
    await rm(join(places.socketDirectory, entry), { force: true });
  }
}

function isPidFree(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === "ESRCH";
  }
}

function isLeftover(log: string): boolean {
  return /pre-existing shared memory block|lock file ".*" already exists/.test(log);
}

// A backend that computes does not notice that its postmaster is dead, and keeps the shared memory
// that stops the next server. It cannot commit any more, so ending it loses nothing.
async function endOrphans(data: string, waitedMs: number): Promise<void> {
  if (process.platform !== "linux" || waitedMs < LEFTOVER_TERMINATE_MS) return;
  const directory = await realpath(data);
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readlinkSync(`/proc/${entry}/cwd`) !== directory) continue;
      if (readFileSync(`/proc/${entry}/comm`, "utf8").trim() !== "postgres") continue;
      process.kill(Number(entry), waitedMs < LEFTOVER_KILL_MS ? "SIGTERM" : "SIGKILL");
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
}

/** The port of last time, so that printed addresses stay right; a free one if it is taken. */
async function choosePort(wanted: number | undefined): Promise<number> {
  for (const port of [wanted, 0]) {
    if (port === undefined) continue;
    const free = await new Promise<number | undefined>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(undefined));
      server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
        const address = server.address();
        const found = typeof address === "object" ? address?.port : undefined;
        server.close(() => resolve(found));
      });
    });
    if (free !== undefined) return free;
  }
  throw new StartError("No TCP port on 127.0.0.1 can be opened for the embedded database.", {
    fix: "Allow listening on 127.0.0.1, or set DATABASE_URL and DATABASE_OWNER_URL.",
  });
}

async function readPort(state: string): Promise<number | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(state, "utf8"));
    if (typeof value !== "object" || value === null || !("port" in value)) return undefined;
    const { port } = value;
    return typeof port === "number" && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    // Absent or damaged: the port is a convenience, not worth a failed start.
    return undefined;
  }
}

/** Keeps one older log; returns where the next start's lines begin. */
async function rotateLog(log: string): Promise<number> {
  const size = (await stat(log).catch(() => undefined))?.size ?? 0;
  if (size < LOG_BYTES_MAX) return size;
  await rename(log, `${log}.1`);
  return 0;
}

async function readLog(log: string, start: number): Promise<string> {
  const bytes = await readFile(log).catch(() => Buffer.alloc(0));
  return bytes.subarray(start).toString("utf8");
}

async function notStarted(places: Places, logStart: number): Promise<StartError> {
  const log = await readLog(places.log, logStart);
  const lines = log.trimEnd().split("\n").slice(-LOG_LINES_SHOWN);
  return new StartError(
    `The embedded PostgreSQL did not start. The end of its log:\n  ${lines.join("\n  ")}`,
    { fix: `Correct what the log names, then start again. Log: ${places.log}` },
  );
}

/**
 * Ends the running server, if there is one, after its checkpoint; open connections are cut.
 * Throws StartError when it has not ended after a minute.
 */
export async function stopPostmaster(places: Places, binaries: Binaries): Promise<void> {
  const running = await findPostmaster(places.data);
  if (running === undefined) return;
  const stopArguments = ["stop", "-D", places.data, "-m", "fast", "-W"];
  const identity = processStart(running.pid);
  const { code, output } = await runProgram(binaries, places, "pg_ctl", stopArguments);
  const started = monotonicMs();
  while (identity !== undefined && processStart(running.pid) === identity) {
    if (code !== 0 || monotonicMs() - started > STOP_MS_MAX) {
      throw new StartError(`The embedded PostgreSQL (pid ${running.pid}) did not stop. ${output}`, {
        fix: `See ${places.log}. End it with: kill -INT ${running.pid}`,
      });
    }
    await sleep(POLL_MS);
  }
}
