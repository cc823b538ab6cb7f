// A project on disk: its backend module, its migrations, its `.backwright` folder.
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { StartError } from "../base/errors.ts";
import { compileModel } from "../model/compile.ts";
import type { AnyBackend } from "../model/declare-untyped.ts";
import type { Model } from "../model/model.ts";
import { isOfProject } from "./project-modules.ts";
import type { Seed } from "./seed.ts";

export interface Project {
  readonly directory: string;
  readonly migrations: string;
  /** Local state: the embedded server's files, development keys. Never committed. */
  readonly state: string;
  readonly backend: AnyBackend;
  readonly model: Model;
}

/** Loads and checks `backend.ts` (or .js) of a folder. Throws StartError. */
export async function loadProject(folder: string): Promise<Project> {
  const directory = resolve(folder);
  const path = await findModule(directory, "backend");
  if (path === undefined) {
    throw new StartError(`There is no backend.ts in ${directory}.`, {
      fix: "Run this in the folder of your backend.ts, or name it: --project path/to/folder",
    });
  }
  const backend = await importDefault(path);
  if (!isBackend(backend)) {
    throw new StartError(`${path} does not export a backend as its default.`, {
      fix: 'export default backend({ name: "my-app", resources: { … } });',
    });
  }
  return projectOf(backend, directory);
}

/** The project of a backend that is loaded already. Throws StartError for a wrong declaration. */
export function projectOf(backend: AnyBackend, folder: string): Project {
  const directory = resolve(folder);
  return {
    directory,
    migrations: join(directory, "migrations"),
    state: join(directory, ".backwright"),
    backend,
    model: compileModel(backend),
  };
}

/** The default export of the project's seed.ts, where there is one. */
export async function loadSeed(project: Project): Promise<Seed | undefined> {
  const path = await findModule(project.directory, "seed");
  if (path === undefined) return undefined;
  const seed = await importDefault(path);
  if (typeof seed === "function") return seed as Seed;
  throw new StartError(`${path} does not export a function as its default.`, {
    fix: "export default async function seed({ tenant, as, key }) { … }",
  });
}

const EXTENSIONS = ["ts", "js", "mjs"];
export const SEED_FILES: readonly string[] = EXTENSIONS.map((extension) => `seed.${extension}`);

async function findModule(directory: string, name: string): Promise<string | undefined> {
  for (const extension of EXTENSIONS) {
    const path = join(directory, `${name}.${extension}`);
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  return undefined;
}

async function importDefault(path: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return module.default;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const place = placeOf(cause);
    const isHere = place?.startsWith(`${path}:`) === true;
    const where = place === undefined || isHere ? "" : ` (${place})`;
    throw new StartError(`${isHere ? place : path} could not be loaded: ${reason}${where}`, {
      fix: isPackageMissing(cause)
        ? "npm install, or correct the import."
        : "Correct what it names, and run the command again.",
      cause,
    });
  }
}

function isPackageMissing(cause: unknown): boolean {
  const { code, message = "" } = cause as { code?: string; message?: string };
  return code === "ERR_MODULE_NOT_FOUND" && message.includes("Cannot find package");
}

/** File and line where a module failed: the first of the stack that is of the project. */
function placeOf(cause: unknown): string | undefined {
  const { stack = "" } = cause as { stack?: string };
  for (const [, url = "", line = ""] of stack.matchAll(/(file:\/\/[^\s()]*?):(\d+)/g)) {
    if (isOfProject(url)) return `${fileURLToPath(url)}:${line}`;
  }
  return undefined;
}

function isBackend(value: unknown): value is AnyBackend {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "backend";
}
