// The arguments of the program. Everything that it asks can be said with a flag instead.
import { parseArgs } from "node:util";
import { PRESETS } from "./presets.js";

export const HELP = `Starts a Backwright project.

  npm create backwright@latest [folder] -- [options]

  --preset NAME     ${Object.keys(PRESETS).join(", ")} (asked for; minimal with --yes)
  --name NAME       the name in package.json (the folder's name)
  --no-install      do not run npm install
  --no-git          do not run git init
  -y, --yes         ask nothing
  -h, --help        this text

Presets:
${Object.entries(PRESETS)
  .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  .join("\n")}

Examples:
  npm create backwright@latest
  npm create backwright@latest my-app -- --preset layered --yes
  npm create backwright@latest shop -- --preset monorepo --no-install --no-git --yes
`;

const OPTIONS = /** @type {const} */ ({
  preset: { type: "string" },
  name: { type: "string" },
  "no-install": { type: "boolean", default: false },
  "no-git": { type: "boolean", default: false },
  yes: { type: "boolean", short: "y", default: false },
  help: { type: "boolean", short: "h", default: false },
});

/** What is wrong with the arguments, in a sentence for people. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {string | undefined} folder
 * @property {string | undefined} preset
 * @property {string | undefined} name
 * @property {boolean} install
 * @property {boolean} git
 * @property {boolean} yes
 * @property {boolean} help
 */

/**
 * Throws UsageError.
 * @param {readonly string[]} args
 * @returns {Options}
 */
export function readOptions(args) {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(unknownOption(error));
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) throw new UsageError(`One folder, not ${positionals.length}.`);
  if (values.preset !== undefined && !Object.hasOwn(PRESETS, values.preset)) {
    const known = Object.keys(PRESETS);
    throw new UsageError(`There is no preset "${values.preset}". ${suggest(values.preset, known)}`);
  }
  return {
    folder: positionals[0],
    preset: values.preset,
    name: values.name,
    install: !values["no-install"],
    git: !values["no-git"],
    yes: values.yes,
    help: values.help,
  };
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function unknownOption(error) {
  const message = error instanceof Error ? error.message : String(error);
  const name = /Unknown option '--?([^']+)'/.exec(message)?.[1];
  if (name === undefined) return message;
  return `There is no option --${name}. ${suggest(name, Object.keys(OPTIONS), "--")}`;
}

/**
 * @param {string} given
 * @param {readonly string[]} known
 * @param {string} [prefix]
 * @returns {string}
 */
function suggest(given, known, prefix = "") {
  const near = known.find((one) => distance(given, one) <= 2);
  if (near !== undefined) return `Did you mean ${prefix}${near}?`;
  return `There are: ${known.map((one) => prefix + one).join(", ")}.`;
}

/**
 * Letters to add, drop or change (Levenshtein).
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
