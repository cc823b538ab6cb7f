// The tutorial, followed to the letter: its files in an empty folder, its commands, its tests.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { blocksOf } from "../scripts/markdown.ts";
import { ROOT, readRepositoryFile } from "../scripts/repository-files.ts";
import { testAdminUrl } from "./support/postgres.ts";

const folder = mkdtempSync(join(tmpdir(), "backwright-tutorial-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runNode(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      ...process.env,
      NODE_OPTIONS: "--conditions=backwright-source",
      NODE_V8_COVERAGE: "",
      TEST_DATABASE_ADMIN_URL: testAdminUrl(),
    },
  });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

// Planted fault: `set` left out of the member's create -> the tutorial's own first test is red.
test("the tutorial's files make a backend that passes the tutorial's tests", {
  timeout: 60_000,
}, () => {
  const page = readRepositoryFile("docs/tutorials/first-backend.md");
  const files = blocksOf(page).filter(({ language }) => language === "ts");
  expect(files.map(({ title }) => title)).toContain("test/loans.test.ts");
  for (const { title, code } of files) {
    const path = join(folder, title ?? "untitled");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  mkdirSync(join(folder, "node_modules"));
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name.startsWith(".")) continue;
    symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  }
  expect(runNode(join(ROOT, "src/cli/main.ts"), "migrate", "new", "init")).toContain("0001-init");
  expect(runNode("--test", "--test-reporter=tap")).toMatch(/# pass 3\n# fail 0/);
});
