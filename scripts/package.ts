// Packs what would be published and has it judged: publint for the package, attw for its types.
// Leaves the archive in the repository's folder (git ignores it). Needs dist/, so build first.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runIfMain } from "./is-main.ts";
import { publishManifest } from "./publish-manifest.ts";
import { ROOT } from "./repository-files.ts";
import { mustSucceed, runNodeProgram, runNpm } from "./run-program.ts";

const PAGES = ["README.md", "LICENSE", "CHANGELOG.md"];

/**
 * Packs the package.
 * @param dist the absolute path of what the build made
 * @param destination an existing folder that receives the archive
 * @returns the absolute path of the archive
 */
export async function pack(dist: string, destination: string): Promise<string> {
  if (!existsSync(dist)) throw new Error(`${dist} is missing. Run: npm run build`);
  const stage = mkdtempSync(join(tmpdir(), "backwright-package-"));
  try {
    cpSync(dist, join(stage, "dist"), { recursive: true });
    for (const name of PAGES) cpSync(join(ROOT, name), join(stage, name));
    const manifest = publishManifest(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
    writeFileSync(join(stage, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    const args = ["pack", "--ignore-scripts", "--pack-destination", destination];
    mustSucceed("npm pack", await runNpm(args, { cwd: stage }));
    return join(destination, `${manifest.name}-${manifest.version}.tgz`);
  } finally {
    rmSync(stage, { recursive: true });
  }
}

async function judge(archive: string): Promise<void> {
  const publint = join(ROOT, "node_modules/publint/src/cli.js");
  mustSucceed("publint", await runNodeProgram([publint, "run", archive, "--strict"]));
  const attw = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
  mustSucceed("attw", await runNodeProgram([attw, archive, "--profile", "esm-only"]));
}

await runIfMain(import.meta.url, async () => {
  const archive = await pack(join(ROOT, "dist"), ROOT);
  await judge(archive);
  process.stdout.write(`${archive} is ready; publint and attw have no complaint\n`);
});
