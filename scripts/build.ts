// Compiles src/ to dist/ and makes sure that the result needs nothing of the source: no import of a
// .ts file, every program executable, everything beside TypeScript copied along.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { runIfMain } from "./is-main.ts";
import { ROOT, repositoryFiles } from "./repository-files.ts";
import { mustSucceed, runNodeProgram } from "./run-program.ts";
import { importsOf, maskText } from "./source-text.ts";

/**
 * Builds from nothing, so that no file of an earlier build is left over.
 * @param target the absolute path of the folder to fill; what it holds is removed
 */
export async function build(target: string): Promise<void> {
  rmSync(target, { recursive: true, force: true });
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const args = [tsc, "-p", "tsconfig.build.json", "--outDir", target];
  mustSucceed("tsc", await runNodeProgram(args));
  rewriteDeclarations(target);
  copyAssets(target);
  const leftovers = findSourceNames(target);
  if (leftovers.length > 0) {
    throw new Error(`${target} names files of src/:\n${leftovers.join("\n")}`);
  }
  const program = join(target, "cli/main.js");
  if (existsSync(program)) chmodSync(program, 0o755);
}

/** The compiler rewrites ".ts" to ".js" in programs only; other tools read declarations too. */
function rewriteDeclarations(dist: string): void {
  for (const name of globSync("**/*.d.ts", { cwd: dist })) {
    const path = join(dist, name);
    let source = readFileSync(path, "utf8");
    for (const { specifier, position } of importsOf(source).reverse()) {
      if (!isSourceName(specifier)) continue;
      const end = position + specifier.length;
      source = `${source.slice(0, end - ".ts".length)}.js${source.slice(end)}`;
    }
    writeFileSync(path, source);
  }
}

function copyAssets(dist: string): void {
  const assets = repositoryFiles().filter((path) => /^src\/.*(?<!\.ts)$/.test(path));
  for (const path of assets) {
    const target = join(dist, path.slice("src/".length));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(ROOT, path), target);
  }
}

/**
 * The compiler rewrites the paths of imports but not of other texts: a file that is started or read
 * by name (`new URL("./x.ts", import.meta.url)`) would be missing in the package.
 */
function findSourceNames(dist: string): string[] {
  return globSync("**/*.{js,d.ts}", { cwd: dist }).flatMap((path) => {
    const source = readFileSync(join(dist, path), "utf8");
    const imported = importsOf(source).filter(({ specifier }) => isSourceName(specifier));
    const named = path.endsWith(".js") ? [...textsOf(source)].filter(isSourceName) : [];
    const names = [...imported.map(({ specifier }) => specifier), ...named];
    return names.map((name) => `  ${path}: ${name}`);
  });
}

function isSourceName(text: string): boolean {
  return /^\.{1,2}\/.*(?<!\.d)\.ts$/.test(text);
}

function* textsOf(source: string): Generator<string> {
  const { code, withoutComments } = maskText(source);
  for (const match of code.matchAll(/(["'`])\s+\1/g)) {
    yield withoutComments.slice(match.index + 1, match.index + match[0].length - 1);
  }
}

await runIfMain(import.meta.url, async () => {
  await build(join(ROOT, "dist"));
  process.stdout.write("dist/ is built\n");
});
