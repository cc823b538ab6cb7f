// The house keeps its order: src/layers.ts says it, this test reads every import of src/.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkArchitecture, type House } from "../scripts/check-architecture.ts";
import { ROOT, readRepositoryFile, repositoryFiles } from "../scripts/repository-files.ts";
import { LAYERS, ROOT_FILES } from "../src/layers.ts";

const house: House = { layers: LAYERS, rootFiles: ROOT_FILES };

function sourceFiles(): Map<string, string> {
  const paths = repositoryFiles().filter((path) => /^src\/.*\.ts$/.test(path));
  return new Map(paths.map((path) => [path.slice("src/".length), readRepositoryFile(path)]));
}

describe("the source of the package", () => {
  test("imports only upwards, keeps packages in their folders and has no circles", () => {
    const files = sourceFiles();
    // An empty list would pass every rule.
    expect(files.size).toBeGreaterThan(10);
    expect(checkArchitecture(files, house)).toEqual([]);
  });

  test("has no folder that src/layers.ts does not list", () => {
    const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    const listed = LAYERS.map((layer) => layer.folder);
    expect(folders.filter((folder) => !listed.includes(folder))).toEqual([]);
  });

  test("lists each folder once, with one line about it", () => {
    const listed = LAYERS.map((layer) => layer.folder);
    expect(new Set(listed).size).toBe(listed.length);
    expect(LAYERS.filter((layer) => layer.about === "" || layer.about.includes("\n"))).toEqual([]);
  });
});

// Each row plants one fault in a small house of its own and says what the checker must answer.
describe("the checker of the architecture", () => {
  const small: House = {
    layers: [
      { folder: "base" },
      { folder: "database", owns: ["pg"] },
      { folder: "server", owns: ["fastify", "@fastify"] },
      { folder: "rest", face: true },
      { folder: "graphql", face: true },
      { folder: "client", typesOnly: true },
    ],
    rootFiles: ["index.ts"],
  };

  const around: ReadonlyArray<readonly [string, string]> = [
    ["base/clock.ts", "export const now = 1;"],
    ["database/pool.ts", 'import pg from "pg";\nimport "../base/clock.ts";\nexport { pg };'],
    ["server/kernel.ts", 'import helmet from "@fastify/helmet";\nexport { helmet };'],
    ["rest/routes.ts", 'import type { a } from "../server/kernel.ts";'],
    ["client/client.ts", 'import type { now } from "../base/clock.ts";'],
    ["index.ts", 'export * from "./rest/routes.ts";'],
  ];

  test("finds nothing in a house that is in order", () => {
    expect(checkArchitecture(new Map(around), small)).toEqual([]);
  });

  test.each([
    ["an upward import", "base/a.ts", 'import "../rest/routes.ts";', /"rest" stands below "base"/],
    ["one of a type", "base/a.ts", 'import type { x } from "../rest/routes.ts";', /below "base"/],
    ["one in an export", "base/a.ts", 'export * from "../rest/routes.ts";', /below "base"/],
    ["one over lines", "base/a.ts", 'import {\n  x,\n} from "../rest/routes.ts";', /a\.ts:3: /],
    ["one at run time", "base/a.ts", 'await import("../rest/routes.ts");', /below "base"/],
    ["a face that uses another", "graphql/a.ts", 'import "../rest/routes.ts";', /faces never/],
    ["pg in a strange place", "rest/a.ts", 'import pg from "pg";', /only src\/database\/ does/],
    ["a type of pg there", "rest/a.ts", 'import type { P } from "pg";', /only src\/database\//],
    ["a part of pg there", "rest/a.ts", 'import x from "pg/lib/x";', /only src\/database\//],
    ["a plugin of Fastify there", "rest/a.ts", 'import "@fastify/cors";', /only src\/server\//],
    ["an unlisted folder", "extra/a.ts", "", /"extra" is not listed/],
    ["a stray file", "stray.ts", "", /only folders stand in src/],
    ["a way out of src", "base/a.ts", 'import "../../test/x.ts";', /outside src/],
    ["a missing file", "base/a.ts", 'import "./none.ts";', /is not there/],
    ["the package's own name", "base/a.ts", 'import "backwright";', /paths are relative/],
    ["the package's door", "base/a.ts", 'import "../index.ts";', /for the outside/],
    ["run-time code in the client", "client/a.ts", 'import "../base/clock.ts";', /types only/],
    [
      "a type that loads its module",
      "client/a.ts",
      'import { type x } from "../base/clock.ts";',
      /types only/,
    ],
    ["a field by its name", "rest/a.ts", 'fieldOf(table, "version");', /field "version" by its/],
    ["one of a map", "rest/a.ts", 'table.fields.get("updatedAt");', /field "updatedAt" by its/],
    ["a file that imports itself", "base/a.ts", 'import "./a.ts";', /circle/],
  ])("finds %s", (_fault, path, text, expected) => {
    const problems = checkArchitecture(new Map([...around, [path, text]]), small);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  test("finds a circle of three files that only types close, and reports it once", () => {
    const files = new Map([
      ["base/a.ts", 'import "./b.ts";'],
      ["base/b.ts", 'import { c } from "./c.ts";'],
      ["base/c.ts", 'import type { A } from "./a.ts";'],
    ]);
    const circle = "src/base/a.ts -> base/b.ts -> base/c.ts -> base/a.ts: imports go in a circle";
    expect(checkArchitecture(files, small)).toEqual([circle]);
  });

  test("is not fooled by imports in comments, texts, templates and patterns", () => {
    const text = [
      '// import "../rest/routes.ts";',
      '/* import pg from "pg"; */',
      "const a = 'import \"pg\"';",
      'const b = `import pg from "pg"; ${1} import "pg"`;',
      'const c = /import "pg"/.test(a) ? 4 / 2 : import.meta.url;',
    ].join("\n");
    expect(checkArchitecture(new Map([...around, ["base/a.ts", text]]), small)).toEqual([]);
  });
});
