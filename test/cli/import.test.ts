// `backwright import`: what a file becomes by a mapping alone, that repeating it is safe whatever
// happened in between, and that counts over the API equal an independent count of the file.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { whileAway } from "../support/postgres.ts";
import { countsOfFile, countsOverApi } from "./import-counts.ts";
import { type Ended, type Program, startProgram } from "./program.ts";

const SAMPLE = join(EXAMPLE, "data/nyc-311-sample.csv");
const FAULTY = join(EXAMPLE, "data/nyc-311-faulty.csv");
const MAP = join(EXAMPLE, "nyc-311.map.json");
const REAL = resolve(
  process.env.BACKWRIGHT_311_FILE ??
    join(import.meta.dirname, "../../../shared/data/nyc-311-2013-12-25.csv"),
);

const folder = mkdtempSync(join(tmpdir(), "backwright-import-"));
let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("import");
});
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function newOrganization(): Promise<Person> {
  return await backend.person(await backend.tenant("New York 311"), "manager");
}

function start(who: { key: string }, resource: string, ...args: string[]): Program {
  const { appUrl, ownerUrl } = backend.database;
  const environment = {
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    BACKWRIGHT_KEY: who.key,
  };
  return startProgram(["--project", EXAMPLE, "import", resource, ...args], { environment });
}

const importFile = (who: { key: string }, path: string, ...more: string[]): Promise<Ended> =>
  start(who, "work-orders", path, "--map", MAP, ...more).ended;

/** Any resource by a mapping of its own. */
function importBy(
  who: { key: string },
  resource: string,
  path: string,
  mapping: object,
  ...more: string[]
): Promise<Ended> {
  const map = write(`${path.split("/").at(-1)}.map.json`, JSON.stringify(mapping));
  return start(who, resource, path, "--map", map, ...more).ended;
}

function write(name: string, text: string | Buffer): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** A file of many requests: the first of the sample under other numbers, at 80 addresses. */
function manyRequests(name: string, count: number): string {
  const [header = "", first = ""] = readFileSync(SAMPLE, "utf8").split("\n");
  const rows = Array.from({ length: count }, (_, at) =>
    first.replace("90000001", String(80_000_000 + at)).replaceAll("LANTERN", `LANTERN ${at % 80}`),
  );
  return write(name, `${[header, ...rows].join("\n")}\n`);
}

async function countOf({ tenantId }: Person, table = "work_orders"): Promise<number> {
  const text = `select count(*)::int as n from ${table} where organization_id = $1`;
  const [row] = await backend.owner.query<{ n: number }>(text, [tenantId]);
  return row?.n ?? 0;
}

