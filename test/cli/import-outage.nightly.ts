// A database that stays away: the import waits, then stops and says how to go on, and a repeat
// brings the rest.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { whileAway } from "../support/postgres.ts";
import { startProgram } from "./program.ts";

const ROWS = 6_000;
const folder = mkdtempSync(join(tmpdir(), "backwright-outage-"));
const file = join(folder, "sites.csv");
const map = join(folder, "sites.map.json");
let backend: TestBackend;
let who: Person;
beforeAll(async () => {
  backend = await startTestBackend("import_outage");
  who = await backend.person(await backend.tenant("Harbour"), "manager");
  writeFileSync(map, '{ "key": "name", "fields": { "name": "Name" } }');
  writeFileSync(file, `Name\n${Array.from({ length: ROWS }, (_, at) => `Site ${at}\n`).join("")}`);
});
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start() {
  const { appUrl, ownerUrl } = backend.database;
  const environment = {
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    BACKWRIGHT_KEY: who.key,
  };
  const args = ["--project", EXAMPLE, "import", "sites", file, "--map", map];
  return startProgram(args, { environment });
}

async function sites(): Promise<number> {
  const text = "select count(*)::int as n from sites where organization_id = $1";
  const [row] = await backend.owner.query<{ n: number }>(text, [who.tenantId]);
  return row?.n ?? 0;
}

// Planted: the error of the driver passed on -> red (no next step).
test("an import ends with the reason and the next step, and a repeat brings the rest", async () => {
  const running = start();
  while ((await sites()) < 500) await sleep(5);
  const { code, stderr } = await whileAway(backend.database, () => running.ended);
  expect(code).toBe(1);
  expect(stderr).toMatch(/The import stopped: PostgreSQL is away.*\n.*The same command goes on/);
  expect(stderr).not.toContain("    at ");
  const made = await sites();
  expect(made).toBeLessThan(ROWS);
  const again = await start().ended;
  expect(again.stdout, again.stderr).toContain("0 rejected");
  expect(await sites()).toBe(ROWS);
});
