// What a user installs works without the repository: the archive that would be published runs under
// plain Node, its types hold for a strict project, and it carries nothing of the inside.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build } from "../scripts/build.ts";
import { entryFor, findGaps, type LockPackages } from "../scripts/complete-lockfile.ts";
import { pack } from "../scripts/package.ts";
import { type Manifest, publishManifest } from "../scripts/publish-manifest.ts";
import { ROOT, readRepositoryFile, repositoryFiles } from "../scripts/repository-files.ts";
import { loadProject } from "../src/app/project.ts";
import { printContract } from "../src/model/print-contract.ts";
import { EXAMPLE } from "./support/backend.ts";

const manifest: Manifest = JSON.parse(readRepositoryFile("package.json"));

describe("the manifest", () => {
  test("names for every export a source, a program and its types that belong together", () => {
    const targets = Object.values(manifest.exports).filter((target) => typeof target === "object");
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) {
      const source = target["backwright-source"] ?? "";
      const built = source.replace("./src/", "./dist/");
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(target.default).toBe(built.replace(/\.ts$/, ".js"));
      expect(target.types).toBe(built.replace(/\.ts$/, ".d.ts"));
      // Node takes the first condition that holds.
      expect(Object.keys(target)).toEqual(["backwright-source", "types", "default"]);
    }
  });

  test("is published without scripts, development dependencies and ways into src/", () => {
    const text = JSON.stringify(publishManifest(manifest));
    expect(manifest.private).toBe(true);
    for (const word of ["private", "devDependencies", "scripts", "workspaces", "./src/"]) {
      expect(JSON.stringify(manifest)).toContain(word);
      expect(text).not.toContain(word);
    }
  });

  test("pins every dependency of the repository to one version", () => {
    const manifests = repositoryFiles().filter((path) => path.endsWith("package.json"));
    const loose = manifests.flatMap((path) => {
      const { dependencies, devDependencies, optionalDependencies, peerDependencies } = JSON.parse(
        readRepositoryFile(path),
      );
      const all = { ...dependencies, ...devDependencies, ...optionalDependencies };
      const versions = Object.entries<string>({ ...all, ...peerDependencies });
      return versions.filter(([, version]) => !/^(?:\d+\.\d+\.\d+\S*|file:\S+)$/.test(version));
    });
    expect(loose).toEqual([]);
  });
});

describe("the lockfile", () => {
  const { packages }: { packages: LockPackages } = JSON.parse(
    readRepositoryFile("package-lock.json"),
  );

  // Planted fault: the entry of @biomejs/cli-darwin-arm64 deleted -> red, and `npm ci` fails.
  test("describes every optional package (else: node scripts/complete-lockfile.ts)", () => {
    expect(Object.keys(packages).length).toBeGreaterThan(100);
    expect(findGaps(packages)).toEqual([]);
  });

  test("is completed with entries that say for which machines they are", () => {
    const gaps = findGaps({
      "node_modules/tool": {
        dev: true,
        optionalDependencies: { "@tool/linux-arm64-musl": "1.2.3" },
      },
      "node_modules/other": { optionalDependencies: { nested: "1.0.0" } },
      "node_modules/other/node_modules/nested": { version: "1.0.0" },
    });
    expect(gaps).toEqual([{ name: "@tool/linux-arm64-musl", version: "1.2.3", dev: true }]);
    expect(gaps.map(entryFor)).toEqual([
      {
        version: "1.2.3",
        cpu: ["arm64"],
        dev: true,
        libc: ["musl"],
        optional: true,
        os: ["linux"],
      },
    ]);
  });

  test("names no address to download from", () => {
    const resolved = readRepositoryFile("package-lock.json").match(/"resolved": "(?!")[^"]*"/g);
    expect((resolved ?? []).filter((line) => line.includes("://"))).toEqual([]);
  });
});

/** One of everything that a project may make and export. */
const EXPORTS = `
import { define, id, mount, newId, searchIndex, softDeleted, state, tracked } from "backwright";
import { createClient } from "backwright/client";
import { startTestBackend } from "backwright/testing";
import type { Api } from "./backend.ts";
import { backend, me, resource, rows } from "./domain.ts";
import { relations } from "./relations.ts";
import { teams } from "./resources/teams.ts";
import { organizations } from "./schema.ts";

export const columns = { id: id(), ...tracked(), ...softDeleted(), status: state(["a", "b"]) };
export { newId, searchIndex };
export const definition = define({ relations, tenant: organizations, roles: ["manager"] });
export const mine = rows("workOrders", { requesterId: me.id });
export const sites = resource("sites", { scope: "tenant", access: { manager: "all" } });
export const app = backend({ name: "x", resources: { sites, teams } });
export const versioned = backend({
  name: "x",
  resources: { sites },
  versions: { v1: { resources: { sites: { rename: { name: "title" } } } }, v2: {} },
});
export const api = () => mount(app, { prefix: "/api" });
export const client = createClient<Api>({ url: "https://api.example.org", key: "bw_" });
export const { workOrders, categories, teams: teamsClient } = client;
export const upserted = () => categories.upsert("name", { name: "Water" });
export const bulk = () => teamsClient.bulkCreate([{ name: "Red" }]);
export const listed = () => workOrders.list({ include: { asset: { include: { site: true } } } });
export const report = () => workOrders.aggregate({ groupBy: ["status"], count: true });
export const walk = () => workOrders.all({});
export const several = () => client.batch([{ operation: "sites.create", body: { name: "Quay" } }]);
export const started = () => startTestBackend();
`;

