// Projects as `npm create backwright` writes them, with the repository's packages installed.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/repository-files.ts";

export const CREATE_PROGRAM = join(ROOT, "create-backwright/main.js");
export const MODULES = join(ROOT, "node_modules");
const WORKSPACES = ["apps/api", "apps/report", "packages/domain"];

/** Writes a preset's project, by the name my-app, into a folder that is not there yet. */
export function writePreset(directory: string, preset: string) {
  const args = [CREATE_PROGRAM, directory, "--preset", preset, "--name", "my-app"];
  return spawnSync(process.execPath, [...args, "--yes", "--no-install"], { encoding: "utf8" });
}

/** What npm install would do, with the modules of the repository. */
export function linkModules(directory: string): void {
  const modules = join(directory, "node_modules");
  mkdirSync(join(modules, "@my-app"), { recursive: true });
  for (const name of readdirSync(MODULES)) {
    if (!name.startsWith(".")) symlinkSync(join(MODULES, name), join(modules, name));
  }
  for (const workspace of WORKSPACES) {
    const name = workspace.split("/")[1] ?? "";
    symlinkSync(join(directory, workspace), join(modules, "@my-app", name));
  }
}
