// Every command that reports does it as JSON too: alone on standard output, and whole.
//
// Planted faults, each red before it was taken out again:
// - the options of `explain` alone, whose --json `access` takes -> access explain
// - the import's summary printed in words -> import
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { runProgram } from "./program.ts";
import { copyExample } from "./project-copy.ts";

let backend: TestBackend;
let manager: Person;
let folder: string;
beforeAll(async () => {
  backend = await startTestBackend("json_cli");
  manager = await backend.person(await backend.tenant("Acme"), "manager");
  folder = await mkdtemp(join(tmpdir(), "backwright-json-"));
  await writeFile(join(folder, "sites.csv"), "name\nYard\nPier\n\n");
  await writeFile(join(folder, "map.json"), JSON.stringify({ fields: { name: "name" } }));
});
afterAll(async () => {
  await backend?.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], directory = EXAMPLE) =>
  runProgram(args, {
    directory,
    environment: {
      DATABASE_URL: backend.database.appUrl,
      DATABASE_OWNER_URL: backend.database.ownerUrl,
      SECRET_KEY: "0".repeat(32),
      BACKWRIGHT_KEY: manager.key,
    },
  });

const applied = expect.arrayContaining([expect.objectContaining({ state: "applied" })]);
const explained = { role: "viewer", operation: "workOrders.read", isGranted: true };

test.each<[string, unknown]>([
  ["version", { backwright: expect.any(String), node: process.versions.node }],
  ["migrate status", applied],
  ["migrate up", { direction: "up", migrations: [] }],
  ["migrate new nothing", { path: null }],
  ["doctor", expect.arrayContaining([expect.objectContaining({ about: "clock", level: "ok" })])],
  ["keys list --all", expect.arrayContaining([expect.objectContaining({ role: "manager" })])],
  ["access", expect.objectContaining({ workOrders: expect.any(Object) })],
  ["access explain --as viewer --operation workOrders.read", explained],
  ["db url", { login: "owner", isEmbedded: false }],
  ["db url --app", { login: "app", isEmbedded: false }],
])("%s --json", async (command, expected) => {
  const { code, stdout, stderr } = await run([...command.split(" "), "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  const value: unknown = JSON.parse(stdout);
  if (Array.isArray(value)) expect(value).toEqual(expected);
  else expect(value).toMatchObject(expected as object);
});

test("keys create, rotate and revoke --json speak of one key", { timeout: 60_000 }, async () => {
  const { tenantId, id } = manager;
  const of = ["--tenant", tenantId, "--role", "viewer", "--subject", id];
  const made = JSON.parse((await run(["keys", "create", ...of, "--json"])).stdout);
  const turned = JSON.parse((await run(["keys", "rotate", made.id, "--json"])).stdout);
  const ended = await run(["keys", "revoke", turned.id, "--json"]);
  expect(JSON.parse(ended.stdout)).toMatchObject({ id: turned.id, state: "revoked" });
});

test("import and export --json count what went through", { timeout: 60_000 }, async () => {
  const [file, map] = [join(folder, "sites.csv"), join(folder, "map.json")];
  const loaded = await run(["import", "sites", file, "--map", map, "--json"]);
  expect(JSON.parse(loaded.stdout)).toEqual({
    dryRun: false,
    read: 2,
    created: 2,
    updated: 0,
    present: 0,
    skipped: 0,
    rejected: 0,
    related: {},
    seconds: expect.any(Number),
    rejects: null,
  });
  const { code, stdout, stderr } = await run(["export", "sites", "--json"]);
  expect(code).toBe(0);
  expect(stdout.trim().split("\n")).toHaveLength(2);
  expect(JSON.parse(stderr)).toEqual({ records: 2 });
});

test("migrate down --json says what was taken back", { timeout: 60_000 }, async () => {
  const project = await copyExample();
  const down = await run(["migrate", "down", "--json"], project.directory);
  const up = await run(["migrate", "up", "--json"], project.directory);
  await project.remove();
  const names = [down, up].map(({ stdout }) => {
    const { direction, migrations } = JSON.parse(stdout);
    return [direction, migrations.map(({ scope }: { scope: string }) => scope)];
  });
  expect(names).toEqual([
    ["down", ["app"]],
    ["up", ["app"]],
  ]);
});
