// Checks the pages of documentation against the repository: links, code blocks by language, and the
// TypeScript of every page as a project of its own under the compiler. SQL is left to the test.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { checkShell, isJson, type ShellFacts } from "./check-shell.ts";
import { anchorsOf, blocksOf, type CodeBlock, filesNamedIn, linksOf } from "./markdown.ts";
import { ROOT } from "./repository-files.ts";
import { runNodeProgram } from "./run-program.ts";

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

export interface DocsFacts extends ShellFacts {
  /** The text of a page of the repository, to find its headings. */
  readonly read: (path: string) => string;
}

// Blocks in these languages are for people: pictures, output, sketches.
const NOT_CHECKED = ["text", "mermaid", "csv"];

/** What is wrong in the prose and in the blocks that need no other program, as sentences. */
export function checkPage(page: Page, facts: DocsFacts): string[] {
  const at = (line: number, problem: string) => `${page.path}:${line}: ${problem}`;
  const links = linksOf(page.text).flatMap(({ target, line }) => {
    const problem = checkLink(page, target, facts);
    return problem ? [at(line, problem)] : [];
  });
  const named = filesNamedIn(page.text)
    .filter(({ target }) => !facts.exists(target))
    .map(({ target, line }) => at(line, `there is no file ${target}`));
  const all = blocksOf(page.text);
  const made = all.flatMap(({ title = "" }) => /^resources\/(.+)\.ts$/.exec(title)?.[1] ?? []);
  const known = { ...facts, resources: new Set([...facts.resources, ...made]) };
  const shell = all.flatMap(({ language, code }) => (language === "sh" ? [code] : [])).join("");
  const blocks = all.flatMap((block) => {
    return checkBlock(block, shell, known).map(({ line, problem }) => at(line, problem));
  });
  return [...links, ...named, ...blocks];
}

function checkLink(page: Page, target: string, facts: DocsFacts): string | undefined {
  if (/^(?:https?|mailto):/.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page.path : posix.join(posix.dirname(page.path), path);
  if (path !== "" && !facts.exists(file)) return `the link to ${target} leads nowhere`;
  if (anchor === undefined || !file.endsWith(".md")) return undefined;
  const text = path === "" ? page.text : facts.read(file);
  return anchorsOf(text).includes(anchor) ? undefined : `there is no heading for ${target}`;
}

function checkBlock(
  block: CodeBlock,
  shell: string,
  facts: DocsFacts,
): { line: number; problem: string }[] {
  const { language, code, line } = block;
  if (["ts", "sql", ...NOT_CHECKED].includes(language)) return [];
  if (language === "json") return isJson(code) ? [] : [{ line, problem: "this is not JSON" }];
  if (language === "sh") {
    const problems = checkShell(code, facts, shell);
    return problems.map((found) => ({ ...found, line: line + found.line - 1 }));
  }
  const known = ["ts", "sh", "json", "sql", ...NOT_CHECKED].join(", ");
  const problem = `code blocks are ${known}; "${language}" is not checked by anything`;
  return [{ line, problem }];
}

/**
 * TypeScript of the pages that is not formatted as a project of `npm create backwright` formats it:
 * who copies it there must not meet a complaint of that project's own linter.
 */
export async function checkFormat(pages: readonly Page[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "backwright-docs-"));
  try {
    const template = join(ROOT, "create-backwright/templates/base/biome.template.json");
    cpSync(template, join(folder, "biome.json"));
    const found = pages.flatMap(({ path, text }) =>
      blocksOf(text).flatMap(({ language, code, line }) =>
        language === "ts" ? [{ place: `${path}:${line}`, code }] : [],
      ),
    );
    for (const [at, { code }] of found.entries()) writeFileSync(join(folder, `${at}.ts`), code);
    const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
    await runNodeProgram([biome, "format", "--write", "."], { cwd: folder });
    return found.flatMap(({ place, code }, at) => {
      const formatted = readFileSync(join(folder, `${at}.ts`), "utf8");
      return formatted === code ? [] : [`${place}: is not formatted; it would be:\n${formatted}`];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface DocsFile {
  readonly page: string;
  readonly line: number;
}

/**
 * Type-checks the TypeScript of all pages with the repository's own settings, each page as a
 * project: a block's file name is its title="…" or its first line `// name.ts`. A page that says
 * <!-- project: examples/work-orders --> builds on the files of that folder.
 * @returns the compiler's complaints, with the place in the page
 */
export async function checkTypeScript(pages: readonly Page[]): Promise<string[]> {
  mkdirSync(join(ROOT, ".checks"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".checks", "docs-"));
  try {
    const withCode = pages.filter(({ text }) => codeOf(text).length > 0);
    const files = new Map<string, DocsFile>();
    const problems = withCode.flatMap((page) => writePage(page, folder, files));
    // Pages with one base are one program, so that the base is read and checked once.
    for (const [base, group] of Map.groupBy(withCode, baseOf)) {
      problems.push(...complaints(await compile(folder, base, group.map(projectOf)), files));
    }
    return problems;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a page does not have itself is found in its base: rootDirs lays them over each other. */
async function compile(folder: string, base: string | undefined, projects: readonly string[]) {
  const rootDirs = base === undefined ? [] : [join(ROOT, base), ...projects];
  const unused = { noUnusedLocals: false, noUnusedParameters: false };
  const compilerOptions = { ...unused, rootDir: ROOT, rootDirs };
  const config = { extends: "../../tsconfig.json", compilerOptions, include: projects };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ ...config, exclude: [] }));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { output } = await runNodeProgram([tsc, "-p", "."], { cwd: folder });
  return output;
}

const codeOf = (text: string): readonly CodeBlock[] =>
  blocksOf(text).filter(({ language }) => language === "ts");

const projectOf = ({ path }: Page): string => path.replace(/\.md$/, "").toLowerCase();

const baseOf = ({ text }: Page): string | undefined =>
  /<!--\s*project:\s*(?<path>[\w./-]+)\s*-->/.exec(text)?.groups?.path;

function writePage(page: Page, folder: string, files: Map<string, DocsFile>): string[] {
  const project = projectOf(page);
  return codeOf(page.text).flatMap((block) => {
    const path = posix.join(project, block.title ?? titleInside(block) ?? `line-${block.line}.ts`);
    if (files.has(path)) return [`${page.path}:${block.line}: a second file ${path}`];
    files.set(path, { page: page.path, line: block.line });
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // Without an export a block would share its names with every other.
    writeFileSync(join(folder, path), `${block.code}export {};\n`);
    return [];
  });
}

function titleInside({ code }: CodeBlock): string | undefined {
  return /^\/\/ (?<name>[\w./-]+\.ts)\b/.exec(code)?.groups?.name;
}

function complaints(output: string, files: ReadonlyMap<string, DocsFile>): string[] {
  return output
    .split("\n")
    .filter((line) => /\berror TS\d+/.test(line))
    .map((line) => {
      const found = /^(?<file>[^(]+)\((?<row>\d+),\d+\): (?<message>.*)$/.exec(line)?.groups;
      const block = files.get(found?.file ?? "");
      if (!found || !block) return line;
      return `${block.page}:${block.line + Number(found.row) - 1}: ${found.message}`;
    });
}
