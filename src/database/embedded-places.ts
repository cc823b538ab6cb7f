// Where the embedded server's files lie and which account runs it. PostgreSQL refuses to run as
// root, so root hands it to another account, and everything must lie where that account can reach.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { StartError } from "../base/errors.ts";
import { errorCode } from "./embedded-holder.ts";

const ROOT_BASES = ["/var/lib/backwright", join(tmpdir(), "backwright-0"), "/tmp/backwright-0"];
const ACCOUNTS = ["postgres", "nobody"];
// sockaddr_un holds 108 bytes with the final NUL on Linux and 104 on macOS and the BSDs.
const SOCKET_PATH_BYTES_MAX = process.platform === "linux" ? 107 : 103;
const SOCKET_NAME = ".s.PGSQL.65535";

/** Another account than ours, under which the server runs. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface Places {
  /** Only when we are root. */
  readonly account: Account | undefined;
  /** Holds what belongs to this project's server alone. */
  readonly home: string;
  /** Holds copies of the binaries; as root one for all projects. */
  readonly copies: string;
  readonly data: string;
  readonly lock: string;
  readonly leases: string;
  readonly state: string;
  readonly log: string;
  /** Undefined where there are no unix sockets, or no safe directory for one: TCP only then. */
  readonly socketDirectory: string | undefined;
}

/**
 * Decides and creates the directories for the server of `directory` (a project's `.backwright`).
 * Throws StartError when they cannot be created or, as root, when no account can run the server.
 * `rootBases` are tried in order as root.
 */
export async function findPlaces(
  directory: string,
  rootBases: readonly string[] = ROOT_BASES,
): Promise<Places> {
  try {
    await mkdir(directory, { recursive: true });
    const project = await realpath(directory);
    const key = keyOf(project);
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) return await placesIn(project, project, key, undefined);
    const account = await findAccount();
    const base = await rootBase(rootBases, account);
    const home = join(base, key);
    await sharedDirectory(home);
    await writeFile(join(home, "project.txt"), `${project}\n`);
    return await placesIn(home, base, key, account);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The embedded database cannot use ${directory}: ${String(error)}`, {
      fix: `Make ${directory} writable for this user, or set DATABASE_URL and DATABASE_OWNER_URL.`,
      cause: error,
    });
  }
}

/** One name for each project of this machine. */
function keyOf(project: string): string {
  return createHash("sha256").update(project).digest("hex").slice(0, 16);
}

/** Whether a server of `directory` has been made. Changes nothing, and creates no directory. */
export async function hasEmbeddedData(directory: string): Promise<boolean> {
  const project = await realpath(directory).catch(() => undefined);
  if (project === undefined) return false;
  const isRoot = process.getuid?.() === 0;
  const homes = isRoot ? ROOT_BASES.map((base) => join(base, keyOf(project))) : [project];
  const found = await Promise.all(
    homes.map((home) => stat(join(home, "postgres", "PG_VERSION")).catch(() => undefined)),
  );
  return found.some((one) => one !== undefined);
}

async function placesIn(
  home: string,
  copies: string,
  key: string,
  account: Account | undefined,
): Promise<Places> {
  const run = join(home, "postgres-run");
  await mkdir(run, { recursive: true, mode: 0o755 });
  await chmod(run, account === undefined ? 0o700 : 0o755);
  return {
    account,
    home,
    copies,
    data: join(home, "postgres"),
    lock: join(home, "postgres-lock"),
    leases: join(run, "leases"),
    state: join(run, "state.json"),
    log: join(run, "server.log"),
    socketDirectory: await socketDirectory(run, key, account),
  };
}

/** The server's uid and gid are asked of `id`, which knows every source of accounts. */
async function findAccount(): Promise<Account> {
  for (const name of ACCOUNTS) {
    try {
      const ids = await Promise.all(["-u", "-g"].map((flag) => idOf(flag, name)));
      const [uid, gid] = ids;
      if (uid !== undefined && gid !== undefined && uid !== 0) return { name, uid, gid };
    } catch {
      // Not an account of this machine: the next name.
    }
  }
  throw new StartError(
    `PostgreSQL does not run as root, and this machine has neither user ${ACCOUNTS.join(" nor ")}.`,
    { fix: "Start as an ordinary user, or create one for it: useradd --system postgres" },
  );
}

async function idOf(flag: string, name: string): Promise<number> {
  const { stdout } = await promisify(execFile)("id", [flag, name]);
  return Number.parseInt(stdout, 10);
}

async function rootBase(bases: readonly string[], account: Account): Promise<string> {
  const refusals: string[] = [];
  for (const base of bases) {
    try {
      await sharedDirectory(base);
      const real = await realpath(base);
      if (await canReach(real, account)) return real;
      refusals.push(`${base}: user ${account.name} cannot reach it`);
    } catch (error) {
      refusals.push(`${base}: ${errorCode(error) ?? String(error)}`);
    }
  }
  throw new StartError(
    `As root the embedded database needs a directory of its own; tried ${refusals.join("; ")}.`,
    { fix: `Make ${bases[0]} writable, or start as an ordinary user.` },
  );
}

/** Owned by us, readable by the server's account, writable by nobody else. */
async function sharedDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  await requireOwn(path, 0);
  await chmod(path, 0o755);
}

// A directory under a world-writable one may have been put there by another user: a link to
// elsewhere, or one into which he can look. Such a directory is refused, never repaired.
async function requireOwn(path: string, uid: number): Promise<void> {
  const status = await lstat(path);
  if (status.isDirectory() && status.uid === uid && (status.mode & 0o022) === 0) return;
  throw new Error("not a directory of this user alone");
}

async function canReach(path: string, account: Account): Promise<boolean> {
  for (let current = path; ; current = dirname(current)) {
    const { mode, uid, gid } = await stat(current);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (current === dirname(current)) return true;
  }
}

async function socketDirectory(
  run: string,
  key: string,
  account: Account | undefined,
): Promise<string | undefined> {
  if (process.platform === "win32") return undefined;
  const uid = account?.uid ?? process.getuid?.() ?? 0;
  const name = `backwright-socket-${uid}-${key}`;
  for (const path of [join(run, "socket"), join(tmpdir(), name), join("/tmp", name)]) {
    // libpq reads a comma in a host as the start of the next host.
    if (path.includes(",")) continue;
    if (Buffer.byteLength(join(path, SOCKET_NAME)) > SOCKET_PATH_BYTES_MAX) continue;
    try {
      await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
        if (errorCode(error) !== "EEXIST") throw error;
      });
      if (account !== undefined && (await lstat(path)).uid === 0) await giveTo(path, account);
      await requireOwn(path, uid);
      await chmod(path, 0o700);
      if (account === undefined || (await canReach(path, account))) return path;
    } catch {
      // Another user's directory, or no permission: the next place.
    }
  }
  return undefined;
}

/** Hands a file or directory to the server's account; nothing to do unless we are root. */
export async function giveTo(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}
