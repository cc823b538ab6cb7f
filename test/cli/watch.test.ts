// `backwright dev` with an editor open: what is saved is served, what is broken is told, and what
// served before goes on.
//
// Planted faults, each red before it was taken out again:
// - modules loaded again under their old address -> a saved file
// - the old server stopped before the new files are loaded -> a file that does not load
// - the folder of migrations not watched -> a new migration
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../support/backend.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Program, runProgram, startProgram } from "./program.ts";
import { copyExample, type ProjectCopy } from "./project-copy.ts";

let project: ProjectCopy;
let database: TestDatabase;
let program: Program;
let url: string;
let key: string;

const environment = () => ({
  PORT: "0",
  DATABASE_URL: database.appUrl,
  DATABASE_OWNER_URL: database.ownerUrl,
});

beforeAll(async () => {
  project = await copyExample();
  database = await createTestDatabase("watch");
  program = startProgram(["dev"], { directory: project.directory, environment: environment() });
  [, url = ""] = await program.prints(/serves on (http:\S+)/);
  await program.prints(/Ctrl-C stops/);
  key = (await project.keys()).find(({ role }) => role === "viewer")?.key ?? "";
}, 60_000);
afterAll(async () => {
  await program?.kill("SIGTERM");
  await database?.drop();
  await project?.remove();
});

/** Saves a file with a part of it replaced, and waits for what is printed from then on. */
async function save(file: string, from: string, to: string, printed: RegExp): Promise<void> {
  const path = join(project.directory, file);
  const text = await readFile(path, "utf8");
  expect(text).toContain(from);
  const before = program.stderr().length;
  await writeFile(path, text.replace(from, to));
  await expect.poll(() => program.stderr().slice(before), { timeout: 20_000 }).toMatch(printed);
}

const sites = async () => (await send(url, "/v1/sites", { key })).json;
const FIELDS = 'publicPlaces, fields: ["id", "name"]';
const MORE = 'publicPlaces, fields: ["id", "name", "address"]';
const WRONG = 'publicPlaces, fields: ["id", "nam"]';

test("a saved file is served on the same address, with the same keys and data", async () => {
  expect(Object.keys((await sites()).data[0])).toEqual(["id", "name"]);
  await save("resources/sites.ts", FIELDS, MORE, /Reloaded in \d+ ms/);
  expect(Object.keys((await sites()).data[0])).toEqual(["id", "name", "address"]);
  await save("resources/sites.ts", MORE, FIELDS, /Reloaded in \d+ ms/);
  expect(Object.keys((await sites()).data[0])).toEqual(["id", "name"]);
});

test("a file that does not load is told, and what served before goes on serving", async () => {
  await save("resources/sites.ts", FIELDS, WRONG, /error [\s\S]*"nam" is not a field/);
  expect(Object.keys((await sites()).data[0])).toEqual(["id", "name"]);
  await save("resources/sites.ts", WRONG, `${FIELDS} +`, /error /);
  expect((await send(url, "/health", {})).status).toBe(200);
  await save("resources/sites.ts", `${FIELDS} +`, FIELDS, /Reloaded in \d+ ms/);
  expect(Object.keys((await sites()).data[0])).toEqual(["id", "name"]);
});

test("a new column is offered a migration, which is applied when it is written", {
  timeout: 40_000,
}, async () => {
  const column = "address: text(),\n    openingHours: text(),";
  await save("schema/places.ts", "address: text(),", column, /backwright migrate new <name>/);
  const before = program.stderr().length;
  const directory = project.directory;
  const made = await runProgram(["migrate", "new", "hours"], { directory });
  expect([made.code, made.stdout]).toEqual([0, expect.stringContaining("0006-hours")]);
  const printed = /Applied 0006-hours\n(?:.*\n)*?.*Reloaded in/;
  await expect.poll(() => program.stderr().slice(before), { timeout: 20_000 }).toMatch(printed);
  const manager = (await project.keys()).find(({ role }) => role === "manager")?.key ?? "";
  const [site] = (await send(url, "/v1/sites", { key: manager })).json.data;
  expect(site).toMatchObject({ openingHours: null });
});

test("type errors are shown beside, and when they are gone", { timeout: 60_000 }, async () => {
  const compilerOptions = {
    strict: true,
    module: "nodenext",
    target: "es2024",
    skipLibCheck: true,
  };
  const config = { compilerOptions: { ...compilerOptions, types: [] }, files: ["wrong.ts"] };
  const path = join(project.directory, "tsconfig.json");
  await writeFile(path, JSON.stringify(config));
  const wrong = join(project.directory, "wrong.ts");
  await writeFile(wrong, 'export const wrong: number = "text";\n');
  await save("events.ts", "// ", "//  ", /types\nwrong\.ts\(1,14\): error TS2322/);
  await writeFile(wrong, "export const wrong: number = 1;\n");
  await save("events.ts", "//  ", "// ", /types are right again/);
  await rm(path);
});

test("--no-watch serves what was there at the start", async () => {
  const still = startProgram(["dev", "--no-watch"], {
    directory: project.directory,
    environment: environment(),
  });
  const [, address = ""] = await still.prints(/serves on (http:\S+)/);
  await save("resources/sites.ts", FIELDS, MORE, /Reloaded in \d+ ms/);
  const { json } = await send(address, "/v1/sites", { key });
  expect(Object.keys(json.data[0])).toEqual(["id", "name"]);
  await still.kill("SIGTERM");
});