describe("the package that a user installs", () => {
  const folder = mkdtempSync(join(tmpdir(), "backwright-consumer-"));
  const installed = join(folder, "node_modules", "backwright");

  beforeAll(async () => {
    const dist = join(folder, "dist");
    await build(dist);
    const archive = await pack(dist, folder);
    installDependencies();
    mkdirSync(installed);
    execFileSync("tar", ["-xzf", archive, "-C", installed, "--strip-components", "1"]);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What npm would put beside the package, linked from where the repository has it. */
  function installDependencies(): void {
    const from = join(ROOT, "node_modules");
    mkdirSync(join(folder, "node_modules"));
    for (const name of readdirSync(from)) {
      if (name.startsWith(".") || ["backwright", "@backwright"].includes(name)) continue;
      symlinkSync(join(from, name), join(folder, "node_modules", name));
    }
  }

  function runNode(args: readonly string[]): string {
    // Variables of this test run (conditions, coverage) would not be there for a user.
    const env = { ...process.env, NODE_OPTIONS: "", NODE_V8_COVERAGE: "" };
    return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", env });
  }

  test("holds the built product, its manifest and three pages, and no source", () => {
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    const top = new Set(files.map((path) => path.split(/[\\/]/)[0]));
    expect([...top].sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist",
      "package.json",
    ]);
    expect(files.filter((path) => /(?<!\.d)\.ts$/.test(path))).toEqual([]);
    expect(files.filter((path) => path.includes("layers"))).toEqual([]);
    expect(files).toContain("dist/rest/docs/page.html");
  });

  test("loads under plain Node, every entry of it", () => {
    const entries = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
    for (const entry of entries) {
      const name = entry.replace(/^\./, "backwright");
      const script = `console.log(Object.keys(await import(${JSON.stringify(name)})))`;
      expect(runNode(["--input-type=module", "-e", script]), name).toContain("'");
    }
  });

  test("has a command that answers", () => {
    const { bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const program = readFileSync(join(installed, bin.backwright), "utf8");
    expect(program.startsWith("#!/usr/bin/env node\n")).toBe(true);
    expect(runNode([join(installed, bin.backwright), "--help"])).toContain("migrate");
  });

  test("gives a repository without the backend a typed client", { timeout: 60_000 }, async () => {
    const { model } = await loadProject(EXAMPLE);
    const own = join(folder, "caller");
    mkdirSync(own);
    writeFileSync(join(own, "api.ts"), printContract(model));
    const options = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, types: [] };
    const place = { module: "nodenext", target: "es2024", lib: ["es2024", "dom"] };
    const compilerOptions = { ...options, ...place };
    writeFileSync(join(own, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    const use = [
      'import { createClient } from "backwright/client";',
      'import type { Api } from "./api.js";',
      'const { workOrders, categories } = createClient<Api>({ url: "https://api.example.org" });',
      'const got = await workOrders.get("1", { include: { site: true }, fields: ["dueAt"] });',
      "export const dueAt: string | null = got.dueAt;",
      "export const site: string | undefined = got.site?.name;",
      'export const { status } = await workOrders.assign("1", { technicianId: "2" });',
      'await categories.create({ name: "Roofs" });',
      "// @ts-expect-error: there is no such field",
      'await workOrders.list({ sort: "dueOn" });',
      "// @ts-expect-error: there is no such state",
      'await workOrders.update("1", { status: "lost" });',
      "// @ts-expect-error: the input is required",
      'await workOrders.assign("1");',
    ];
    writeFileSync(join(own, "use.ts"), use.join("\n"));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    expect(runNode([tsc, "-p", own])).toBe("");
  });

  // Planted: `Rows`, `BackendOptions`, `SeveralClient` not exported -> red with TS2883 (before
  // TypeScript 7 TS2742 and TS4023), which is what every project with `declaration` would meet.
  test("lets a project that writes declarations export whatever is made of it", {
    timeout: 60_000,
  }, () => {
    const own = join(folder, "library");
    const filter = (path: string) => !/node_modules|\.backwright|\btest(?:ing)?\b/.test(path);
    cpSync(EXAMPLE, own, { recursive: true, filter });
    const options = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: true };
    const place = { module: "nodenext", target: "es2024", lib: ["es2024", "dom"], types: ["node"] };
    const written = { declaration: true, emitDeclarationOnly: true, outDir: "out" };
    const names = { allowImportingTsExtensions: true, noUncheckedIndexedAccess: true };
    const compilerOptions = { ...options, ...place, ...written, ...names };
    writeFileSync(join(own, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    writeFileSync(join(own, "exports.ts"), EXPORTS);
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    expect(runNode([tsc, "-p", own])).toBe("");
    expect(readFileSync(join(own, "out/exports.d.ts"), "utf8")).toContain("export declare const");
  });

  test("gives its types to a strict project", { timeout: 60_000 }, () => {
    const options = { strict: true, module: "nodenext", target: "es2024", noEmit: true };
    const config = { compilerOptions: { ...options, skipLibCheck: true, types: ["node"] } };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ ...config, files: ["use.ts"] }));
    const use = [
      'import { define, id, state, tracked } from "backwright";',
      "export const made: unknown[] = [define, id(), state, tracked()];",
      "// @ts-expect-error: without types everything would be any, and nothing an error",
      "define(1);",
    ];
    writeFileSync(join(folder, "use.ts"), use.join("\n"));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    expect(runNode([tsc, "-p", "."])).toBe("");
  });
});
