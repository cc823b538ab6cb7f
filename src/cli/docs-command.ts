// `backwright docs`: writes the pages about a backend, or says which of them are stale.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { loadProject } from "../app/project.ts";
import { StartError } from "../base/errors.ts";
import { fileFailure } from "../base/file-failure.ts";
import { documentsOf } from "../documents/documents.ts";
import { print } from "./output.ts";

export interface DocsOptions {
  /** Relative to the working directory; the project's `docs` unless given. */
  readonly out?: string;
  /** Compare instead of writing. */
  readonly check?: boolean;
}

/** Throws StartError naming the pages that are missing or stale. */
export async function writeDocs(folder: string, { out, check }: DocsOptions): Promise<void> {
  const project = await loadProject(folder);
  const directory = out === undefined ? join(project.directory, "docs") : resolve(out);
  const pages = documentsOf(project.model);
  const stale: string[] = [];
  for (const [name, text] of pages) {
    const path = join(directory, name);
    const present = await readFile(path, "utf8").catch(() => undefined);
    if (present !== text) stale.push(path);
  }
  const shown = stale.map((path) => relative(process.cwd(), path));
  if (check !== true) {
    try {
      await mkdir(directory, { recursive: true });
      for (const path of stale) await writeFile(path, pages.get(relative(directory, path)) ?? "");
    } catch (cause) {
      const { path = directory } = cause as { path?: string };
      throw fileFailure(path, cause, "--out with a folder that this user may write to");
    }
    for (const path of shown) print(`Wrote ${path}`);
    if (stale.length === 0) print(`All ${pages.size} pages are up to date.`);
    return;
  }
  if (stale.length > 0) {
    throw new StartError(`Not as the backend is: ${shown.join(", ")}.`, { fix: "backwright docs" });
  }
  print(`All ${pages.size} pages are up to date.`);
}
