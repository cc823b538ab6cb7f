// The passwords of the embedded database's two roles, made once per project and kept for its user
// alone. The superuser's password is not here: it lies in the data directory.

import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../base/errors.ts";
import { errorCode, withLock } from "./embedded-holder.ts";

export interface Credentials {
  readonly owner: string;
  readonly app: string;
}

const FILE = "database.json";

/**
 * The passwords in `<directory>/database.json`, which is created (mode 0600) when absent: of
 * several processes that ask at once all get the same ones. Whoever can read the file can use the
 * database. Throws StartError when the file is there and holds something else.
 */
export async function embeddedCredentials(directory: string): Promise<Credentials> {
  const path = join(directory, FILE);
  await mkdir(directory, { recursive: true });
  return (
    (await readCredentials(path)) ??
    (await withLock(
      `${path}-lock`,
      () => undefined,
      async () => (await readCredentials(path)) ?? (await createCredentials(path)),
    ))
  );
}

/** Whether they were made. Changes nothing. */
export async function hasEmbeddedCredentials(directory: string): Promise<boolean> {
  return (await stat(join(directory, FILE)).catch(() => undefined)) !== undefined;
}

async function readCredentials(path: string): Promise<Credentials | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
    if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new StartError(`The database passwords in ${path} cannot be read: ${String(error)}`, {
      fix: "Start as the user who made the file, or give it to this one with chown.",
      cause: error,
    });
  }
  const credentials = parse(text);
  if (credentials !== undefined) return credentials;
  throw new StartError(`${path} does not hold { "owner": "…", "app": "…" }.`, {
    fix: `Delete the file: rm '${path}'. New passwords are made and set at the next start.`,
  });
}

function parse(text: string): Credentials | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("owner" in value) || !("app" in value)) return undefined;
    const { owner, app } = value;
    return typeof owner === "string" && typeof app === "string" ? { owner, app } : undefined;
  } catch {
    return undefined;
  }
}

/** Call it under the lock. The rename makes the file appear whole, even if we are killed here. */
async function createCredentials(path: string): Promise<Credentials> {
  const [owner, app] = [randomPassword(), randomPassword()];
  const prepared = `${path}-new`;
  await rm(prepared, { force: true });
  const text = `${JSON.stringify({ owner, app }, null, 2)}\n`;
  await writeFile(prepared, text, { mode: 0o600, flag: "wx", flush: true });
  await rename(prepared, path);
  return { owner, app };
}

function randomPassword(): string {
  return randomBytes(24).toString("base64url");
}
