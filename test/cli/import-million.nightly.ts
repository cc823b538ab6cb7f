// A file of a million records (IMPORT_ROWS and IMPORT_FORMAT choose another): memory stays flat, a
// kill in the middle loses and doubles nothing, and the rates of writing and of repeating are told.
import { once } from "node:events";
import { createReadStream, createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { memoryMb, peaks } from "./memory.ts";
import { type Program, startProgram } from "./program.ts";

const ROWS = Number(process.env.IMPORT_ROWS ?? "1000000");
const FORMAT = process.env.IMPORT_FORMAT ?? "csv";
/** Every so many records one has no name, which is refused. */
const BAD_EACH = 10_000;
const GOOD = ROWS - Math.floor(ROWS / BAD_EACH);
/** What a process may grow by, from its first tenth to its end. */
const GROWTH_MB_MAX = 120;

const folder = mkdtempSync(join(tmpdir(), "backwright-million-"));
const file = join(folder, `sites.${FORMAT}`);
const map = join(folder, "sites.map.json");
let backend: TestBackend;
let who: Person;

function text(at: number): string {
  const name = at % BAD_EACH === BAD_EACH - 1 ? "" : `Site ${at}`;
  const address = `${at} Long Street, North`;
  if (FORMAT === "csv") return `${name},"${address}"\n`;
  const json = JSON.stringify({ Name: name, Street: address });
  if (FORMAT === "ndjson") return `${json}\n`;
  return `${at === 0 ? "[" : ","}\n${json}${at === ROWS - 1 ? "]" : ""}`;
}

beforeAll(async () => {
  backend = await startTestBackend("million");
  who = await backend.person(await backend.tenant("Large"), "manager");
  writeFileSync(map, '{ "key": "name", "fields": { "name": "Name", "address": "Street" } }');
  const stream = createWriteStream(file);
  if (FORMAT === "csv") stream.write("Name,Street\n");
  for (let at = 0; at < ROWS; at += 1_000) {
    const length = Math.min(1_000, ROWS - at);
    const lines = Array.from({ length }, (_, n) => text(at + n));
    if (!stream.write(lines.join(""))) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "close");
}, 300_000);
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[]): Program {
  const { appUrl, ownerUrl } = backend.database;
  const environment = {
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    BACKWRIGHT_KEY: who.key,
    NODE_OPTIONS: process.env.IMPORT_NODE_OPTIONS,
  };
  return startProgram(["--project", EXAMPLE, ...args], { environment });
}
const importing = ["import", "sites", file, "--map", map];

async function count(statement: string): Promise<number> {
  const [row] = await backend.owner.query<{ n: number }>(statement, [who.tenantId]);
  return row?.n ?? 0;
}
const sites = () => count("select count(*)::int as n from sites where organization_id = $1");

/** Of the largest process that serves the database to the import. */
async function serverMb(): Promise<number> {
  const text = `select pid::int as pid from pg_stat_activity
    where datname = current_database() and usename <> current_user`;
  const found = await backend.owner.query<{ pid: number }>(text);
  return Math.max(0, ...found.map(({ pid }) => memoryMb(pid, "RssAnon")));
}

/** Until it has ended, or `isEnough`. */
async function follow(run: Program, isEnough: () => Promise<boolean>) {
  const memory: number[] = [];
  const server: number[] = [];
  while (!run.hasEnded() && !(await isEnough())) {
    await sleep(500);
    if (run.hasEnded()) break;
    memory.push(memoryMb(run.pid, "VmRSS"));
    server.push(await serverMb());
  }
  return { memory, server };
}

const told = (what: string, memory: readonly number[]): string =>
  `${what}, MB at its highest in each tenth of the run: ${peaks(memory).join(" ")}`;

// Planted: every record kept in an array -> the memory grows past the bound; the look for what is
// there left out -> the second run rejects what the first wrote.
test(`${ROWS} records of ${FORMAT} come in once, in flat memory, after a kill`, async () => {
  const first = start(importing);
  await follow(first, async () => (await sites()) >= ROWS * 0.3);
  await first.kill("SIGKILL");
  const made = await sites();
  expect(made).toBeLessThan(GOOD);

  const second = start(importing);
  const skipping = await follow(second, async () => (await sites()) > made);
  const skippingS = skipping.memory.length / 2;
  const writing = await follow(second, async () => false);
  const memory = [...skipping.memory, ...writing.memory];
  const server = [...skipping.server, ...writing.server];
  const { stdout, stderr } = await second.ended;
  const { format } = new Intl.NumberFormat("en-US");
  const counts = `${format(GOOD - made)} created, ${format(made)} already there, `;
  expect(stdout, stderr).toContain(`${counts}${format(ROWS - GOOD)} rejected in`);
  const size = "select pg_database_size(current_database())::float8 as n where $1 <> ''";
  console.log(
    [
      stdout.trim(),
      `${made} were in after the kill, and passed over in about ${skippingS} s`,
      told("import", memory),
      told("database", server),
      `the database takes ${Math.round((await count(size)) / 1e6)} MB`,
    ].join("\n"),
  );
  for (const process of [memory, server]) {
    const [early = 0, ...later] = peaks(process);
    expect(Math.max(...later) - early).toBeLessThan(GROWTH_MB_MAX);
  }

  expect(await sites()).toBe(GOOD);
  const distinct = "select count(distinct name)::int as n from sites where organization_id = $1";
  expect(await count(distinct)).toBe(GOOD);
  for (const [table, what] of [
    ["audit", "resource = 'sites'"],
    ["events", "type = 'sites.created'"],
  ]) {
    const from = `backwright.${table} where tenant_id = $1 and ${what}`;
    expect(await count(`select count(*)::int as n from ${from}`)).toBe(GOOD);
  }
}, 3_600_000);

test("and are exported once each, in flat memory", async () => {
  const out = join(folder, `out.${FORMAT}`);
  const run = start(["export", "sites", "--out", out, "--query", "sort=name&fields=name"]);
  const { memory, server } = await follow(run, async () => false);
  const { code, stderr } = await run.ended;
  expect(code, stderr).toBe(0);
  console.log(
    [stderr.trim().split("\n").at(-1), told("export", memory), told("database", server)].join("\n"),
  );
  const [early = 0, ...later] = peaks(memory);
  expect(Math.max(...later) - early).toBeLessThan(GROWTH_MB_MAX);
  const names = new Set<string>();
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(out) })) {
    const name = /Site \d+/.exec(line)?.[0];
    if (name === undefined) continue;
    names.add(name);
    lines += 1;
  }
  expect([lines, names.size]).toEqual([GOOD, GOOD]);
}, 3_600_000);
