// The style rules that a formatter does not know, each as one small function over the text of one
// file. Pure: takes a path and a text, returns violations. CONTRIBUTING.md says them in words.
import { basename } from "node:path";
import { lineAt, type MaskedText, maskText } from "./source-text.ts";

const COLUMNS_MAX = 100;
const LINES_MAX = 400;

interface File {
  readonly path: string;
  readonly text: string;
  /** For programs only; elsewhere nothing is masked. */
  readonly masked: MaskedText;
}

interface Rule {
  readonly applies: (path: string) => boolean;
  readonly check: (file: File) => string[];
}

const isProgram = (path: string) => /\.(?:ts|js|mjs|cjs)$/.test(path);
const isProduct = (path: string) => /^(?:src|examples)\/.*\.ts$/.test(path);
const everywhere = () => true;

// Put together at run time, so that this file does not hold what it looks for.
const MACHINE_PATHS = [
  `(?<![\\w.-])/${"work"}/`,
  `/tmp/${"team"}`,
  `bash_${"jobs"}`,
  `(?<![\\w.-])/${"root"}/`,
  `(?<![\\w.-])/(?:home|Users)/(?!user/|you/|node/|runner/)[a-z]`,
];
const REGISTRY_HOSTS = ["npmjs", "yarnpkg"].map((name) => `registry\\.${name}`);

const RULES: readonly Rule[] = [
  { applies: (path) => isProgram(path) || /(?:\.sh|\.ci\/run)$/.test(path), check: columns },
  // What a program prints is as long as it is.
  { applies: (path) => isProgram(path) && !path.startsWith("test/golden/"), check: lines },
  {
    applies: isProgram,
    check: unexplained(
      code(/\bas\s+any\b|(?<!\s):\s*any\b|<any\b|\bany\[\]/g, "switches types off"),
    ),
  },
  {
    applies: isProgram,
    check: comments(
      /@ts-(?:ignore|nocheck)\b/g,
      "silences the compiler; @ts-expect-error in tests",
    ),
  },
  {
    applies: (path) => isProgram(path) && !path.startsWith("test/"),
    check: comments(/@ts-expect-error\b/g, "is for tests of the types only"),
  },
  {
    applies: everywhere,
    check: comments(/\b(?:TODO|FIXME|XXX|HACK)\b/g, "is a promise to nobody; do it or drop it"),
  },
  {
    applies: (path) => isProduct(path) && path !== "src/base/clock.ts",
    check: code(
      /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(|\bperformance\.now\b/g,
      "reads the clock; src/base/clock.ts does that",
    ),
  },
  { applies: (path) => /^(?:src|scripts)\/.*\.[jt]s$/.test(path), check: header },
  { applies: everywhere, check: fileName },
  { applies: everywhere, check: text(MACHINE_PATHS, "is a path of one machine") },
  { applies: everywhere, check: text(REGISTRY_HOSTS, "is the address of a package registry") },
];

/** Every violation in one file, as "path:line: what is wrong"; empty when all is well. */
export function checkTidy(path: string, source: string): string[] {
  const whole = { code: source, withoutComments: source, comments: source };
  const file = { path, text: source, masked: isProgram(path) ? maskText(source) : whole };
  return RULES.flatMap((rule) => (rule.applies(path) ? rule.check(file) : []));
}

function columns({ path, text }: File): string[] {
  return text.split("\n").flatMap((line, index) => {
    const width = [...line].length;
    return width > COLUMNS_MAX ? [`${path}:${index + 1}: ${width} columns`] : [];
  });
}

function lines({ path, text }: File): string[] {
  const count = text.replace(/\n$/, "").split("\n").length;
  return count > LINES_MAX ? [`${path}:${count}: more than ${LINES_MAX} lines`] : [];
}

function header({ path, text }: File): string[] {
  if (/^(?:#![^\n]*\n)?(?:\/\/ ?\S|\/\*)/.test(text)) return [];
  return [`${path}:1: starts without a comment that says what the module owns`];
}

function fileName({ path }: File): string[] {
  const problems: string[] = [];
  for (const segment of path.split("/")) {
    const name = segment.replace(/\..*$/, "");
    if (["utils", "util", "helpers", "helper", "shared", "common"].includes(name)) {
      problems.push(`${path}:1: "${name}" says nothing; name it after what it does`);
    }
  }
  const isConvention = /^[A-Z]+\.md$|^LICENSE$|^\./.test(basename(path));
  const isKebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
  const odd = path
    .split("/")
    .filter((segment) => !segment.startsWith(".") && !isKebab.test(segment));
  if (odd.length > 0 && !isConvention) problems.push(`${path}:1: file names are kebab-case`);
  return problems;
}

function code(pattern: RegExp, why: string): Rule["check"] {
  return ({ path, masked }) => matches(path, masked.code, pattern, why);
}

/** Leaves out, in tests alone, a line under the reason that Biome asks for. */
function unexplained(check: Rule["check"]): Rule["check"] {
  return (file) => {
    const lines = file.text.split("\n");
    const reason = /biome-ignore lint\/suspicious\/noExplicitAny: \S/;
    return check(file).filter((found) => {
      const line = Number(/:(?<line>\d+): /.exec(found)?.groups?.line);
      return !(file.path.startsWith("test/") && reason.test(lines[line - 2] ?? ""));
    });
  };
}

function comments(pattern: RegExp, why: string): Rule["check"] {
  return ({ path, masked }) => matches(path, masked.comments, pattern, why);
}

function text(patterns: readonly string[], why: string): Rule["check"] {
  const pattern = new RegExp(patterns.join("|"), "g");
  return (file) => matches(file.path, file.text, pattern, why);
}

function matches(path: string, searched: string, pattern: RegExp, why: string): string[] {
  return [...searched.matchAll(pattern)].map((match) => {
    return `${path}:${lineAt(searched, match.index)}: ${match[0].trim()} ${why}`;
  });
}
