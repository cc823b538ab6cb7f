// The modules of a project, which can be loaded anew in the same process. For development: what was
// loaded before stays in memory, as far as a module cannot be unloaded.
import { realpathSync } from "node:fs";
import { registerHooks } from "node:module";
import { sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export class ProjectModules {
  readonly #files = new Set<string>();
  readonly #root: string;
  #generation = 0;

  /** Sees every module of the folder that is imported from now on, but for packages in it. */
  constructor(folder: string) {
    this.#root = pathToFileURL(realpathSync(folder) + sep).href;
    registerHooks({
      resolve: (specifier, context, next) => {
        const found = next(specifier, context);
        const isOurs = found.url.startsWith(this.#root) && !found.url.includes("/node_modules/");
        if (!isOurs) return found;
        this.#files.add(fileURLToPath(found.url));
        // Another address is another module; the first one keeps its name in stack traces.
        return this.#generation === 0
          ? found
          : { ...found, url: `${found.url}?generation=${this.#generation}` };
      },
    });
  }

  /** Every file that was loaded, also by an attempt that failed. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /** The next import reads the files again. */
  forget(): void {
    this.#generation += 1;
  }
}
