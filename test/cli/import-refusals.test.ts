// What `backwright import` does not take, and how it says so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileMapping } from "../../src/transfer/row-plan.ts";
import { EXAMPLE, startTestBackend, type TestBackend } from "../support/backend.ts";
import { runProgram } from "./program.ts";

const SAMPLE = join(EXAMPLE, "data/nyc-311-sample.csv");
const MAP = join(EXAMPLE, "nyc-311.map.json");

const folder = mkdtempSync(join(tmpdir(), "backwright-import-"));
let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("import_refusals");
});
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(key: string, resource: string, ...args: string[]) {
  const { appUrl, ownerUrl } = backend.database;
  const environment = {
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    BACKWRIGHT_KEY: key,
  };
  return runProgram(["--project", EXAMPLE, "import", resource, ...args], { environment });
}

describe("an import that cannot run", () => {
  const header = readFileSync(SAMPLE, "utf8").split("\n")[0] ?? "";
  const rows = readFileSync(SAMPLE, "utf8").split("\n").slice(1, 3).join("\n");
  const stranger = `bw_${"x".repeat(43)}`;

  // Planted fault: a decoder that replaces what it cannot read -> red.
  test.each([
    // Planted fault: a column that is not there taken for an empty one -> red.
    ["a misspelt column", header.replace("Status", "Stats"), /no column "Status"\.[\s\S]*Stats/],
    ["no line at all", "", /is empty: it has no line of columns/],
    ["an open quote", `${header}\n${rows}\n900,"x\n1,2\n`, /not CSV after line 3.*\n.*on line 4/],
    ["another encoding", Buffer.from(`${header}\ncaf\u00e9\n`, "latin1"), /is not UTF-8/],
  ])("says what is wrong with %s", async (name, text, expected) => {
    const path = join(folder, `${name.replaceAll(" ", "-")}.csv`);
    writeFileSync(path, text);
    const { key } = await backend.person(await backend.tenant("New York 311"), "manager");
    const { code, stderr } = await run(key, "work-orders", path, "--map", MAP);
    expect(stderr).toMatch(expected);
    expect(code).toBe(1);
  });

  // Planted: an error of the stream without a listener -> red (a stack trace).
  test("says so where the rejected records cannot be written", async () => {
    const { key } = await backend.person(await backend.tenant("New York 311"), "manager");
    const path = join(folder, "refused.ndjson");
    writeFileSync(path, JSON.stringify({ name: "" }));
    const map = join(folder, "refused.map.json");
    writeFileSync(map, JSON.stringify({ fields: { address: "name" } }));
    const none = join(folder, "none", "rejects.ndjson");
    const { code, stderr } = await run(key, "sites", path, "--map", map, "--rejects", none);
    expect(stderr).toMatch(/cannot be written to .*rejects\.ndjson: ENOENT.*\n.*--rejects/);
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(1);
  });

  // Planted: the words of the schema library in place of our own -> red.
  test.each([
    [
      "a field that is none",
      { fields: { titel: "x" } },
      /at fields\.titel: work-orders has no field "titel"\. Did you mean "title"\?/,
    ],
    ["a key that is not unique", { key: "title", fields: { title: "x" } }, /at key: title is not/],
    [
      "a key without a field",
      { key: "externalId", fields: { title: "x" } },
      /not among its fields/,
    ],
    [
      "a resource that is none",
      { fields: { siteId: { find: "site", by: { name: "x" } } } },
      /at fields\.siteId\.find: There is no resource "site"\. Did you mean "sites"\?/,
    ],
    [
      "a look-up that is not unique",
      { fields: { siteId: { find: "sites", by: { address: "x" } } } },
      /at fields\.siteId\.by: address is not unique in sites/,
    ],
    [
      "a time zone that is none",
      { timeZone: "Mars/Base", fields: { title: "x" } },
      /timeZone must be a time zone such as "America\/New_York", not "Mars\/Base"/,
    ],
    [
      "a pattern that is none",
      { fields: { title: { column: "x", match: "(" } } },
      /fields\.title\.match is no regular expression: "\("/,
    ],
    [
      "a format of another library",
      { fields: { dueAt: { column: "x", time: "YYYY-MM-DD" } } },
      /fields\.dueAt\.time is "YYYY-MM-DD": years are yyyy.*"yyyy-MM-dd"/,
    ],
    [
      "a word that is unknown",
      { fields: { dueAt: { column: "x", zone: "Europe/Rome" } } },
      /not valid: fields\.dueAt\.zone is unknown\. Did you mean "timeZone"\? Allowed: column, when/,
    ],
    [
      "a value from nowhere",
      { fields: { title: { colum: "x" } } },
      /fields\.title must have one of "column", .*"find", and has none\. Did you mean "column"\?/,
    ],
    [
      "a value from two places",
      { fields: { title: { column: "x", value: "y" } } },
      /fields\.title must have one of .*, and has "column" and "value"\./,
    ],
    [
      "several faults, all of them",
      {
        whenPresent: "merge",
        skip: [{ value: "x" }],
        fields: {
          title: { join: ["a", 5] },
          dueAt: { column: "x", required: "yes" },
          siteId: { find: "sites", create: 1 },
        },
      },
      new RegExp(
        [
          'whenPresent must be "skip" or "update", not "merge"',
          'skip\\[0\\] needs either "in" or "empty"',
          "fields\\.title\\.join\\[1\\] must be the name of a column, or an object",
          'fields\\.dueAt\\.required must be true or false, not "yes"',
          "fields\\.siteId\\.create must be an object, not 1",
          "fields\\.siteId\\.by is missing",
        ].join("[^]*\n  "),
      ),
    ],
    ["no fields", {}, /The mapping is not valid: fields is missing/],
    ["a list in its place", [], /The mapping is not valid: it must be an object/],
  ])("refuses a mapping with %s", (_what, mapping, expected) => {
    const compile = () => compileMapping(mapping, backend.project.model, "workOrders");
    expect(compile).toThrow(expected);
  });

  test("says what is wrong with resource, file, mapping, format and key", async () => {
    const cases: readonly (readonly [string[], RegExp])[] = [
      [["orders", SAMPLE, "--map", MAP], /no resource "orders"[\s\S]*work-orders/],
      [["work-orders", "/none.csv", "--map", MAP], /\/none.csv does not exist/],
      [["work-orders", SAMPLE, "--map", "/none.json"], /mapping \/none.json does not exist/],
      [["work-orders", SAMPLE, "--map", SAMPLE], /is not JSON/],
      [["work-orders", "/etc/hostname", "--map", MAP], /cannot be told by its name[\s\S]*--format/],
      [["work-orders", SAMPLE, "--map", MAP], /The key is not valid/],
      [["work-orders", SAMPLE], /required option '--map/],
    ];
    for (const [[resource = "", ...args], expected] of cases) {
      const { code, stderr } = await run(stranger, resource, ...args);
      expect(stderr).toMatch(expected);
      expect(code).toBe(1);
    }
  });
});
