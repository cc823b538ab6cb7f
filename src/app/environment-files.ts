// Settings in files: `.env.<name>` beside the backend or where the program is called. Committed
// ones hold no secrets; `.env.<name>.local` and `.env` stay out of the repository.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadEnvFile } from "node:process";
import { StartError } from "../base/errors.ts";

/**
 * Reads what the environment does not set from `.env.<name>.local`, `.env.<name>` and `.env`, the
 * first of them winning; a folder's own files before those of the working directory. The name is
 * BACKWRIGHT_ENV, such as staging, or else the given one. Throws StartError for a file that cannot
 * be read.
 */
export function loadEnvironmentFiles(folder: string, fallback: string): void {
  const name = process.env.BACKWRIGHT_ENV ?? fallback;
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new StartError("BACKWRIGHT_ENV is not the name of an environment.", {
      fix: "BACKWRIGHT_ENV=staging reads .env.staging",
    });
  }
  for (const directory of new Set([resolve(folder), process.cwd()])) {
    for (const file of [`.env.${name}.local`, `.env.${name}`, ".env"]) {
      const path = join(directory, file);
      if (!existsSync(path)) continue;
      try {
        loadEnvFile(path); // Never over a variable that is set.
      } catch (cause) {
        throw new StartError(`${path} could not be read.`, { cause });
      }
    }
  }
}
