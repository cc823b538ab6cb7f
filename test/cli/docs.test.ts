// `backwright docs`: pages that say what the backend is, and a check that tells when they do not.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf } from "../../scripts/markdown.ts";
import { loadProject, type Project } from "../../src/app/project.ts";
import { ERROR_CATALOGUE } from "../../src/base/errors.ts";
import { SETTINGS } from "../../src/base/setting-table.ts";
import { EXAMPLE } from "../support/backend.ts";
import { runProgram } from "./program.ts";

const out = mkdtempSync(join(tmpdir(), "backwright-docs-"));
afterAll(() => rmSync(out, { recursive: true }));
const docs = (...args: string[]) =>
  runProgram(["--project", EXAMPLE, "docs", "--out", out, ...args]);
const read = (name: string): string => readFileSync(join(out, name), "utf8");

let project: Project;

beforeAll(async () => {
  project = await loadProject(EXAMPLE);
  const { code, stdout } = await docs();
  expect([code, stdout]).toEqual([0, expect.stringContaining("backend-architecture.md")]);
});

describe("backwright docs", () => {
  // Planted: a word changed in a page -> red, naming it.
  test("has written the pages that lie beside the example", async () => {
    const { code, stderr } = await runProgram(["--project", EXAMPLE, "docs", "--check"]);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("writes every table with every column, reference and index", () => {
    const page = read("database-schema.md");
    expect(project.model.tables.size).toBeGreaterThan(5);
    for (const { sqlName, fields, indexes } of project.model.tables.values()) {
      const section = page.split(`\n## ${sqlName}\n`)[1]?.split("\n## ")[0] ?? "";
      for (const { column } of fields.values()) expect(section).toContain(`| \`${column}\` |`);
      for (const index of indexes) expect(section).toContain(index.name);
    }
    expect(page).toContain("GIN: words (english) |");
    expect(page).toContain("`organization_id`, `title` | GIN: like, ilike |");
    expect(page).toContain("sites ||--o{ work_orders : siteId");
    expect(page).toContain("users |o--o{ work_orders : assigneeId");
  });

  test("writes who may do what, how states move and a diagram for each action", () => {
    const page = read("backend-architecture.md");
    expect(page).toContain("| delete | yes | – | – | – | – |");
    expect(page).toContain('state "in_progress" as');
    for (const { name, path } of project.model.resources.values()) {
      expect(page).toContain(`| \`${name}\` | \`/v1/${path}\` |`);
    }
  });

  const diagrams = (): readonly string[] =>
    blocksOf(read("backend-architecture.md"))
      .filter(({ code }) => code.startsWith("sequenceDiagram"))
      .map(({ code }) => code);

  // Planted: the actions of one resource left out, the actor without its roles -> red.
  test("draws every action with who runs it, its rules, its lock, its writes and events", () => {
    let actions = 0;
    for (const { path, access, table, ...resource } of project.model.resources.values()) {
      for (const action of resource.actions.values()) {
        actions += 1;
        const found = diagrams().filter((one) => {
          return one.includes(`C->>A: POST /v1/${path}/{id}/${action.path}\n`);
        });
        expect(found).toHaveLength(1);
        const roles = [...access].flatMap(([role, { actions: own }]) =>
          own?.has(action.name) === true ? [role] : [],
        );
        expect(found[0]).toContain(`actor C as ${roles.join(", ")}\n`);
        expect(found[0]).toContain(`lock of the row of ${table.sqlName} (for update)`);
        expect(found[0]).toContain(`audit entry ${action.name}, event ${resource.name}.updated`);
      }
    }
    expect(actions).toBeGreaterThan(8);
    expect(diagrams()).toHaveLength(actions + 4);
    const [read, create, update, remove] = diagrams();
    expect(read).toContain("row-level security");
    for (const [write, event] of [
      [create, "created"],
      [update, "updated"],
      [remove, "deleted"],
    ]) {
      expect(write).toContain(`event ${event}\n`);
      expect(write).toContain("guards in its where");
    }
  });

  // Mermaid itself is too large to be installed for this; its grammar was tried on these by hand.
  test("draws what Mermaid reads: no statement ends in the middle, and every block ends", () => {
    for (const diagram of diagrams()) {
      expect(diagram).not.toMatch(/[;#]/);
      const opened = diagram.match(/^ +(?:alt|opt) /gm) ?? [];
      expect(diagram.match(/^ +end$/gm) ?? []).toHaveLength(opened.length);
      const lines = diagram.trimEnd().split("\n").slice(1);
      const known = [
        /^ +(?:actor|participant) [A-Z] as \w/,
        /^ +[A-Z]--?>>[A-Z]: \w/,
        /^ +Note over [A-Z](?:,[A-Z])?: \w/,
        /^ +(?:(?:alt|opt|else) \w.*|else|end)$/,
      ];
      expect(lines.filter((line) => !known.some((form) => form.test(line)))).toEqual([]);
    }
  });

  test("writes which fields each role may use", () => {
    const page = read("access.md");
    expect(page).toContain("## workOrders");
    expect(page).toContain("internalNotes");
  });

  test("writes every error code, and how to set up and test", () => {
    for (const code of Object.keys(ERROR_CATALOGUE)) expect(read("errors.md")).toContain(code);
    expect(read("backend-setup.md")).toContain("backwright start");
    expect(read("backend-testing.md")).toContain("startTestBackend");
  });

  // Planted: a value of the environment in the page -> red.
  test("writes every setting with what it does, and no value of the environment", async () => {
    const page = read("backend-settings.md");
    for (const [name, { does }] of Object.entries(SETTINGS)) {
      expect(page).toContain(`| \`${name}\` | ${does}`);
    }
    expect(page).toContain(
      "DATABASE_URL=postgres://work_orders_app:password@host:5432/work_orders",
    );
    const environment = { SECRET_KEY: "q".repeat(40), DATABASE_URL: "postgres://me:pw@h/db" };
    const { code } = await runProgram(["--project", EXAMPLE, "docs", "--check"], { environment });
    expect(code).toBe(0);
  });

  test("--check passes what is up to date and names what is stale or missing", async () => {
    expect(await docs("--check")).toMatchObject({ code: 0 });
    expect((await docs()).stdout).toContain("up to date");
    const fresh = read("errors.md");
    writeFileSync(join(out, "errors.md"), `${fresh}more\n`);
    rmSync(join(out, "backend-setup.md"));
    const { code, stderr } = await docs("--check");
    expect(code).toBe(1);
    expect(stderr).toContain("errors.md");
    expect(stderr).toContain("backend-setup.md");
    expect(stderr).not.toContain("database-schema.md");
    expect(read("errors.md")).toContain("more"); // It wrote nothing.
    await docs();
    expect(read("errors.md")).toBe(fresh);
    expect(readdirSync(out)).toHaveLength(7);
  });
});
