// What `backwright dev` watches is what the program depends on: modules of other packages of a
// workspace, files that are not there yet, pending migrations, settings in files, a first seed.
//
// Planted faults, each red before it was taken out again:
// - modules outside the project's folder not followed -> a table of another package
// - TablesMissing told as a failure -> a table of another package
// - folders of migrations not watched -> a pending migration
// - migrations applied only after the old one has stopped -> a table of another package
// - environment files not among the named files -> a setting
import { access, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../support/backend.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { linkModules, writePreset } from "../support/preset-project.ts";
import { type Program, runProgram, startProgram } from "./program.ts";

let folder: string;
let api: string;
let database: TestDatabase;
let program: Program;
let url: string;
let key: string;

const settings = () => ({ DATABASE_URL: database.appUrl, DATABASE_OWNER_URL: database.ownerUrl });
const run = (...args: readonly string[]) =>
  runProgram(args, { directory: api, environment: settings() });
const DOMAIN = "packages/domain/src/schema.ts";
const SETTINGS = "apps/api/.env.development";

beforeAll(async () => {
  folder = join(await realpath(await mkdtemp(join(tmpdir(), "backwright-graph-"))), "app");
  expect(writePreset(folder, "monorepo").stderr).toBe("");
  linkModules(folder);
  // Types are another test's matter, and a third process on the machine.
  await rm(join(folder, "tsconfig.json"));
  api = join(folder, "apps/api");
  database = await createTestDatabase("graph");
  await rm(join(api, "seed.ts"));
  program = startProgram(["dev"], { directory: api, environment: { PORT: "0", ...settings() } });
  [, url = ""] = await program.prints(/serves on (http:\S+)/);
  await program.prints(/Ctrl-C stops/);
}, 60_000);
afterAll(async () => {
  await program?.kill("SIGTERM");
  await database?.drop();
  if (folder !== undefined) await rm(join(folder, ".."), { recursive: true, force: true });
});

/** Writes a file, and waits for what is printed from then on. */
async function write(file: string, text: string, printed: RegExp): Promise<string> {
  const before = program.stderr().length;
  await writeFile(join(folder, file), text);
  const since = (): string => program.stderr().slice(before);
  await expect.poll(since, { timeout: 20_000 }).toMatch(printed);
  return since();
}

async function change(file: string, from: string, to: string, printed: RegExp): Promise<string> {
  const text = await readFile(join(folder, file), "utf8");
  expect(text).toContain(from);
  return write(file, text.replace(from, to), printed);
}

const status = async (path: string): Promise<number> => (await send(url, path, { key })).status;

/** After a restart, which one write may cause twice, as the system tells it. */
const answers = (path: string, wanted: number): Promise<void> =>
  expect.poll(() => status(path).catch(() => 0), { timeout: 10_000 }).toBe(wanted);

test("a project without a seed is told how to get a key, and what it is told works", {
  timeout: 60_000,
}, async () => {
  const banner = program.stdout();
  const [, seed = ""] = /Save this as seed\.ts.*:\n((?: {2}.*\n)+)/.exec(banner) ?? [];
  expect(seed).toContain('tenant({ name: "Acme" })');
  await write("apps/api/seed.ts", seed.replace(/^ {2}/gm, ""), /Reloaded in/);
  [key = ""] = (await program.prints(/bw_[A-Za-z0-9_-]{43}/)) ?? [];
  expect(await status("/v1/tasks")).toBe(200);
  await rm(join(api, ".backwright"), { recursive: true });
  const again = startProgram(["dev"], {
    directory: api,
    environment: { PORT: "0", ...settings() },
  });
  const [line = ""] = await again.prints(/backwright keys create .*/);
  await again.kill("SIGTERM");
  const made = await run(...line.split(" ").slice(1));
  expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^bw_/)]);
  key = made.stdout.trim();
});

test("a table of another package of the workspace is served when its migration is there", {
  timeout: 90_000,
}, async () => {
  const table = `export const notes = pgTable(
  "notes",
  { companyId: uuid("company_id").notNull().references(() => companies.id), id: id() },
  (t) => [primaryKey({ columns: [t.companyId, t.id] })],
);
`;
  const schema = await readFile(join(folder, DOMAIN), "utf8");
  const said = await write(DOMAIN, `${schema}\n${table}`, /backwright migrate new <name>/);
  expect(said).toContain("The database has no public.notes of the model yet. What served before");
  expect(said).not.toMatch(/error|wall/);
  expect(await status("/v1/tasks")).toBe(200);

  const before = program.stderr().length;
  const made = await run("migrate", "new", "notes");
  expect([made.code, made.stdout]).toEqual([0, expect.stringContaining("0002-notes")]);
  const since = (): string => program.stderr().slice(before);
  for (const said of [/Applied 0002-notes\n/, /The tables are those of the last migration again/]) {
    await expect.poll(since, { timeout: 20_000 }).toMatch(said);
  }
  expect(since()).not.toMatch(/differ from/);
  await answers("/v1/tasks", 200);
});

test("a pending migration that fails is tried again when it is saved, and meanwhile all goes on", {
  timeout: 60_000,
}, async () => {
  const directory = join(api, "migrations/0003-by-hand");
  const up = "apps/api/migrations/0003-by-hand/up.sql";
  const before = program.stderr().length;
  const made = await run("migrate", "new", "by-hand", "--by-hand");
  expect([made.code, made.stderr]).toEqual([0, ""]);
  const since = (): string => program.stderr().slice(before);
  await expect.poll(since, { timeout: 20_000 }).toMatch(/error .*0003-by-hand/);
  await access(directory);
  expect(await status("/v1/tasks")).toBe(200);
  await write(up, "alter table notes add column colour nonsense;\n", /error .*nonsense/);
  expect(await status("/v1/tasks")).toBe(200);
  await write(up, "alter table notes add column colour text;\n", /Applied 0003-by-hand/);
  await answers("/v1/tasks", 200);
});

test("a setting in a file is taken up when the file is saved, unless it needs a new start", {
  timeout: 60_000,
}, async () => {
  await answers("/docs", 200);
  await write(SETTINGS, "DOCS=off\n", /Reloaded in/);
  await answers("/docs", 404);
  await write(SETTINGS, "DOCS=maybe\n", /error DOCS must be one of on, off/);
  await write(
    SETTINGS,
    "LOG_LEVEL=debug\n",
    /error .*LOG_LEVEL are read at the start\.\n {2}fix: S/,
  );
  expect(await status("/docs")).toBe(404);
  await write(SETTINGS, "", /Reloaded in/);
  await answers("/docs", 200);
});

test("a file that was missing is loaded when it is there", { timeout: 60_000 }, async () => {
  const file = "apps/api/backend.ts";
  const first = 'import { backend } from "@my-app/domain";';
  await change(file, first, `${first}\nimport "./extra.ts";`, /error [\s\S]*extra\.ts/);
  await write("apps/api/extra.ts", "export {};\n", /Reloaded in/);
});
