// Which files a development start depends on: modules, migrations, settings and the seed.
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { environmentFiles } from "./environment-files.ts";
import { SEED_FILES } from "./project.ts";
import type { ProjectModules } from "./project-modules.ts";

const OF_A_MIGRATION = new Set(["up.sql", "down.sql", "snapshot.json"]);

export class WatchedFiles {
  readonly #modules: ProjectModules;
  readonly #migrations: string;
  /** Read where they are there, whether or not they are yet. */
  readonly #named: ReadonlySet<string>;

  constructor(
    modules: ProjectModules,
    folder: string,
    project: { readonly directory: string; readonly migrations: string },
  ) {
    this.#modules = modules;
    this.#migrations = project.migrations;
    const seeds = SEED_FILES.map((name) => join(project.directory, name));
    this.#named = new Set([
      ...environmentFiles(folder, "development"),
      ...seeds,
      project.migrations,
    ]);
  }

  /** The folders in which something may change; one that is not there yet is among them. */
  folders(): ReadonlySet<string> {
    const files = [...this.#modules.files, ...this.#named];
    const folders = new Set([...files.map((file) => dirname(file)), this.#migrations]);
    for (const name of namesIn(this.#migrations)) folders.add(join(this.#migrations, name));
    return folders;
  }

  has(path: string): boolean {
    if (this.#named.has(path) || this.#modules.files.has(path)) return true;
    const name = basename(path);
    // Not what an editor or `migrate new` puts there for a moment.
    if (dirname(path) === this.#migrations) return !name.startsWith(".");
    return OF_A_MIGRATION.has(name) && dirname(dirname(path)) === this.#migrations;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // No migration yet.
  }
}
