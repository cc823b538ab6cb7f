// What the documentation shows is true: links lead somewhere, commands exist, TypeScript compiles,
// JSON parses, PostgreSQL accepts the SQL.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkFormat,
  checkPage,
  checkTypeScript,
  type DocsFacts,
  type Page,
} from "../scripts/check-docs.ts";
import { blocksOf } from "../scripts/markdown.ts";
import { ROOT, readRepositoryFile, repositoryFiles } from "../scripts/repository-files.ts";
import { TASKS } from "../scripts/tasks.js";
import { createTestDatabase, type TestDatabase } from "./support/postgres.ts";

const paths = repositoryFiles();
const pages: Page[] = paths
  // A template's page is about the project that is made of it.
  .filter((path) => path.endsWith(".md") && !path.includes("/templates/"))
  .map((path) => ({ path, text: readRepositoryFile(path) }));

function repositoryFacts(): DocsFacts {
  const manifest = JSON.parse(readRepositoryFile("package.json"));
  const dependencies = { ...manifest.dependencies, ...manifest.peerDependencies };
  const source = paths.filter((path) => /^(?:src|examples)\/.*\.ts$/.test(path));
  const names = source.flatMap((path) => readRepositoryFile(path).match(/\b[A-Z][A-Z_]+\b/g) ?? []);
  return {
    npmScripts: new Set(Object.keys(manifest.scripts)),
    tasks: new Set(Object.keys(TASKS)),
    cliCommands: cliCommands(),
    resources: exampleResources(),
    actions: exampleActions(),
    settings: new Set(names),
    packages: new Set(["backwright", ...Object.keys(dependencies)]),
    exists: (path) => existsSync(join(ROOT, path)),
    read: readRepositoryFile,
  };
}

/** The commands that the tool itself lists. */
function cliCommands(): Set<string> {
  const main = join(ROOT, "src/cli/main.ts");
  if (!existsSync(main)) return new Set();
  const args = ["--conditions=backwright-source", main, "--help"];
  const help = execFileSync(process.execPath, args, { encoding: "utf8" });
  return new Set([...help.matchAll(/^ {2}(?<name>[a-z]+)\b/gm)].map((match) => match[1] ?? ""));
}

function exampleResources(): Set<string> {
  const named = /^examples\/work-orders\/resources\/(?<name>[a-z-]+)\.ts$/;
  return new Set(paths.flatMap((path) => named.exec(path)?.groups?.name ?? []));
}

