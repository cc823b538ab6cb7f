// Settings in files: `.env.<name>` beside the backend or where the program is called. Committed
// ones hold no secrets; `.env.<name>.local` and `.env` stay out of the repository.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { StartError } from "../base/errors.ts";
import { fileFailure } from "../base/file-failure.ts";
import { given } from "../base/settings.ts";

/** What stands in the environment because of a file, so that it gives way to a newer file. */
const fromFiles = new Map<string, string | undefined>();

/**
 * Reads what the environment does not set from `.env.<name>.local`, `.env.<name>` and `.env`, the
 * first of them winning; a folder's own files before those of the working directory. The name is
 * BACKWRIGHT_ENV, such as staging, or else the given one. Called again it reads them anew. Throws
 * StartError for a file that cannot be read.
 */
export function loadEnvironmentFiles(folder: string, fallback: string): void {
  const values = environmentFiles(folder, fallback).flatMap(valuesIn);
  for (const [name, value] of fromFiles) if (process.env[name] === value) delete process.env[name];
  fromFiles.clear();
  for (const [name, value] of values) {
    if (process.env[name] !== undefined) continue;
    process.env[name] = value;
    fromFiles.set(name, value);
  }
}

/** The files that are read, whether they are there or not, the one that wins first. */
export function environmentFiles(folder: string, fallback: string): readonly string[] {
  const name = given(process.env, "BACKWRIGHT_ENV") ?? fallback;
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new StartError("BACKWRIGHT_ENV is not the name of an environment.", {
      fix: "BACKWRIGHT_ENV=staging reads .env.staging",
    });
  }
  const directories = [...new Set([resolve(folder), process.cwd()])];
  return directories.flatMap((directory) =>
    [`.env.${name}.local`, `.env.${name}`, ".env"].map((file) => join(directory, file)),
  );
}

function valuesIn(path: string): readonly (readonly [string, string | undefined])[] {
  if (!existsSync(path)) return [];
  try {
    return Object.entries(parseEnv(readFileSync(path, "utf8")));
  } catch (cause) {
    throw fileFailure(path, cause, "Make it a file that this user may read, or take it away.");
  }
}
