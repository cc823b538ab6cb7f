// The folder that --project names, looked at before anything is read in it.
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { StartError } from "../base/errors.ts";
import { fileFailure } from "../base/file-failure.ts";

const FIX = "Run this in the folder of your backend.ts, or name it: --project path/to/folder";

/** Throws StartError where there is no such folder. */
export function requireProjectFolder(folder: string): void {
  const path = resolve(folder);
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw fileFailure(path, cause, FIX);
  }
  if (isFolder) return;
  throw new StartError(`${path} is a file, not a folder.`, { fix: `--project ${dirname(path)}` });
}
