// The real-input import of the example: what a file of 311 requests becomes, that repeating it is
// safe whatever happened in between, and that counts over the API equal a count of the file.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Api } from "../../examples/work-orders/import-311/api.ts";
import { check } from "../../examples/work-orders/import-311/check.ts";
import { NamedRecords } from "../../examples/work-orders/import-311/named-records.ts";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { countsOfFile, countsOverApi } from "./import-311-counts.ts";
import { losingReplies } from "./losing-replies.ts";

const SAMPLE = join(EXAMPLE, "data/nyc-311-sample.csv");
const FAULTY = join(EXAMPLE, "data/nyc-311-faulty.csv");
const REAL = resolve(
  process.env.BACKWRIGHT_311_FILE ??
    join(import.meta.dirname, "../../../shared/data/nyc-311-2013-12-25.csv"),
);

const folder = mkdtempSync(join(tmpdir(), "backwright-311-"));
let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("import_311");
});
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function newOrganization(): Promise<Person> {
  return await backend.person(await backend.tenant("New York 311"), "manager");
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

interface RunOptions {
  readonly key: string;
  readonly url?: string;
  readonly signal?: AbortSignal;
  readonly killSignal?: NodeJS.Signals;
}

/** Runs the script as a user does, and returns its exit code with all that it printed. */
function importFile(path: string, options: RunOptions): Promise<Ended> {
  const { key, url = backend.url, ...more } = options;
  const args = [join(EXAMPLE, "import-311.ts"), path, "--url", url, "--key", key];
  const env = { ...process.env, INIT_CWD: "" };
  const child = spawn(process.execPath, args, { env, cwd: folder, ...more });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  child.on("error", () => {}); // Ending it by a signal is no failure here.
  return new Promise((ended) => child.on("close", (code) => ended({ code, output })));
}

function writeCsv(name: string, text: string | Buffer): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** A file of many requests: the first of the sample under other numbers, at 80 addresses. */
function manyRequests(name: string, count: number): string {
  const [header = "", first = ""] = readFileSync(SAMPLE, "utf8").split("\n");
  const rows = Array.from({ length: count }, (_, at) =>
    first.replace("90000001", String(80_000_000 + at)).replaceAll("LANTERN", `LANTERN ${at % 80}`),
  );
  return writeCsv(name, `${[header, ...rows].join("\n")}\n`);
}

async function workOrdersOf({ tenantId }: Person): Promise<number> {
  const text = "select count(*)::int as n from work_orders where organization_id = $1";
  const [row] = await backend.owner.query<{ n: number }>(text, [tenantId]);
  return row?.n ?? 0;
}

/** Every work order once, each with one entry in the audit and one event. */
async function expectOnce(who: Person, count: number): Promise<void> {
  expect(await workOrdersOf(who)).toBe(count);
  const once = { entries: count, records: count };
  for (const [table, record, what] of [
    ["audit", "record_id", "resource = 'workOrders'"],
    ["events", "key", "type = 'workOrders.created'"],
  ]) {
    const text = `select count(*)::int as entries, count(distinct ${record})::int as records
      from backwright.${table} where tenant_id = $1 and ${what}`;
    expect(await backend.owner.query(text, [who.tenantId])).toEqual([once]);
  }
}

async function workOrder({ key }: Person, externalId: number, query = ""): Promise<unknown> {
  const path = `/v1/work-orders?filter[externalId]=${externalId}${query}`;
  return (await backend.request(path, { key })).json.data[0];
}

describe("the import of a 311 file", () => {
  // Planted faults: Pending mapped to assigned; categories told apart by case; a request that the
  // file holds twice sent twice -> red each.
  test("makes a work order of every request once, and its counts are the file's", async () => {
    const who = await newOrganization();
    const first = await importFile(SAMPLE, who);
    expect(first.output).toContain("40 created, 1 already there, 0 rejected");
    expect(first.code, first.output).toBe(0);
    const rewritten = `\uFEFF${readFileSync(SAMPLE, "utf8").replaceAll("\n", "\r\n")}`;
    const again = await importFile(writeCsv("windows.csv", rewritten), who);
    expect(again.output).toContain("0 created, 41 already there, 0 rejected");
    expect(again.code, again.output).toBe(0);
    await expectOnce(who, 40);
    expect(await countsOverApi(backend, who)).toEqual(await countsOfFile(SAMPLE));
  });

  // Planted faults: addresses not in capitals; the streets of a corner not in order; the offset of
  // the day before, or of the day after, in every case -> red each.
  test("keeps what a request says, with times in UTC and each place by one name", async () => {
    const who = await newOrganization();
    await importFile(SAMPLE, who);
    const include = "&include=site,team,category,requester&fields[site]=name,address";
    const named = "&fields[team]=name&fields[category]=name&fields[requester]=name,email";
    const fields = "&fields=title,description,status,priority,reportedAt,dueAt,closedAt";
    expect(await workOrder(who, 90000001, `${fields}${include}${named}`)).toEqual({
      title: "Blocked Driveway: No Access",
      description: [
        "Unit: New York City Police Department",
        "Location type: Street/Sidewalk",
        "Cross street: MAPLE ROW",
        "Cross street: OAK ROW",
        "Facility: Precinct",
        "Community board: 18 BROOKLYN",
        "Coordinates: (40.600000000000001, -73.90000000000001)",
      ].join("\n"),
      status: "done",
      priority: "normal",
      reportedAt: "2013-12-26T04:59:08.000000Z",
      dueAt: "2013-12-26T12:59:08.000000Z",
      closedAt: "2013-12-26T06:15:00.000000Z",
      site: { name: "12 LANTERN STREET (BROOKLYN)", address: "12 LANTERN STREET, BROOKLYN 11234" },
      team: { name: "NYPD" },
      category: { name: "Blocked Driveway" },
      requester: { name: "311 line", email: "311@example.org" },
    });
    const siteOf = async (externalId: number) =>
      (await workOrder(who, externalId, "&fields=id&include=site&fields[site]=name")) as {
        site: { name: string };
      };
    const sites: readonly (readonly [number, string])[] = [
      [90000005, "77 CHIMNEY AVENUE (BRONX)"],
      [90000009, "ANCHOR ROAD & WINDMILL ROAD (QUEENS)"],
      [90000010, "ANCHOR ROAD & WINDMILL ROAD (QUEENS)"],
      [90000011, "Unknown address (QUEENS)"],
      [90000012, "Unknown address"],
      [90000017, '8 "OLD" MILL, REAR HOUSE (MANHATTAN)'],
      [90000025, "12 LANTERN STREET (BRONX)"],
      [90000026, "12 LANTERN STREET (BROOKLYN)"],
      [90000035, "3 ÑANDÚ STREET (QUEENS)"],
    ];
    for (const [externalId, name] of sites) {
      expect((await siteOf(externalId)).site.name).toBe(name);
    }
    const times = "&fields=reportedAt,closedAt";
    expect(await workOrder(who, 90000028, times)).toEqual({
      reportedAt: "2013-03-10T07:30:00.000000Z",
      closedAt: "2013-03-10T08:30:00.000000Z",
    });
    expect(await workOrder(who, 90000030, times)).toEqual({
      reportedAt: "2013-11-03T05:30:00.000000Z",
      closedAt: "2013-11-03T07:00:00.000000Z",
    });
    expect(await workOrder(who, 90000034, "&fields=title")).toEqual({
      title: "Food Establishment",
    });
  });

  // Planted fault: the line where a row ends in place of where it starts -> red.
  test("rejects a bad row alone, with its line and its reason, and takes the others", async () => {
    const who = await newOrganization();
    const [header = "", row = ""] = readFileSync(SAMPLE, "utf8").split("\n");
    const heavy = row.replace("No Access", `"${'""'.repeat(600_000)}"`);
    const tooMuch = await importFile(writeCsv("heavy.csv", `${header}\n${heavy}\n`), who);
    expect(tooMuch.output).toMatch(/line 2 \(90000001\) rejected: 413 BODY_TOO_LARGE: /);
    const { code, output } = await importFile(FAULTY, who);
    expect(code).toBe(1);
    expect(output.split("\n").filter((line) => line.includes("rejected:"))).toEqual([
      'line 4 (90000102) rejected: its Status "Escalated" is unknown',
      'line 6 (90000103) rejected: its Created Date "02/30/2013 10:00:00 AM" is no time',
      'line 7 (no key) rejected: its Unique Key "" is not a number',
      'line 8 (90-105) rejected: its Unique Key "90-105" is not a number',
      "line 9 (90000106) rejected: it has no Created Date",
      'line 10 (90000107) rejected: its Status "" is unknown, ' +
        'its Closed Date "2013-12-26" is no time',
      "line 11 (90000108) rejected: it has 20 columns instead of 52",
      "line 12 (90000109) rejected: it has neither Complaint Type nor Descriptor",
    ]);
    expect(output).toContain("2 created, 0 already there, 8 rejected");
    expect(output).toContain("by status (1): agrees");
    await expectOnce(who, 2);
  });

  // Planted fault: the comparison with what is there left out -> red.
  test("leaves a work order alone that somebody has changed since, and says so", async () => {
    const who = await newOrganization();
    await importFile(SAMPLE, who);
    const { id } = (await workOrder(who, 90000002, "&fields=id")) as { id: string };
    const body = { status: "on_hold", title: "Lift" };
    await backend.request(`/v1/work-orders/${id}`, { key: who.key, method: "PATCH", body });
    const { code, output } = await importFile(SAMPLE, who);
    expect(output).toContain("0 created, 41 already there (1 changed since), 0 rejected");
    expect(code, output).toBe(0);
    const fields = "&fields=status,title,version";
    expect(await workOrder(who, 90000002, fields)).toEqual({ ...body, version: 2 });
  });

  // Planted fault: only what is missing from the file counted as a difference -> red.
  test("finds a difference between the file and the API when there is one", async () => {
    const who = await newOrganization();
    await importFile(SAMPLE, who);
    const change = `update work_orders set status = 'open', category_id = null
      where organization_id = $1 and external_id = '90000001'`;
    await backend.owner.query(change, [who.tenantId]);
    const api = new Api(backend.url, who.key, new AbortController().signal);
    const found = await check(SAMPLE, api, () => false);
    expect(found.flatMap(({ differences }) => differences)).toEqual([
      'status "done": 30 in the file, 29 in the API',
      'status "open": 3 in the file, 4 in the API',
      'complaint type "blocked driveway": 1 in the file, 0 in the API',
      "no complaint type: 1 in the file, 2 in the API",
    ]);
    const leftOut = await check(SAMPLE, api, (key) => key === "90000001");
    expect(leftOut.flatMap(({ differences }) => differences)).toEqual([]);
  });
});

describe("an import that is disturbed", () => {
  // Planted fault: what was found there sent all the same -> red.
  test.each([
    ["SIGKILL", null],
    ["SIGINT", 130],
  ] as const)("goes on where %s ended it, and does nothing twice", async (killSignal, code) => {
    const who = await newOrganization();
    const file = manyRequests(`${killSignal}.csv`, 600);
    const killing = new AbortController();
    const { signal } = killing;
    const running = importFile(file, { ...who, signal, killSignal });
    while ((await workOrdersOf(who)) < 100) await sleep(5);
    killing.abort();
    const first = await running;
    expect(first.code, first.output).toBe(code);
    if (code !== null) expect(first.output).toContain("The same command goes on where");
    const made = await workOrdersOf(who);
    expect(made).toBeLessThan(600);
    const second = await importFile(file, who);
    const expected = `${600 - made} created, ${made} already there, 0 rejected`;
    expect(second.output).toContain(expected);
    expect(second.code, second.output).toBe(0);
    await expectOnce(who, 600);
  });

  // Planted fault: 503 taken for a refusal -> red.
  test("waits while the database is away and loses or doubles nothing", async () => {
    const who = await newOrganization();
    const running = importFile(manyRequests("outage.csv", 600), who);
    while ((await workOrdersOf(who)) < 100) await sleep(5);
    const admin = new pg.Client({ connectionString: backend.database.adminUrl });
    await admin.connect();
    const role = new URL(backend.database.appUrl).username;
    await admin.query(`alter role ${pg.escapeIdentifier(role)} nologin`);
    const cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1";
    await admin.query(cut, [role]);
    await sleep(1_500);
    await admin.query(`alter role ${pg.escapeIdentifier(role)} login`);
    await admin.end();
    const { code, output } = await running;
    expect(output).toContain("600 created, 0 already there, 0 rejected");
    expect(code, output).toBe(0);
    await expectOnce(who, 600);
    expect(backend.log.some((line) => line.status === 503)).toBe(true);
  });

  // Planted fault: no idempotency key -> the repeat meets its own work order, red.
  test("takes a request whose reply was lost for sent once", async () => {
    const who = await newOrganization();
    const proxy = await losingReplies(backend.url, 7);
    const { code, output } = await importFile(manyRequests("lost.csv", 100), {
      ...who,
      url: proxy.url,
    });
    proxy.close();
    expect(proxy.lost()).toBeGreaterThan(10);
    expect(output).toContain("100 created, 0 already there, 0 rejected");
    expect(code, output).toBe(0);
    await expectOnce(who, 100);
  });

  // Planted fault: 409 of a work order taken for a rejection -> red.
  test("shares the numbers and addresses of a file with another import at once", async () => {
    const who = await newOrganization();
    const file = manyRequests("twin.csv", 300);
    const other = readFileSync(file, "utf8").replaceAll("No Access", "Partial Access");
    const twin = writeCsv("other-twin.csv", other.replaceAll("11234", "11235"));
    const both = await Promise.all([importFile(file, who), importFile(twin, who)]);
    for (const { code, output } of both) expect(code, output).toBe(0);
    await expectOnce(who, 300);
    const sites = await backend.request("/v1/sites?fields=id&page[size]=100", { key: who.key });
    expect(sites.json.data).toHaveLength(80);
  });

  // Planted fault: 409 of a site taken for a refusal -> red.
  test("takes a site that somebody else created since it asked", async () => {
    const { key } = await newOrganization();
    const body = { name: "Yard, north", address: "Elsewhere" };
    const made = await backend.request("/v1/sites", { key, body });
    const sites = new NamedRecords(
      new Api(backend.url, key, new AbortController().signal),
      "sites",
    );
    expect(await sites.idOf({ name: body.name, address: null })).toBe(made.json.data.id);
  });
});

describe("an import that cannot run", () => {
  const header = readFileSync(SAMPLE, "utf8").split("\n")[0] ?? "";
  const rows = readFileSync(SAMPLE, "utf8").split("\n").slice(1, 3).join("\n");
  // Planted fault: a decoder that replaces what it cannot read -> red.
  test.each([
    ["another table", "a,b\n1,2\n", /it has no column Unique Key, Created Date/],
    ["an empty file", "", /it has no column Unique Key/],
    ["an open quote", `${header}\n${rows}\n900,"x\n1,2\n`, /not CSV after line 3.*\n.*on line 4/],
    ["another encoding", Buffer.from(`${header}\ncaf\u00e9\n`, "latin1"), /is not UTF-8/],
  ])("says what is wrong with %s", async (name, text, expected) => {
    const path = writeCsv(`${name.replaceAll(" ", "-")}.csv`, text);
    const { code, output } = await importFile(path, await newOrganization());
    expect(output).toMatch(expected);
    expect(code).toBe(2);
  });

  test("says that nothing answers, the key is not enough or the address is none", async () => {
    const who = await newOrganization();
    const viewer = await backend.person(who.tenantId, "viewer");
    const cases: readonly (readonly [RunOptions, RegExp])[] = [
      [{ ...who, url: "http://127.0.0.1:1" }, /:1 does not answer: .*\n.*npm start/],
      [{ ...who, url: "localhost:3000" }, /is not an http address/],
      [{ key: `bw_${"x".repeat(43)}` }, /The key is not enough. 401/],
      [viewer, /The key is not enough. 403/],
    ];
    for (const [options, expected] of cases) {
      const { code, output } = await importFile(SAMPLE, options);
      expect(output).toMatch(expected);
      expect(code).toBe(2);
    }
  });
});

describe("the full file of 25 December 2013", () => {
  const how = existsSync(REAL)
    ? ""
    : " (not here: set BACKWRIGHT_311_FILE to a CSV export of NYC Open Data's 311 requests)";
  const whole = test.skipIf(how !== "");
  whole(
    `comes in within a minute, once, and its counts agree${how}`,
    async () => {
      const who = await newOrganization();
      const expected = await countsOfFile(REAL);
      const count = Object.values(expected.status).reduce((sum, one) => sum + one, 0);
      const startedAt = performance.now();
      const first = await importFile(REAL, who);
      expect(performance.now() - startedAt).toBeLessThan(60_000);
      expect(first.output).toContain(`${count.toLocaleString("en-US")} created, 0 already there`);
      expect(first.code, first.output).toBe(0);
      const again = await importFile(REAL, who);
      expect(again.output).toContain(`0 created, ${count.toLocaleString("en-US")} already there`);
      expect(again.code, again.output).toBe(0);
      await expectOnce(who, count);
      expect(await countsOverApi(backend, who)).toEqual(expected);
    },
    120_000,
  );
});
