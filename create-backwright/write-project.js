// Writes a preset's files. Nothing is written into a folder that holds anything.
import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UsageError } from "./options.js";
import { PRESETS } from "./presets.js";

const TEMPLATES = join(import.meta.dirname, "templates");
// What npm does not pack, or would read as its own, is kept under another name.
const NAMES = new Map([
  ["gitignore", ".gitignore"],
  ["github", ".github"],
  ["package.template.json", "package.json"],
  ["biome.template.json", "biome.json"],
]);

/** A name that npm takes. */
const PACKAGE_NAME = /^[a-z0-9][a-z0-9._-]*$/;

/**
 * A package's name from a folder's. Throws UsageError.
 * @param {string} text
 * @returns {string}
 */
export function packageName(text) {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "");
  if (PACKAGE_NAME.test(name)) return name;
  throw new UsageError(`"${text}" makes no name for a package. Give one: --name my-backend`);
}

/**
 * Throws UsageError where the folder is not empty or cannot be written to. Resolves to the number
 * of files.
 * @param {{ directory: string, preset: string, name: string }} project
 * @returns {Promise<number>}
 */
export async function writeProject({ directory, preset, name }) {
  const present = await readdir(directory).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw unusable(directory, error);
  });
  if (present.some((entry) => entry !== ".git")) {
    throw new UsageError(`${directory} is not empty. Choose another folder.`);
  }
  const api = PRESETS[preset]?.api ?? ".";
  const files = new Map([
    ...(await readTree(join(TEMPLATES, "base"))),
    ...(await readPreset(preset)),
  ]);
  for (const [path, content] of files) {
    const target = join(directory, path);
    const filled = content.replaceAll("__NAME__", name).replaceAll("__API__", api);
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, filled, { flag: "wx" });
    } catch (error) {
      throw unusable(directory, error);
    }
  }
  return files.size;
}

/**
 * @param {string} directory
 * @param {any} error
 */
function unusable(directory, error) {
  const message = `${directory} cannot be written to: ${error.code}. Choose another folder.`;
  return new UsageError(message, { cause: error });
}

/** Of the example, at its top: what belongs to the repository rather than to the application. */
export const LEFT_OUT =
  /^(node_modules|\.backwright|nyc-311\.map\.json|data|package\.json|README\.md)$/;

/**
 * In the repository the work-orders preset is the example itself; packing copies it.
 * @param {string} preset
 */
async function readPreset(preset) {
  const packed = join(TEMPLATES, preset);
  const isPacked = await access(packed).then(
    () => true,
    () => false,
  );
  return isPacked
    ? readTree(packed)
    : readTree(join(import.meta.dirname, "../examples", preset), LEFT_OUT);
}

/**
 * The files below a folder by their paths in the project.
 * @param {string} folder
 * @param {RegExp} [leftOut] names at the top that are passed over
 * @param {string} [prefix]
 * @returns {Promise<[string, string][]>}
 */
async function readTree(folder, leftOut, prefix = "") {
  const entries = await readdir(folder, { withFileTypes: true });
  /** @type {[string, string][]} */
  const files = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (leftOut?.test(entry.name)) continue;
    const path = join(prefix, NAMES.get(entry.name) ?? entry.name);
    const source = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await readTree(source, undefined, path)));
    else files.push([path, await readFile(source, "utf8")]);
  }
  return files;
}