/** Every work order once, each with one entry in the audit and one event. */
async function expectOnce(who: Person, count: number): Promise<void> {
  expect(await countOf(who)).toBe(count);
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

describe("the import of a 311 file by its mapping", () => {
  // Planted faults: Pending mapped to assigned; ignoreCase left out of the categories; a request
  // that the file holds twice sent twice -> red each.
  test("makes a work order of every request once, and its counts are the file's", async () => {
    const who = await newOrganization();
    const first = await importFile(who, SAMPLE);
    expect(first.stdout).toContain("40 created, 1 already there, 0 rejected");
    expect(first.code, first.stderr).toBe(0);
    const rewritten = `\uFEFF${readFileSync(SAMPLE, "utf8").replaceAll("\n", "\r\n")}`;
    const again = await importFile(who, write("windows.csv", rewritten));
    expect(again.stdout).toContain("0 created, 41 already there, 0 rejected");
    expect(again.code, again.stderr).toBe(0);
    await expectOnce(who, 40);
    expect(await countsOverApi(backend, who)).toEqual(countsOfFile(SAMPLE));
  });

  // Planted faults: `upper` left out of the addresses; `sort` of a corner's streets -> red each.
  test("keeps what a request says, with times in UTC and each place by one name", async () => {
    const who = await newOrganization();
    await importFile(who, SAMPLE);
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
      const query = "&fields=id&include=site&fields[site]=name";
      expect(await workOrder(who, externalId, query)).toMatchObject({ site: { name } });
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
  test("puts bad rows aside with line, field and reason, and takes the others", async () => {
    const who = await newOrganization();
    const rejects = join(folder, "rejects.csv");
    const { code, stdout } = await importFile(who, FAULTY, "--rejects", rejects);
    expect(code).toBe(1);
    expect(stdout).toContain("2 created, 0 already there, 8 rejected");
    expect(stdout).toContain(rejects);
    const [header = "", ...lines] = readFileSync(rejects, "utf8").split("\n");
    expect(header.endsWith(",rejected_line,rejected_field,rejected_reason")).toBe(true);
    const reasons = lines.filter((line) => /,(\d+),[\w; ]*,[^,]*/.test(line)).join("\n");
    for (const reason of [
      /,4,status,"is ""Escalated"", none of Closed, Open, Assigned, Started, Pending"/,
      /,6,reportedAt,"is ""02\/30\/2013 10:00:00 AM"", no time like M\/d\/yyyy hh:mm:ss a"/,
      /,7,externalId,is missing/,
      /,8,externalId,"is ""90-105"", which does not look like \\d\{1,20\}"/,
      /,9,reportedAt,is missing/,
      /,10,status; closedAt,"is missing; is ""2013-12-26"", no time/,
      /,11,,has 20 columns instead of 52/,
      /,12,title,is missing/,
    ]) {
      expect(reasons).toMatch(reason);
    }
    await expectOnce(who, 2);
    // Mended there, they go in by the same mapping.
    const mended = readFileSync(rejects, "utf8").replace("Escalated", "Open");
    const again = await importFile(who, write("mended.csv", mended));
    expect(again.stdout).toContain("2 created, 0 already there, 6 rejected");
  });

  // Planted fault: present records sent as updates -> red.
  test("leaves alone what somebody has changed since", async () => {
    const who = await newOrganization();
    await importFile(who, SAMPLE);
    const { id } = (await workOrder(who, 90000002, "&fields=id")) as { id: string };
    const body = { status: "on_hold", title: "Lift" };
    await backend.request(`/v1/work-orders/${id}`, { key: who.key, method: "PATCH", body });
    const { stdout } = await importFile(who, SAMPLE);
    expect(stdout).toContain("0 created, 41 already there, 0 rejected");
    const fields = "&fields=status,title,version";
    expect(await workOrder(who, 90000002, fields)).toEqual({ ...body, version: 2 });
  });

  // Planted fault: the check skipped, the write made -> red either way.
  test("checks every row and writes nothing with --dry-run", async () => {
    const who = await newOrganization();
    const { code, stdout } = await importFile(who, FAULTY, "--dry-run");
    expect(code).toBe(1);
    expect(stdout).toContain("2 would be created, 0 already there, 8 rejected");
    expect(await countOf(who)).toBe(0);
    expect(await countOf(who, "sites")).toBe(0);
  });
});

describe("an import by other mappings", () => {
  const site = (name: string) => ({ find: "sites", by: { name: { value: name } }, create: true });
  const fields = {
    externalId: "number",
    title: "what",
    siteId: site("Yard"),
    requesterId: { find: "users", by: { email: "mail" } },
  };
  const row = (number: string, what: string) => ({ number, what, mail: "311@example.org" });

  async function withRequester(): Promise<Person> {
    const who = await newOrganization();
    const body = { name: "311 line", email: "311@example.org" };
    await backend.request("/v1/users", { key: who.key, body });
    return who;
  }

  test.each([
    ["ndjson", (rows: object[]) => rows.map((one) => JSON.stringify(one)).join("\n")],
    ["json", (rows: object[]) => JSON.stringify(rows, null, 2)],
  ])("reads %s, a record at a time", async (format, print) => {
    const who = await withRequester();
    const rows = Array.from({ length: 1_234 }, (_, at) => row(`n${at}`, `what ${at}`));
    const path = write(`rows.${format}`, print(rows));
    const { stdout, stderr } = await importBy(who, "work-orders", path, {
      key: "externalId",
      fields,
    });
    expect(stdout, stderr).toContain("1,234 created, 0 already there, 0 rejected");
    await expectOnce(who, 1_234);
  });

  // Planted fault: whenPresent ignored -> red.
  test("updates what is there where the mapping says so", async () => {
    const who = await withRequester();
    const mapping = { key: "externalId", whenPresent: "update", fields };
    const first = write("first.ndjson", JSON.stringify(row("1", "old")));
    await importBy(who, "work-orders", first, mapping);
    const second = [row("1", "new"), row("2", "second")].map((one) => JSON.stringify(one));
    const path = write("second.ndjson", second.join("\n"));
    const { stdout } = await importBy(who, "work-orders", path, mapping);
    expect(stdout).toContain("1 created, 1 updated, 0 already there, 0 rejected");
    const found = await backend.request("/v1/work-orders?filter[externalId]=1", { key: who.key });
    expect(found.json.data[0]).toMatchObject({ title: "new", version: 2 });
  });

  // Planted fault: no Idempotency-Key for a stretch -> red.
  test("knows a repeated file again without a key, as long as replies are kept", async () => {
    const who = await withRequester();
    const rows = Array.from({ length: 20 }, (_, at) => JSON.stringify(row("x", `what ${at}`)));
    const { externalId: _, ...others } = fields;
    const path = write("keyless.ndjson", rows.join("\n"));
    const first = await importBy(who, "work-orders", path, { fields: others });
    expect(first.stdout).toContain("20 created");
    const again = await importBy(who, "work-orders", path, { fields: others });
    expect(again.stdout).toContain("0 created, 20 already there");
    await expectOnce(who, 20);
  });

  test("refuses rows whose look-up finds nothing, and passes over others by a rule", async () => {
    const who = await withRequester();
    const rows = [row("1", "a"), { ...row("2", "b"), mail: "nobody@x.org" }, row("3", "skip me")];
    const path = write("some.json", JSON.stringify(rows));
    const skip = [{ value: "what", in: ["skip me"] }];
    const mapping = { key: "externalId", skip, fields };
    const { stdout, code } = await importBy(who, "work-orders", path, mapping);
    expect(stdout).toContain("1 created, 0 already there, 1 skipped, 1 rejected");
    expect(code).toBe(1);
    const rejected = readFileSync(`${path}.rejected.ndjson`, "utf8");
    expect(JSON.parse(rejected)).toMatchObject({
      number: "2",
      rejected_line: 2,
      rejected_field: "requesterId",
      rejected_reason: 'email is "nobody@x.org", which is none of users',
    });
  });

  test("writes as the holder of the key: what the role may not do stops it", async () => {
    const who = await withRequester();
    const viewer = await backend.person(who.tenantId, "viewer");
    const path = write("viewer.json", JSON.stringify([row("1", "a")]));
    const { code, stderr } = await importBy(viewer, "work-orders", path, { fields });
    expect(code).toBe(1);
    expect(stderr).toContain("The import stopped");
    expect(await countOf(who)).toBe(0);
  });
});

describe("an import that is disturbed", () => {
  // Planted fault: what was found there sent all the same -> red.
  test.each([
    ["SIGKILL", null],
    ["SIGINT", 130],
  ] as const)("goes on where %s ended it, and does nothing twice", async (signal, code) => {
    const who = await newOrganization();
    const file = manyRequests(`${signal}.csv`, 4_000);
    const running = start(who, "work-orders", file, "--map", MAP);
    while ((await countOf(who)) < 400) await sleep(5);
    const first = await running.kill(signal);
    expect(first.code, first.stderr).toBe(code);
    if (code !== null) expect(first.stderr).toContain("The same command goes on where");
    const made = await countOf(who);
    expect(made).toBeLessThan(4_000);
    const second = await importFile(who, file);
    const format = new Intl.NumberFormat("en-US").format;
    const expected = `${format(4_000 - made)} created, ${format(made)} already there, 0 rejected`;
    expect(second.stdout).toContain(expected);
    expect(second.code, second.stderr).toBe(0);
    await expectOnce(who, 4_000);
  });

  // Planted fault: 503 taken for a refusal -> red.
  test("waits while the database is away and loses or doubles nothing", async () => {
    const who = await newOrganization();
    const running = importFile(who, manyRequests("outage.csv", 3_000));
    while ((await countOf(who)) < 400) await sleep(5);
    await whileAway(backend.database, () => sleep(1_500));
    const { code, stderr } = await running;
    expect(code, stderr).toBe(0);
    await expectOnce(who, 3_000);
  });

  test("shares the numbers and addresses of a file with another import at once", async () => {
    const who = await newOrganization();
    const file = manyRequests("twin.csv", 600);
    const other = readFileSync(file, "utf8").replaceAll("No Access", "Partial Access");
    const twin = write("other-twin.csv", other.replaceAll("11234", "11235"));
    const both = await Promise.all([importFile(who, file), importFile(who, twin)]);
    for (const { code, stderr } of both) expect(code, stderr).toBe(0);
    await expectOnce(who, 600);
    expect(await countOf(who, "sites")).toBe(80);
  });
});

describe("the full file of 25 December 2013", () => {
  const how = existsSync(REAL)
    ? ""
    : " (not here: set BACKWRIGHT_311_FILE to a CSV export of NYC Open Data's 311 requests)";
  const whole = test.skipIf(how !== "");
  whole(
    `comes in once, by the mapping alone, and its counts agree${how}`,
    async () => {
      const who = await newOrganization();
      const expected = countsOfFile(REAL);
      const count = Object.values(expected.status).reduce((sum, one) => sum + one, 0);
      const first = await importFile(who, REAL);
      expect(first.stdout).toContain(`${count.toLocaleString("en-US")} created, 0 already there`);
      expect(first.code, first.stderr).toBe(0);
      const again = await importFile(who, REAL);
      expect(again.stdout).toContain(`0 created, ${count.toLocaleString("en-US")} already there`);
      await expectOnce(who, count);
      expect(await countsOverApi(backend, who)).toEqual(expected);
    },
    120_000,
  );
});
