// Development keys, kept so that the banner can show them again: `.backwright/keys.json`, 0600.
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Project } from "./project.ts";
import type { DevelopmentKey } from "./seed.ts";

const path = (project: Project): string => join(project.state, "keys.json");

export async function readDevelopmentKeys(project: Project): Promise<readonly DevelopmentKey[]> {
  try {
    const text = await readFile(path(project), "utf8");
    return (JSON.parse(text) as { keys: readonly DevelopmentKey[] }).keys;
  } catch {
    return [];
  }
}

export async function writeDevelopmentKeys(
  project: Project,
  keys: readonly DevelopmentKey[],
): Promise<void> {
  await mkdir(project.state, { recursive: true });
  const unfinished = `${path(project)}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path(project));
}

/** For a database that is gone. */
export function forgetDevelopmentKeys(project: Project): Promise<void> {
  return rm(path(project), { force: true });
}
