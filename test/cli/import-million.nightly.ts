// A file of a million records (IMPORT_ROWS chooses another number): memory stays flat, a kill in
// the middle loses and doubles nothing, and the rate is told.

import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { type Program, startProgram } from "./program.ts";

const ROWS = Number(process.env.IMPORT_ROWS ?? "1000000");
/** What a run may grow by, from its first tenth to its end. */
const GROWTH_MB_MAX = 120;

const folder = mkdtempSync(join(tmpdir(), "backwright-million-"));
const file = join(folder, "sites.csv");
const map = join(folder, "sites.map.json");
let backend: TestBackend;
let who: Person;

beforeAll(async () => {
  backend = await startTestBackend("million");
  who = await backend.person(await backend.tenant("Large"), "manager");
  writeFileSync(map, '{ "key": "name", "fields": { "name": "Name", "address": "Street" } }');
  const stream = createWriteStream(file);
  stream.write("Name,Street\n");
  for (let at = 0; at < ROWS; at += 1_000) {
    const lines = Array.from(
      { length: Math.min(1_000, ROWS - at) },
      (_, n) => `Site ${at + n},"${at + n} Long Street, North"\n`,
    );
    if (!stream.write(lines.join(""))) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "close");
}, 300_000);
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Program {
  const { appUrl, ownerUrl } = backend.database;
  const environment = {
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    BACKWRIGHT_KEY: who.key,
  };
  const args = ["--project", EXAMPLE, "import", "sites", file, "--map", map];
  return startProgram(args, { environment });
}

async function count(text: string): Promise<number> {
  const [row] = await backend.owner.query<{ n: number }>(text, [who.tenantId]);
  return row?.n ?? 0;
}
const sites = () => count("select count(*)::int as n from sites where organization_id = $1");

const memoryMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1_024;

// Planted faults: every record kept in an array -> the memory grows past the bound; the look for
// what is there left out -> the second run rejects what the first wrote.
test(`${ROWS} records come in once, in flat memory, although the first run is killed`, async () => {
  const first = start();
  while ((await sites()) < ROWS * 0.3) await sleep(200);
  await first.kill("SIGKILL");
  const made = await sites();
  expect(made).toBeLessThan(ROWS);

  const second = start();
  const memory: number[] = [];
  while (!second.hasEnded()) {
    await sleep(500);
    if (!second.hasEnded()) memory.push(memoryMb(second.pid));
  }
  const { code, stdout, stderr } = await second.ended;
  expect(code, stderr).toBe(0);
  const early = Math.max(...memory.slice(0, Math.ceil(memory.length / 10)));
  const most = Math.max(...memory);
  console.log(
    `${stdout.trim()}\nmemory: ${Math.round(early)} MB early, ${Math.round(most)} MB most`,
  );
  expect(most - early).toBeLessThan(GROWTH_MB_MAX);

  expect(await sites()).toBe(ROWS);
  const distinct = "select count(distinct name)::int as n from sites where organization_id = $1";
  expect(await count(distinct)).toBe(ROWS);
  for (const [table, what] of [
    ["audit", "resource = 'sites'"],
    ["events", "type = 'sites.created'"],
  ]) {
    const from = `backwright.${table} where tenant_id = $1 and ${what}`;
    expect(await count(`select count(*)::int as n from ${from}`)).toBe(ROWS);
  }
}, 3_600_000);
