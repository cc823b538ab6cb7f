// Who holds something: process identities, the lock that serialises start and stop, and leases.
// Everything rests on names that carry pid and start time, so that a dead or reused pid holds
// nothing. Promises hold between processes that see the same pids (one host or container).

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";

const LOCK_POLL_MS = 20;
const LOCK_MESSAGE_MS = 2_000;
// LIMIT: longer than the longest work under the lock (crash recovery, see START_MS_MAX).
const LOCK_MS_MAX = 180_000;

/**
 * When a process started, as an opaque token of letters, digits and dashes; undefined when no such
 * process lives. A zombie is dead: in a container whose first process reaps nothing, killed
 * processes stay zombies for ever and still answer to signal 0.
 */
export function processStart(pid: number): string | undefined {
  if (process.platform === "linux") return linuxProcessStart(pid);
  const seconds = processStartSeconds(pid);
  return seconds === undefined ? undefined : String(seconds);
}

function linuxProcessStart(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The command name may hold spaces and parentheses: proc_pid_stat(5) counts from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  if (state === "Z" || state === "X") return undefined;
  return `${bootId()}-${fields[19]}`;
}

let cachedBootId: string | undefined;

/** Start times count from the boot, so a token without it could match a process of another boot. */
function bootId(): string {
  if (cachedBootId === undefined) {
    try {
      cachedBootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
    } catch {
      cachedBootId = "boot";
    }
  }
  return cachedBootId;
}

/**
 * When a process started, in whole seconds since the Unix epoch, for systems without /proc;
 * undefined when no such process lives. Costs a child process.
 */
export function processStartSeconds(pid: number): number | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return undefined;
  }
  try {
    const text = process.platform === "win32" ? windowsStart(pid) : posixStart(pid);
    const milliseconds = Date.parse(text);
    return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
  } catch {
    return undefined;
  }
}

function posixStart(pid: number): string {
  const output = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
  const [, state, start] = /^(\S+)\s+(.+)$/.exec(output) ?? [];
  return state === undefined || state.startsWith("Z") ? "" : `${start} UTC`;
}

function windowsStart(pid: number): string {
  const command = `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().ToString('o')`;
  return execFileSync("powershell.exe", ["-NoProfile", "-Command", command], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    windowsHide: true,
  }).trim();
}

let ownStart: string | undefined;

/** A name that no other holder has had or will have: `<pid>.<start>.<nonce>`. */
function holderName(): string {
  ownStart ??= processStart(process.pid) ?? "unknown";
  return `${process.pid}.${ownStart}.${randomBytes(4).toString("hex")}`;
}

/** Whether the process that made this name with `holderName` still lives. */
function isHolderAlive(name: string): boolean {
  const [pid, start] = name.split(".");
  return start !== undefined && processStart(Number(pid)) === start;
}

function holderPid(name: string | undefined): string {
  return name?.split(".")[0] ?? "unknown";
}

/** The `code` of a Node system error ("ENOENT"), or of anything else that carries one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Runs `work` while no other process (and no other caller here) runs work under the same `path`.
 * A lock whose holder died is taken over at once. Throws StartError after three minutes of
 * waiting for a living holder. Not reentrant.
 */
export async function withLock<T>(
  path: string,
  onProgress: (message: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const name = await acquire(path, onProgress);
  try {
    return await work();
  } finally {
    await unlink(join(path, name)).catch(() => undefined);
    await rmdir(path).catch(() => undefined);
  }
}

// The lock is a directory that holds one file, named after its holder. It appears with that file
// in it by one rename, and it is free when it is absent or empty.
// RACE: a takeover removes the dead holder's file by its unique name, and rmdir removes empty
// directories only, so nobody can remove the lock of a living holder who was faster.
async function acquire(path: string, onProgress: (message: string) => void): Promise<string> {
  const name = holderName();
  const prepared = `${path}.${name}`;
  const started = monotonicMs();
  let isAnnounced = false;
  await mkdir(prepared, { recursive: true, mode: 0o700 });
  await writeFile(join(prepared, name), "");
  try {
    for (;;) {
      if (await tryRename(prepared, path)) break;
      const holder = await removeDeadHolder(path);
      if (holder === undefined) continue;
      const waitedMs = monotonicMs() - started;
      if (waitedMs > LOCK_MS_MAX) {
        throw new StartError(`Process ${holderPid(holder)} holds the lock ${path} for too long.`, {
          fix: `Stop process ${holderPid(holder)} and start again.`,
        });
      }
      if (waitedMs > LOCK_MESSAGE_MS && !isAnnounced) {
        isAnnounced = true;
        onProgress(`Waiting for process ${holderPid(holder)}, which starts or stops the database`);
      }
      await sleep(LOCK_POLL_MS);
    }
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
  await removeDeadPreparations(path);
  return name;
}

async function tryRename(prepared: string, path: string): Promise<boolean> {
  try {
    await rename(prepared, path);
    return true;
  } catch (error) {
    // Windows says EPERM or EACCES for an existing target; elsewhere these are real refusals.
    const taken = ["ENOTEMPTY", "EEXIST"];
    if (process.platform === "win32") taken.push("EPERM", "EACCES");
    if (taken.includes(errorCode(error) ?? "")) return false;
    throw error;
  }
}

/** Returns the living holder's name, or undefined when another try is worthwhile at once. */
async function removeDeadHolder(path: string): Promise<string | undefined> {
  const names = await readdir(path).catch(() => []);
  const living = names.find(isHolderAlive);
  if (living !== undefined) return living;
  for (const name of names) await unlink(join(path, name)).catch(() => undefined);
  await rmdir(path).catch(() => undefined);
  return undefined;
}

/** A process that died between preparing and renaming leaves its private directory behind. */
async function removeDeadPreparations(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const entry of await readdir(dirname(path))) {
    if (!entry.startsWith(prefix) || isHolderAlive(entry.slice(prefix.length))) continue;
    await rm(join(dirname(path), entry), { recursive: true, force: true });
  }
}

/** Declares this process a user of what `directory` stands for; returns the lease's path. */
export async function takeLease(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, holderName());
  await writeFile(path, "");
  return path;
}

/** Counts the leases of living processes and removes those of dead ones. Call it under the lock. */
export async function countLeases(directory: string): Promise<number> {
  let count = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    if (isHolderAlive(name)) count += 1;
    else await rm(join(directory, name), { force: true });
  }
  return count;
}
