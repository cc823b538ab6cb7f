// The tasks of the repository: for each what it does and how the chosen Node is called for it.
// Data only; run.js runs them, --help lists them, and the tests of the docs know them from here.
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE = "--conditions=backwright-source";

/**
 * @typedef {object} Task
 * @property {string} about one line for --help
 * @property {(args: string[]) => string[]} command arguments for Node
 * @property {string} [cwd] relative to the repository
 * @property {string} [installs] a folder with a lockfile of its own that the task needs
 */

/** @type {Record<string, Task>} */
export const TASKS = {
  start: {
    about: "serve the work-order example for development",
    cwd: "examples/work-orders",
    command: (args) => [SOURCE, "../../src/cli/main.ts", "dev", ...args],
  },
  "import-311": {
    about: "import a file of 311 requests into the example, by its mapping",
    cwd: "examples/work-orders",
    command: (args) => [
      ...[SOURCE, "../../src/cli/main.ts", "import", "work-orders"],
      ...["--map", "nyc-311.map.json", "--tenant", "New York 311", "--role", "manager"],
      // npm changes to the folder of the package; a path means the folder where npm was called.
      ...args.map((arg) => (arg.startsWith("-") ? arg : resolve(process.env.INIT_CWD ?? "", arg))),
    ],
  },
  test: {
    about: "run every test, with coverage; arguments choose files and leave coverage out",
    command: (args) => [
      ...tool("vitest", "vitest"),
      "run",
      ...(args.length === 0 ? ["--coverage"] : args),
    ],
  },
  nightly: {
    about: "run the long tests (test/**/*.nightly.ts)",
    command: (args) => [
      ...tool("vitest", "vitest"),
      ...["run", "--config", "vitest.nightly.config.ts", ...args],
    ],
  },
  check: {
    about: "lint, typecheck, knip, build, package: everything but the tests",
    command: (args) => ["scripts/check.ts", ...args],
  },
  lint: {
    about: "check format and lint rules",
    command: (args) => [
      ...tool("@biomejs/biome", "biome"),
      ...["check", "--error-on-warnings", ...args],
    ],
  },
  format: {
    about: "format and apply safe fixes",
    command: (args) => [...tool("@biomejs/biome", "biome"), "check", "--write", ...args],
  },
  typecheck: {
    about: "check types",
    command: (args) => [...tool("typescript", "tsc"), "--noEmit", "-p", "tsconfig.json", ...args],
  },
  knip: {
    about: "find unused files, exports and dependencies",
    command: (args) => [...tool("knip", "knip"), ...args],
  },
  build: { about: "compile src/ to dist/", command: (args) => ["scripts/build.ts", ...args] },
  package: {
    about: "pack the npm package and check it with publint and attw (after build)",
    command: (args) => ["scripts/package.ts", ...args],
  },
  "docs-cli": {
    about: "write docs/reference/cli.md from the commands",
    command: (args) => ["scripts/gen-cli.ts", ...args],
  },
  "docs-errors": {
    about: "write docs/reference/errors.md from the error catalogue",
    command: (args) => ["scripts/gen-errors.ts", ...args],
  },
  "docs-settings": {
    about: "write docs/reference/settings.md from the table of settings",
    command: (args) => ["scripts/gen-settings.ts", ...args],
  },
  bench: {
    about: "measure against other backends",
    installs: "bench",
    command: (args) => [SOURCE, "bench/run.ts", ...args],
  },
  "bench-types": {
    about: "measure how long a large model takes to type-check",
    command: (args) => ["bench/types/run.ts", ...args],
  },
};

/**
 * The script of an installed command-line tool, as Node's arguments.
 * @param {string} name the package
 * @param {string} command one of its commands
 * @returns {string[]}
 */
function tool(name, command) {
  const folder = join(ROOT, "node_modules", name);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return [join(folder, typeof bin === "string" ? bin : bin[command])];
}
