// `backwright export`: what a key may read, whole, once, and in a form that goes in again.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession } from "../../src/database/session.ts";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { type Ended, type Program, startProgram } from "./program.ts";

const COUNT = 230;
const folder = mkdtempSync(join(tmpdir(), "backwright-export-"));
let backend: TestBackend;
let manager: Person;

beforeAll(async () => {
  backend = await startTestBackend("export");
  manager = await backend.person(await backend.tenant("Harbour"), "manager");
  const records = Array.from({ length: COUNT }, (_, at) => {
    return { name: `Pier ${String(at).padStart(3, "0")}`, address: at === 0 ? '=1+1, "x"' : null };
  });
  const body = { records };
  const made = await backend.request("/v1/sites/bulk-create", { key: manager.key, body });
  expect(made.json.meta.bulk).toEqual({ succeeded: COUNT, failed: 0 });
});
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(who: Person, ...args: string[]): Program {
  const { appUrl, ownerUrl } = backend.database;
  const environment = {
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    BACKWRIGHT_KEY: who.key,
  };
  return startProgram(["--project", EXAMPLE, ...args], { environment });
}

const run = (who: Person, ...args: string[]): Promise<Ended> => start(who, ...args).ended;

describe("backwright export", () => {
  // Planted: the writing of the file not waited for -> red (the part of it stayed).
  test("leaves no part of a file behind when a signal ends it", async () => {
    const out = join(folder, "ended.ndjson");
    const owner = await openSession(backend.database.ownerUrl);
    await owner.query("begin");
    await owner.query("lock table sites in access exclusive mode");
    const program = start(manager, "export", "sites", "--out", out);
    while (!existsSync(`${out}.part`)) await sleep(5);
    program.interrupt();
    await sleep(50);
    await owner.close();
    const { code, stderr } = await program.ended;
    expect([code, stderr]).toEqual([130, ""]);
    expect([existsSync(out), existsSync(`${out}.part`)]).toEqual([false, false]);
  });

  // Planted fault: the cursor of the first page used for every page -> red.
  test("prints every record once, in order, over many pages", async () => {
    const { stdout, stderr, code } = await run(manager, "export", "sites", "--query", "sort=name");
    expect(code, stderr).toBe(0);
    const names = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).name);
    expect(names).toHaveLength(COUNT);
    expect(new Set(names).size).toBe(COUNT);
    expect(names).toEqual([...names].sort());
    expect(stderr).toContain("230 records");
  });

  test("prints one JSON array, or CSV with a header", async () => {
    const json = await run(manager, "export", "sites", "--format", "json");
    expect(JSON.parse(json.stdout)).toHaveLength(COUNT);
    const query = "sort=name&fields=name,address";
    const csv = await run(manager, "export", "sites", "--format", "csv", "--query", query);
    const [head, first, second] = csv.stdout.split("\n");
    expect([head, first, second]).toEqual(["name,address", 'Pier 000,"=1+1, ""x"""', "Pier 001,"]);
    const guarded = await run(
      ...([
        manager,
        "export",
        "sites",
        "--format",
        "csv",
        "--query",
        query,
        "--spreadsheet",
      ] as const),
    );
    expect(guarded.stdout.split("\n")[1]).toBe(`Pier 000,"'=1+1, ""x"""`);
  });

  // Planted: the file opened under its own name -> red (what was there is gone).
  test("writes a file that has its name when it is whole, compressed by its name", async () => {
    const out = join(folder, "sites.csv.gz");
    const query = ["--query", "sort=name&fields=name"];
    const done = await run(manager, "export", "sites", "--out", out, ...query);
    expect(done.stderr).toMatch(/^230 records in .* rows\/s$/m);
    expect([done.code, done.stdout]).toEqual([0, ""]);
    const lines = gunzipSync(readFileSync(out)).toString().split("\n");
    expect([lines.length, lines[0], lines[1]]).toEqual([COUNT + 2, "name", "Pier 000"]);
    const none = join(folder, "none", "sites.json");
    const failed = await run(manager, "export", "sites", "--out", none);
    expect(failed.stderr).toMatch(/sites\.json cannot be written: ENOENT/);
    expect(failed.code).toBe(1);
    const earlier = join(folder, "earlier.json");
    writeFileSync(earlier, "[]");
    const bad = ["--out", earlier, "--query", "sort=x"];
    expect((await run(manager, "export", "sites", ...bad)).code).toBe(1);
    expect(readFileSync(earlier, "utf8")).toBe("[]");
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    const plain = await run(manager, "export", "sites", "--spreadsheet");
    expect(plain.stderr).toContain("--spreadsheet goes with CSV");
  });

  test("goes in again by an import", async () => {
    const query = "fields=name,address";
    const { stdout } = await run(manager, "export", "sites", "--query", query);
    const other = await backend.person(await backend.tenant("Elsewhere"), "manager");
    const file = join(folder, "sites.ndjson");
    const map = join(folder, "sites.map.json");
    writeFileSync(file, stdout);
    writeFileSync(map, '{ "key": "name", "fields": { "name": "name", "address": "address" } }');
    const done = await run(other, "import", "sites", file, "--map", map);
    expect(done.stdout).toContain("230 created, 0 already there, 0 rejected");
  });

  // Planted fault: the operations called as the manager whatever the key -> red.
  test("shows a role the rows and fields that it may read, and no tenant another's", async () => {
    const requester = await backend.person(manager.tenantId, "requester");
    const { stdout } = await run(requester, "export", "sites");
    const records = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(Object.keys(records[0])).toEqual(["id", "name", "address"]);
    const stranger = await backend.person(await backend.tenant("Third"), "manager");
    expect((await run(stranger, "export", "sites")).stdout).toBe("");
  });

  test.each([
    ["a resource that is none", ["site"], /no resource "site"/],
    ["a filter that no index serves", ["sites", "--query", "filter[address]=x"], /address/],
    ["a page", ["sites", "--query", "page[size]=5"], /An export has no pages/],
    ["a format that is none", ["sites", "--format", "xml"], /csv, ndjson, json/],
  ])("refuses %s", async (_what, args, message) => {
    const { code, stderr, stdout } = await run(manager, "export", ...args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});
