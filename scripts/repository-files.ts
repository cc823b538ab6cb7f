// The files of the repository as git sees them: tracked, or new and not ignored. Without git (an
// unpacked archive) the tree is walked, leaving out what is installed or generated.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The absolute path of the repository. */
export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)));

const NOT_OURS = new Set([
  ".backwright",
  ".checks",
  ".generated",
  ".git",
  "coverage",
  "dist",
  "node_modules",
]);

/** Paths relative to the repository, with slashes, sorted; files deleted on disk are left out. */
export function repositoryFiles(): string[] {
  const listed = existsSync(join(ROOT, ".git")) ? listedByGit() : walk("");
  return listed.filter((path) => isFile(join(ROOT, path))).sort();
}

/** The text of a file of the repository. */
export function readRepositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function listedByGit(): string[] {
  // The folder may belong to another user than the one who runs this (containers).
  const args = ["-c", `safe.directory=${ROOT}`, "ls-files", "-z", "-co", "--exclude-standard"];
  const output = execFileSync("git", args, { cwd: ROOT, encoding: "utf8", maxBuffer: 2 ** 26 });
  return output.split("\0").filter((path) => path !== "");
}

function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (NOT_OURS.has(entry.name)) return [];
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
