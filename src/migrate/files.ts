// The migrations folder: `0001-name/{up.sql,down.sql,snapshot.json}`, numbered without gaps.
// Reads and writes files; knows neither a database nor drizzle-kit.

import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../base/errors.ts";
import { type MigrationScript, readScript } from "./script.ts";
import { formatSnapshot, parseSnapshot, type Snapshot } from "./snapshot.ts";

export interface MigrationFolder {
  readonly number: number;
  /** The folder's name, number included: `0001-initial`. */
  readonly name: string;
  readonly path: string;
  readonly up: MigrationScript;
  /** Null when the migration cannot be taken back. */
  readonly down: MigrationScript | null;
}

/** What `writeMigration` puts into a folder. */
export interface MigrationContents {
  readonly up: string;
  readonly down: string;
  readonly snapshot: Snapshot;
}

const FOLDER_NAME = /^(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*$/;
const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
// LIMIT: leaves room for number and path on every file system.
const NAME_LENGTH_MAX = 80;
const NUMBER_MAX = 9999;

/**
 * Reads all migrations in order; a directory that does not exist holds none. Throws a StartError
 * naming the path for a folder with another name, a number taken twice or left out, or no up.sql.
 */
export async function readMigrations(directory: string): Promise<readonly MigrationFolder[]> {
  const names = await folderNames(directory);
  refuseWrongNumbers(directory, names);
  return Promise.all(names.map((name) => readFolder(directory, name)));
}

/**
 * The snapshot after the last migration; null before the first. A migration written by hand may
 * leave snapshot.json out: then the one before it still holds. Throws a StartError naming the file
 * when it cannot be read.
 */
export async function readLatestSnapshot(directory: string): Promise<Snapshot | null> {
  const names = await folderNames(directory);
  for (const name of names.toReversed()) {
    const path = join(directory, name, "snapshot.json");
    const text = await readOptional(path);
    if (text !== null) return parseSnapshot(text, path);
  }
  return null;
}

/**
 * Writes the next migration as a whole or not at all, and returns its path. `name` is kebab-case
 * and comes without a number. Throws a StartError for another name or a directory that
 * `readMigrations` refuses.
 */
export async function writeMigration(
  directory: string,
  name: string,
  contents: MigrationContents,
): Promise<string> {
  if (!NAME.test(name) || name.length > NAME_LENGTH_MAX) {
    throw new StartError(`"${name}" cannot name a migration.`, {
      fix: `Use kebab-case of at most ${NAME_LENGTH_MAX} characters, for example add-work-orders.`,
    });
  }
  const existing = await readMigrations(directory);
  const next = (existing.at(-1)?.number ?? 0) + 1;
  if (next > NUMBER_MAX) throw new StartError(`${directory} holds no number after ${NUMBER_MAX}.`);
  const path = join(directory, `${String(next).padStart(4, "0")}-${name}`);
  // Hidden, so that a crash half-way leaves nothing that counts as a migration.
  const unfinished = join(directory, `.new-migration-${randomUUID()}`);
  try {
    await mkdir(unfinished, { recursive: true });
    await writeFile(join(unfinished, "up.sql"), contents.up);
    await writeFile(join(unfinished, "down.sql"), contents.down);
    await writeFile(join(unfinished, "snapshot.json"), formatSnapshot(contents.snapshot));
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    throw new StartError(`Cannot write the migration ${path}.`, {
      fix: "Check that the directory may be written to and the disk is not full.",
      cause,
    });
  }
  return path;
}

async function folderNames(directory: string): Promise<readonly string[]> {
  let entries: { name: string; isDirectory(): boolean }[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw new StartError(`Cannot read the migrations in ${directory}.`, {
      fix: "Check that it is a directory and that this user may read it.",
      cause,
    });
  }
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name);
  for (const name of names) {
    if (FOLDER_NAME.test(name)) continue;
    throw new StartError(`${join(directory, name)} is not the folder of a migration.`, {
      fix: "Rename it to four digits and a kebab-case name, such as 0003-add-sites, or move it.",
    });
  }
  return names.sort();
}

function refuseWrongNumbers(directory: string, names: readonly string[]): void {
  names.forEach((name, index) => {
    const number = numberOf(name);
    const before = names[index - 1];
    if (before !== undefined && numberOf(before) === number) {
      throw new StartError(
        `Two migrations have one number: ${join(directory, before)} and ${join(directory, name)}.`,
        {
          fix:
            "Delete the folder that is not applied anywhere yet and plan it again with " +
            "`npx backwright migrate new <name>`, so that it builds on the other one.",
        },
      );
    }
    if (number === index + 1) return;
    const missing = String(index + 1).padStart(4, "0");
    throw new StartError(`The migration ${missing} is missing before ${join(directory, name)}.`, {
      fix: `Restore ${missing} from version control; applied migrations are never deleted.`,
    });
  });
}

function numberOf(name: string): number {
  return Number(name.slice(0, 4));
}

async function readFolder(directory: string, name: string): Promise<MigrationFolder> {
  const path = join(directory, name);
  const up = await readOptional(join(path, "up.sql"));
  if (up === null) {
    throw new StartError(`${join(path, "up.sql")} is missing.`, {
      fix: "Restore it from version control, or delete the folder if it was never applied.",
    });
  }
  const down = await readOptional(join(path, "down.sql"));
  return {
    number: numberOf(name),
    name,
    path,
    up: readScript(join(path, "up.sql"), up),
    down: down === null ? null : readScript(join(path, "down.sql"), down),
  };
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw new StartError(`Cannot read ${path}.`, { fix: "Check its permissions.", cause });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
