// `npm create backwright`: every preset is a project that passes its own checks as it is written,
// and the program answers misuse in words.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../scripts/repository-files.ts";
import { testAdminUrl } from "./support/postgres.ts";
import { CREATE_PROGRAM, linkModules, MODULES, writePreset } from "./support/preset-project.ts";

const PRESETS = ["minimal", "work-orders", "layered", "monorepo"] as const;
const folder = mkdtempSync(join(tmpdir(), "backwright-create-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const create = (...args: string[]) =>
  spawnSync(process.execPath, [CREATE_PROGRAM, ...args], { cwd: folder, encoding: "utf8" });

function runIn(directory: string, args: readonly string[]): string {
  const env = {
    ...process.env,
    NODE_OPTIONS: "--conditions=backwright-source",
    NODE_V8_COVERAGE: "",
    TEST_DATABASE_ADMIN_URL: testAdminUrl(),
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: directory,
    encoding: "utf8",
    env,
  });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

describe.each(PRESETS)("the preset %s", { timeout: 60_000 }, (preset) => {
  const directory = join(folder, preset);

  test("is written, type-checks, lints, has its migrations and passes its tests", () => {
    const written = writePreset(directory, preset);
    expect(written.stderr).toBe("");
    expect(written.stdout).toContain("npm run dev");
    linkModules(directory);
    const condition = ["--customConditions", "backwright-source"];
    runIn(directory, [join(MODULES, "typescript/bin/tsc"), "--noEmit", ...condition]);
    runIn(directory, [join(MODULES, "@biomejs/biome/bin/biome"), "check", "--error-on-warnings"]);
    const { scripts } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const [, api = ""] = /--project (\S+)/.exec(scripts.migrate) ?? [];
    const cli = join(ROOT, "src/cli/main.ts");
    const again = runIn(directory, [cli, "--project", api, "migrate", "new", "again"]);
    expect(again).toContain("Nothing to migrate");
    const tests = runIn(directory, ["--test", "--test-reporter=tap"]);
    // A run that found no test would pass as well.
    expect(tests).toMatch(/# pass (?:[3-9]|\d\d)\b/);
    expect(tests).toContain("# fail 0");
  });
});

describe("the program", () => {
  test.each([
    [
      "an unknown option",
      ["--presett", "minimal"],
      /There is no option --presett. Did you mean --preset\?/,
    ],
    [
      "an unknown preset",
      ["x", "--preset", "minimall"],
      /no preset "minimall". Did you mean minimal\?/,
    ],
    ["a preset of JavaScript's own", ["x", "--preset", "constructor"], /no preset "constructor"/],
    ["a folder that is a file", [CREATE_PROGRAM], /main\.js cannot be written to: ENOTDIR/],
    ["a preset like none", ["x", "--preset", "php"], /There are: minimal, work-orders, layered/],
    ["two folders", ["one", "two"], /One folder, not 2/],
    ["a name that npm refuses", ["x", "--name", "!!!"], /makes no name for a package/],
  ])("refuses %s and writes nothing", (_name, args, message) => {
    const before = readdirSync(folder);
    const { status, stderr, stdout } = create(...args, "--yes", "--no-install");
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
    expect(status).toBe(2);
    expect(readdirSync(folder)).toEqual(before);
  });

  test("does not write into a folder that holds anything", () => {
    mkdirSync(join(folder, "full/src"), { recursive: true });
    const { status, stderr } = create("full", "--yes", "--no-install");
    expect(stderr).toContain("is not empty");
    expect(status).toBe(2);
    expect(readdirSync(join(folder, "full"))).toEqual(["src"]);
  });

  test("shows every option and preset with --help", () => {
    const { stdout, status } = create("--help");
    expect(status).toBe(0);
    for (const word of ["--no-git", "--yes", ...PRESETS]) expect(stdout).toContain(word);
  });

  test("is packed with every template and the example", () => {
    const source = join(ROOT, "create-backwright");
    const args = ["pack", "--json", "--pack-destination", folder];
    const packed = execFileSync("npm", args, { cwd: source, encoding: "utf8", shell: false });
    const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const preset of PRESETS) {
      expect(paths.some((path) => path.startsWith(`templates/${preset}/`))).toBe(true);
    }
    expect(paths).toContain("templates/work-orders/backend.ts");
    expect(paths).toContain("templates/base/gitignore");
    expect(paths.filter((path) => path.includes("311"))).toEqual([]);
    expect(readdirSync(join(source, "templates"))).not.toContain("work-orders");
  });

  test("asks for the versions that the repository uses", () => {
    const versions = (path: string): Record<string, string> => {
      const json = JSON.parse(readFileSync(join(ROOT, path), "utf8"));
      return { ...json.dependencies, ...json.devDependencies };
    };
    const own = { ...versions("package.json"), backwright: "0.1.0" };
    for (const path of ["base/package.template.json", "monorepo/package.template.json"]) {
      const asked = versions(`create-backwright/templates/${path}`);
      for (const [name, version] of Object.entries(asked)) {
        expect([name, version]).toEqual([name, own[name as keyof typeof own]]);
      }
    }
  });
});