function exampleActions(): Set<string> {
  const kebab = (name: string): string => name.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`);
  const found = [...exampleResources()].flatMap((resource) => {
    const text = readRepositoryFile(`examples/work-orders/resources/${resource}.ts`);
    const names = /^ {2}actions: \{(?<names>[^}]*)\}/m.exec(text)?.groups?.names ?? "";
    return [...names.matchAll(/\w+/g)].map(([name]) => `${resource}/${kebab(name)}`);
  });
  return new Set(found);
}

describe("the documentation", () => {
  test("exists where people look for it", () => {
    const expected = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"];
    expect(expected.filter((path) => !paths.includes(path))).toEqual([]);
  });

  test("links to what exists and shows commands and JSON that are true", () => {
    const facts = repositoryFacts();
    expect(pages.flatMap((page) => checkPage(page, facts))).toEqual([]);
  });

  test("shows TypeScript that compiles", { timeout: 120_000 }, async () => {
    expect(await checkTypeScript(pages)).toEqual([]);
  });
});

describe("the TypeScript of the documentation", () => {
  test("is formatted as the projects of npm create backwright are", async () => {
    expect(await checkFormat(pages)).toEqual([]);
  });

  test("is refused when it is not", async () => {
    const text = "# Planted\n\n```ts\nexport const one = 'two'\n```\n";
    const [problem, ...more] = await checkFormat([{ path: "planted.md", text }]);
    expect(problem).toMatch(/^planted\.md:4: .*\nexport const one = "two";\n$/);
    expect(more).toEqual([]);
  });
});

describe("the SQL of the documentation", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase("docs");
  });
  afterAll(() => database.drop());

  test("is accepted by PostgreSQL, and runs where it is marked `sql run`", async () => {
    const problems: string[] = [];
    for (const page of pages) problems.push(...(await checkSql(page, database.adminUrl)));
    expect(problems).toEqual([]);
  });

  // Planted faults: bad grammar, bad grammar behind good, a missing table in a block that runs.
  test("is refused when it is wrong", async () => {
    const text = [
      ...["```sql", "selec 1;", "```"],
      ...["```sql", "select 1 from nowhere; -- not run", "select from from;", "```"],
      ...["```sql run", "create table planted (id int);", "```"],
      ...["```sql run", "insert into planted values (1); select * from nowhere;", "```"],
      ...["```sql", "select $1::int from nowhere where id = 'it''s'", "```"],
    ].join("\n");
    const problems = await checkSql({ path: "planted.md", text }, database.adminUrl);
    expect(problems.map((problem) => problem.split(":").slice(0, 2).join(":"))).toEqual([
      "planted.md:2",
      "planted.md:5",
      "planted.md:12",
    ]);
  });
});

/** Runs the marked blocks of a page in one transaction that is undone; parses the others. */
async function checkSql(page: Page, url: string): Promise<string[]> {
  const blocks = blocksOf(page.text).filter(({ language }) => language === "sql");
  if (blocks.length === 0) return [];
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const problems: string[] = [];
  try {
    await client.query("begin");
    for (const { code, flags, line } of blocks) {
      await client.query("savepoint block");
      try {
        await client.query(flags.includes("run") ? code : parsedOnly(code));
      } catch (error) {
        problems.push(`${page.path}:${line}: ${error instanceof Error ? error.message : error}`);
        await client.query("rollback to savepoint block");
      }
    }
  } finally {
    await client.query("rollback");
    await client.end();
  }
  return problems;
}

/** PostgreSQL parses the whole body of a procedure before it runs any of it. */
function parsedOnly(code: string): string {
  const body = code.trimEnd().replace(/;$/, "");
  return `do $parsed_only$ begin return; ${body}; end $parsed_only$`;
}

// Each row plants one fault in a page and says what the checker must answer.
describe("the checker of the documentation", () => {
  const facts: DocsFacts = {
    npmScripts: new Set(["start", "test", "bench"]),
    tasks: new Set(["start"]),
    cliCommands: new Set(["dev", "migrate"]),
    resources: new Set(["work-orders"]),
    actions: new Set(["work-orders/assign"]),
    settings: new Set(["PORT"]),
    packages: new Set(["backwright", "drizzle-orm"]),
    exists: (path) => ["scripts/run.js", "docs/a.md", "src/x.ts"].includes(path),
    read: () => "# A heading, and `more`\n",
  };
  const sh = (code: string) => `\`\`\`sh\n${code}\n\`\`\`\n`;

  test("finds nothing in a page that is true", () => {
    const text = [
      "# Here\n[a](docs/a.md) [b](docs/a.md#a-heading-and-more) [c](#here) [d](https://e.org)",
      "Code is not read: `[x](none.md)`; `src/x.ts` is there, `src/later/` is a folder to come.",
      sh("npm start # serves\nPORT=4000 npm test -- test/x.test.ts && npm run bench"),
      sh(
        "npm install backwright drizzle-orm@1.0.0-rc.5\nnpx backwright dev\nbackwright migrate up",
      ),
      sh("node scripts/run.js start\nKEY=bw_1\nURL=http://127.0.0.1:3000"),
      sh(
        'curl http://127.0.0.1:3000/health\ncurl -H "authorization: Bearer $KEY" \\\n  $URL/ready',
      ),
      sh("curl -g 'http://localhost:3000/v1/work-orders?filter[status]=open&page[size]=2' | jq ."),
      sh('curl http://127.0.0.1:3000/v1/work-orders -d \'{\n  "title": "leak"\n}\''),
      sh("curl -X PATCH http://127.0.0.1:3000/v1/work-orders/1 --json '{}'"),
      sh("curl http://127.0.0.1:3000/v1/work-orders/1/assign --json '{}'"),
      sh("curl 'http://127.0.0.1:3000/v1/work-orders/aggregate?groupBy=status&count=true'"),
      '```json\n{ "a": 1 }\n```\n```text\nanything ]( goes\n```\n',
    ].join("\n");
    expect(checkPage({ path: "README.md", text }, facts)).toEqual([]);
  });

  test.each([
    ["a link to nowhere", "[a](docs/b.md)", /:1: the link to docs\/b\.md leads nowhere/],
    ["a link to no heading", "[a](docs/a.md#other)", /no heading/],
    ["a link by reference", "\n[a]: docs/b.md", /:2: the link/],
    ["a file that is gone", "see `src/y.ts`", /there is no file src\/y\.ts/],
    ["an unknown language", "```yaml\na: 1\n```", /:2: .*"yaml" is not checked/],
    ["no language", "```\na: 1\n```", /"" is not checked/],
    ["JSON with a comma", '```json\n{ "a": 1, }\n```', /this is not JSON/],
    ["a missing script", sh("npm ci\nnpm run deploy"), /:3: .* no script "deploy"/],
    ["a missing task", sh("node scripts/run.js fly"), /no task "fly"/],
    ["a missing file", sh("node scripts/none.js"), /no file/],
    ["a missing command", sh("npx backwright fly"), /no command "fly"/],
    ["another program", sh("make"), /"make" is not among/],
    ["a strange package", sh("npm install left-pad"), /left-pad: not a package/],
    ["an unread variable", sh("PROT=3000 npm start"), /nothing reads the variable PROT/],
    ["an address not served", sh("curl http://localhost:3000/v1/workorders"), /nothing is served/],
    ["a method not served", sh("curl -X PUT http://localhost:3000/health"), /does not serve PUT/],
    [
      "no action",
      sh("curl -X POST http://localhost:3000/v1/work-orders/1/fly"),
      /nothing is served/,
    ],
    ["a parameter", sh("curl http://localhost:3000/v1/work-orders?filer=1"), /no parameter filer/],
    ["brackets", sh("curl 'http://localhost:3000/v1/work-orders?filter[a]=1'"), /add -g/],
    ["a body", sh("curl http://localhost:3000/v1/work-orders -d '{a: 1}'"), /body is not JSON/],
    ["a foreign host", sh("curl https://e.org/v1/work-orders"), /this machine's address/],
  ])("finds %s", (_fault, text, expected) => {
    const problems = checkPage({ path: "README.md", text }, facts);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  test("compiles the blocks of one page together", { timeout: 60_000 }, async () => {
    const text = [
      '```ts title="parts/one.ts"\nexport const one: number = 1;\n```',
      '```ts\n// two.ts\nimport { one } from "./parts/one.ts";',
      "export const two: string = one;\n```",
      "```ts\nconst one = 1;\n```",
    ].join("\n");
    const problems = await checkTypeScript([{ path: "docs/planted.md", text }]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^docs\/planted\.md:7: error TS2322/);
  });

  test("lays a page over the folder that it names", { timeout: 60_000 }, async () => {
    const text = [
      "<!-- project: examples/work-orders -->",
      '```ts title="resources/more.ts"\nimport { me } from "../domain.ts";',
      "export const id: string = me.id;\n```",
    ].join("\n");
    const problems = await checkTypeScript([{ path: "docs/planted.md", text }]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^docs\/planted\.md:4: error TS2322/);
  });
});
