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
import { isMain } from "./is-main.ts";
import { ROOT, repositoryFiles } from "./repository-files.ts";
import { mustSucceed, runNodeProgram } from "./run-program.ts";
import { importsOf, maskText } from "./source-text.ts";

const DIST = join(ROOT, "dist");

/** Builds from nothing, so that no file of an earlier build is left over. */
export async function build(): Promise<void> {
  rmSync(DIST, { recursive: true, force: true });
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  mustSucceed("tsc", await runNodeProgram([tsc, "-p", "tsconfig.build.json"]));
  rewriteDeclarations();
  copyAssets();
  const leftovers = findSourceNames();
  if (leftovers.length > 0) {
    process.stderr.write(`dist/ names files of src/:\n${leftovers.join("\n")}\n`);
    process.exit(1);
  }
  const program = join(DIST, "cli/main.js");
  if (existsSync(program)) chmodSync(program, 0o755);
}

/** The compiler rewrites ".ts" to ".js" in programs only; other tools read declarations too. */
function rewriteDeclarations(): void {
  for (const name of globSync("**/*.d.ts", { cwd: DIST })) {
    const path = join(DIST, name);
    let source = readFileSync(path, "utf8");
    for (const { specifier, position } of importsOf(source).reverse()) {
      if (!isSourceName(specifier)) continue;
      const end = position + specifier.length;
      source = `${source.slice(0, end - ".ts".length)}.js${source.slice(end)}`;
    }
    writeFileSync(path, source);
  }
}

function copyAssets(): void {
  const assets = repositoryFiles().filter((path) => /^src\/.*(?<!\.ts)$/.test(path));
  for (const path of assets) {
    const target = join(DIST, path.slice("src/".length));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(ROOT, path), target);
  }
}

/**
 * The compiler rewrites the paths of imports but not of other texts: a file that is started or read
 * by name (`new URL("./x.ts", import.meta.url)`) would be missing in the package.
 */
function findSourceNames(): string[] {
  return globSync("**/*.{js,d.ts}", { cwd: DIST }).flatMap((path) => {
    const source = readFileSync(join(DIST, path), "utf8");
    const imported = importsOf(source).filter(({ specifier }) => isSourceName(specifier));
    const named = path.endsWith(".js") ? [...textsOf(source)].filter(isSourceName) : [];
    const names = [...imported.map(({ specifier }) => specifier), ...named];
    return names.map((name) => `  dist/${path}: ${name}`);
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

if (isMain(import.meta.url)) {
  await build();
  process.stdout.write("dist/ is built\n");
}
