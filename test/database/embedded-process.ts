// Real processes that start the embedded server, as this user or another, and that tests can kill.

import { type ChildProcess, spawn } from "node:child_process";
import { chown, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { provideBinaries } from "../../src/database/embedded-binaries.ts";
import { findPlaces } from "../../src/database/embedded-places.ts";
import { findPostmaster } from "../../src/database/embedded-postmaster.ts";
import { openSession } from "../../src/database/session.ts";

export const isRoot = process.getuid?.() === 0;
export const NEEDS_ROOT = "needs root, to become another user";

/** nobody's on every Linux and BSD: an account that owns nothing and may do nothing. */
const OTHER_UID = 65_534;

export interface Started {
  readonly adminUrl: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly socketDirectory: string | undefined;
  readonly startedHere: boolean;
  /** Of startEmbedded alone, without loading the program. */
  readonly ms: number;
}

type Message =
  | ({ readonly kind: "started" } & Started)
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string; readonly fix: string | undefined }
  | { readonly kind: "stopped" };

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly progress: readonly string[];
  /** Rejects with what startEmbedded threw, or when the process ends first. */
  readonly started: Promise<Started>;
  progressed(text: RegExp): Promise<void>;
  /** Has the process stop its server and end. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

const PROGRAM = `
const [module, directory] = process.argv.slice(1);
const { startEmbedded } = await import(module);
const send = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
const begin = performance.now();
try {
  const onProgress = (text) => send({ kind: "progress", text });
  const { stop, url, ...server } = await startEmbedded({ directory, onProgress });
  send({ kind: "started", ms: performance.now() - begin, ...server });
  for await (const line of process.stdin) {
    await stop();
    send({ kind: "stopped" });
    process.exit(0);
  }
} catch (error) {
  send({ kind: "failed", text: error.message, fix: error.fix });
  process.exit(1);
}
`;

/** Runs in a process group of its own, so that a test can send it a signal as a terminal does. */
export function startInProcess(directory: string, isOtherUser = false): ServerProcess {
  const module = new URL("../../src/database/embedded.ts", import.meta.url).href;
  const identity = isOtherUser ? { uid: OTHER_UID, gid: OTHER_UID } : {};
  const child = spawn(
    process.execPath,
    ["--input-type=module", "--eval", PROGRAM, module, directory],
    { stdio: ["pipe", "pipe", "inherit"], detached: true, cwd: "/", ...identity },
  );
  const messages: Message[] = [];
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of listeners) listener();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    messages.push(JSON.parse(line) as Message);
    notify();
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("close", notify);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;

  const message = <T extends Message>(matches: (message: Message) => message is T) =>
    new Promise<T>((resolve, reject) => {
      const look = () => {
        const failed = messages.find((one) => one.kind === "failed");
        const found = messages.find(matches);
        if (found === undefined && failed === undefined && !hasEnded()) return;
        listeners.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error(`${failed?.text ?? "ended"}\nfix: ${failed?.fix}`));
      };
      listeners.add(look);
      look();
    });
  const started = message((one) => one.kind === "started");
  // A test that kills the process before that does not ask.
  started.catch(() => undefined);
  return {
    child,
    started,
    get progress() {
      return messages.flatMap((one) => (one.kind === "progress" ? [one.text] : []));
    },
    async progressed(text) {
      await message((one): one is Message => one.kind === "progress" && text.test(one.text));
    },
    async stop() {
      child.stdin.write("stop\n");
      await message((one) => one.kind === "stopped");
      await closed;
    },
    async kill(signal) {
      child.kill(signal);
      await closed;
    },
  };
}

/**
 * A fresh project directory, owned by the user who will use it. Another user, who may not make the
 * links in node_modules, finds root's copy of the binaries in it: copying takes most of a start.
 */
export async function projectDirectory(
  isOtherUser = false,
  binaries: "with binaries" | "without binaries" = "with binaries",
): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "backwright-embedded-")));
  if (!isOtherUser) return directory;
  await chown(directory, OTHER_UID, OTHER_UID);
  if (binaries === "with binaries") {
    const { root } = await provideBinaries(await findPlaces(directory), () => undefined);
    await symlink(root, join(directory, basename(root)));
  }
  return directory;
}

/** Ends what is left of a project's server and deletes its files, also after a failed test. */
export async function removeProject(directory: string): Promise<void> {
  const places = await findPlaces(directory);
  const pid = await postmasterPid(places.data);
  if (pid !== undefined) process.kill(pid, "SIGQUIT");
  while ((await postmasterPid(places.data)) !== undefined) await sleep(5);
  for (const path of [directory, places.home, places.socketDirectory]) {
    if (path !== undefined) await rm(path, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function postmasterPid(data: string): Promise<number | undefined> {
  return (await findPostmaster(data))?.pid;
}

export async function killPostmaster(data: string): Promise<void> {
  const pid = await postmasterPid(data);
  if (pid === undefined) throw new Error("no postmaster runs");
  process.kill(pid, "SIGKILL");
  while ((await postmasterPid(data)) === pid) await sleep(1);
}

/** Runs one statement as the superuser. */
export async function query<T>(adminUrl: string, text: string): Promise<T[]> {
  const session = await openSession(adminUrl);
  try {
    return await session.query<T>(text);
  } finally {
    await session.close();
  }
}

/** Writes a value that is safe on disk when this returns. */
export async function writeMark(adminUrl: string, mark: number): Promise<void> {
  await query(adminUrl, "create table if not exists marks (mark int primary key)");
  await query(adminUrl, `insert into marks values (${mark})`);
}

export async function readMarks(adminUrl: string): Promise<number[]> {
  const rows = await query<{ mark: number }>(adminUrl, "select mark from marks order by mark");
  return rows.map((row) => row.mark);
}
