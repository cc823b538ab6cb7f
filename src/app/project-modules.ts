// The modules of a project, which can be loaded anew in the same process. For development: what was
// loaded before stays in memory, as far as a module cannot be unloaded.
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/** Of this package: src/ or dist/, which is loaded once. */
const OWN = new URL("..", import.meta.url).href;

/** Of the project, or of a package that a workspace links; not of an installed one, nor of ours. */
export function isOfProject(url: string): boolean {
  return url.startsWith("file:") && !url.includes("/node_modules/") && !url.startsWith(OWN);
}

export class ProjectModules {
  readonly #files = new Set<string>();
  #generation = 0;

  /** Sees every module that is imported from now on, wherever it lies, but for packages. */
  constructor() {
    registerHooks({
      resolve: (specifier, context, next) => {
        let found: ReturnType<typeof next>;
        try {
          found = next(specifier, context);
        } catch (error) {
          this.#miss(specifier, context.parentURL);
          throw error;
        }
        if (!isOfProject(found.url)) return found;
        this.#files.add(fileURLToPath(found.url));
        // Another address is another module; the first one keeps its name in stack traces.
        return this.#generation === 0
          ? found
          : { ...found, url: `${found.url}?generation=${this.#generation}` };
      },
    });
  }

  /** Every file that was asked for, also by an attempt that failed. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /** The next import reads the files again. */
  forget(): void {
    this.#generation += 1;
  }

  /** A file that is not there yet. */
  #miss(specifier: string, parent: string | undefined): void {
    if (!/^\.{1,2}\//.test(specifier) || !URL.canParse(specifier, parent)) return;
    const { href } = new URL(specifier, parent);
    if (isOfProject(href)) this.#files.add(fileURLToPath(href));
  }
}
