// Files as they come: in other encodings, compressed, broken, cut off, endless. What can be read is
// read; what cannot ends with a sentence that says where, and nothing is held that grows.
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartsImport } from "./import-parts.ts";

let parts: PartsImport;
beforeAll(async () => {
  parts = await PartsImport.start("odd_files");
});
afterAll(() => parts?.close());

const mapping = {
  key: "serial",
  fields: { serial: "Serial", name: { column: "Name", required: true }, quantity: "Count" },
};
const swapped = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, "utf16le").swap16();

describe("a file that can be read", () => {
  const rows = (name: string): string =>
    `Serial,Name,Count\n${name} 1,"two\nlines, ü",1\n${name} 2,b,\n`;

  // Planted: the pieces of a compressed file taken for text -> red.
  test.each<readonly [string, (text: string) => string | Buffer]>([
    ["with a byte order mark", (text) => `\uFEFF${text}`],
    ["with line ends of Windows", (text) => text.replaceAll("\n", "\r\n")],
    ["in UTF-16 with the little end first", (text) => Buffer.from(`\uFEFF${text}`, "utf16le")],
    ["in UTF-16 with the big end first", swapped],
    ["that is compressed", (text) => gzipSync(text)],
    ["that is compressed UTF-16", (text) => gzipSync(swapped(text))],
    ["without an end of its last line", (text) => text.trimEnd()],
  ])("comes in whole: %s", async (name, write) => {
    const { counts, reasons } = await parts.run(mapping, write(rows(name)), "csv");
    expect(reasons).toEqual([]);
    expect(counts).toMatchObject({ created: 2, rejected: 0 });
    const { name: text = "" } = (await parts.stored(`${name} 1`)) ?? {};
    expect(String(text).replace("\r", "")).toBe("two\nlines, ü");
  });

  test("may divide its cells by another sign, and says which where it is not told", async () => {
    const text = "Serial;Name;Count\nd1;a, b;3\n";
    const { counts } = await parts.run({ ...mapping, delimiter: ";" }, text, "csv");
    expect(counts).toMatchObject({ created: 1 });
    const untold = parts.run(mapping, text, "csv");
    await expect(untold).rejects.toMatchObject({ fix: expect.stringMatching(/";".*delimiter/) });
  });

  test("may have columns and no records", async () => {
    expect((await parts.run(mapping, "Serial,Name,Count\n", "csv")).counts.read).toBe(0);
    expect((await parts.run(mapping, "", "ndjson")).counts.read).toBe(0);
    expect((await parts.run(mapping, "[]", "json")).counts.read).toBe(0);
  });

  test("may have a column twice that the mapping does not name", async () => {
    const text = "Serial,Name,Count,x,x\ntwice,b,1,2,3\n";
    expect((await parts.run(mapping, text, "csv")).counts).toMatchObject({ created: 1 });
  });
});

describe("a record that cannot be taken", () => {
  // Planted: what does not fit ends the import -> red.
  test("is refused alone, with its line, its field and the reason", async () => {
    const lines = [
      "Serial,Name,Count",
      'n1,"a\u0000b",1',
      "n2,b,1e400",
      "n3,b,1.5",
      "n4,b,99999999999",
      "n5,b",
      "n6,b,1,2",
      "n7,b,0x10",
      "n8,b,1.2.3",
      'n9,"two\nlines",x',
      "\u0000,b,1",
      "good,b,1e2",
    ];
    const { counts, reasons } = await parts.run(mapping, lines.join("\n"), "csv");
    expect(counts).toMatchObject({ created: 1, rejected: 10 });
    const refused = (line: number, field: string, message: RegExp) => ({
      line,
      field,
      message: expect.stringMatching(message),
    });
    expect(reasons).toEqual([
      refused(2, "name", /must be text without the character NUL/),
      refused(3, "quantity", /must be a whole number/),
      refused(4, "quantity", /must be a whole number/),
      refused(5, "quantity", /must be a whole number/),
      refused(6, "", /^has 2 columns instead of 3$/),
      refused(7, "", /^has 4 columns instead of 3$/),
      refused(8, "quantity", /must be a whole number/),
      refused(9, "quantity", /must be a whole number/),
      refused(10, "quantity", /must be a whole number/),
      refused(12, "serial", /it must be text without the character NUL/),
    ]);
    expect(await parts.stored("good")).toMatchObject({ quantity: 100 });
  });

  test("is refused for times that are none, and for days", async () => {
    const fields = {
      serial: "s",
      name: { value: "Bolt" },
      dueAt: "iso",
      tags: { first: [{ column: "day", date: "M/d/yyyy" }], separator: ";" },
    };
    const records = [
      { s: "t1", iso: "0000-00-00" },
      { s: "t2", iso: "2026-02-30T00:00:00Z" },
      { s: "t3", iso: "2026-12-01" },
      { s: "t4", day: "2/30/2026" },
      { s: "t5", day: "0/0/0000" },
      { s: "t6", day: "2/28/2026", iso: "2026-12-01T00:00:00+02:00" },
    ];
    const { counts, reasons } = await parts.run({ key: "serial", fields }, records);
    expect(counts).toMatchObject({ created: 1, rejected: 5 });
    expect(reasons.map(({ field }) => field)).toEqual(["dueAt", "dueAt", "dueAt", "tags", "tags"]);
    expect(reasons[3]?.message).toBe('is "2/30/2026", no day like M/d/yyyy');
    expect(await parts.stored("t6")).toMatchObject({ tags: ["2026-02-28"] });
  });

  // Planted: the rest of a line that is too long held -> red (the process grows with the line);
  // a long record taken -> red.
  test.each(["ndjson", "json", "csv"] as const)(
    "is refused alone where it is too long, of %s",
    async (format) => {
      const record = (at: string, name: string): string => {
        const [Serial, Name] = [`${format} ${at}`, name];
        return format === "csv" ? `${Serial},${Name},` : JSON.stringify({ Serial, Name });
      };
      const long = record("long", "x".repeat(9_000_000));
      const all = [record("before", "x"), long, record("after", "x")];
      const text = {
        ndjson: all.join("\n"),
        json: `[${all.join()}]`,
        csv: ["Serial,Name,Count", ...all].join("\n"),
      }[format];
      const { counts, reasons } = await parts.run(mapping, text, format);
      expect(counts).toMatchObject({ created: 2, rejected: 1 });
      const message = expect.stringMatching(/^is longer than a megabyte/);
      expect(reasons).toEqual([{ line: format === "csv" ? 3 : 2, field: "", message }]);
      expect(await parts.stored(`${format} after`)).toBeDefined();
    },
  );

  test("is refused alone where it is a line that does not end, without being held", async () => {
    const before = process.memoryUsage().rss;
    const { counts } = await parts.run(mapping, gzipSync("x".repeat(50_000_000)), "ndjson");
    expect(counts).toMatchObject({ read: 1, rejected: 1 });
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  test("is put aside as it stands where it is not JSON", async () => {
    const { reasons } = await parts.run(mapping, '{"Serial": \n{"Serial":"after","Name":"x"}\n[1]');
    expect(reasons).toEqual([
      { line: 1, field: "", message: "is not JSON" },
      { line: 3, field: "", message: "is not a JSON object" },
    ]);
    expect(await parts.stored("after")).toBeDefined();
  });
});

describe("a file that cannot be read", () => {
  const header = "Serial,Name,Count\n";
  const broken = gzipSync(`${header}${"c1,x,1\n".repeat(9_000)}`).subarray(0, 100);

  // Planted: the bound on a record of CSV left out -> red (it waits for a quote to close).
  test.each<readonly [string, string | Buffer, "csv" | "ndjson" | "json", RegExp]>([
    ["an endless cell", `${header}c,"${"x".repeat(20_000_000)}`, "csv", /than 16 megabytes/],
    ["an endless element", `[{"Name":"${"x".repeat(20_000_000)}`, "json", /array does not end/],
    ["a column twice", "Serial,Name,Name,Count\n", "csv", /has several columns "Name"\./],
    ["nothing", "", "csv", /is empty: it has no line of columns/],
    ["no JSON", "", "json", /it is not a JSON array/],
    ["an object for an array", "{}", "json", /it is not a JSON array/],
    ["half an array", '[{"Serial":"half","Name":"x"},', "json", /line 1: the array does not end/],
    ["a spreadsheet", Buffer.from("PK\u0003\u0004 xlsx"), "csv", /is a zip archive or a spread/],
    [
      "a compressed file cut off",
      broken,
      "csv",
      /cannot be unpacked after line \d+: unexpected end of file/,
    ],
    ["Latin-1", Buffer.from(`${header}é`, "latin1"), "csv", /is not UTF-8\./],
    ["half of UTF-16", Buffer.from("\uFEFFab", "utf16le").subarray(0, 5), "csv", /is not UTF-16LE/],
  ])("says what is wrong with it: %s", async (_what, content, format, message) => {
    const before = process.memoryUsage().rss;
    await expect(parts.run(mapping, content, format)).rejects.toThrow(message);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  test("keeps what came before the fault, which a repeat leaves alone", async () => {
    const rows = Array.from({ length: 1_200 }, (_, at) => `before ${at},b,1`);
    const text = `${header}${rows.join("\n")}\nlast,"open`;
    await expect(parts.run(mapping, text, "csv")).rejects.toThrow(/is not CSV after line 1\d\d\d/);
    const mended = await parts.run(mapping, `${text}"\n`, "csv");
    expect(mended.counts.present).toBeGreaterThanOrEqual(500);
    expect(mended.reasons).toEqual([{ line: 1_202, field: "", message: expect.anything() }]);
  });
});

describe("values that are taken exactly", () => {
  // Planted: the spaces around a value cut off; null left out -> red each.
  test("keep their spaces, and tell an empty text from none", async () => {
    const exact = {
      exact: true,
      key: "serial",
      whenPresent: "update",
      fields: { serial: "Serial", name: "Name", amount: "Count" },
    };
    await parts.run(exact, 'Serial,Name,Count\nexact," a ",1\n"",b,2\n', "csv");
    expect(await parts.stored("exact")).toMatchObject({ name: " a ", amount: "1" });
    expect(await parts.stored("")).toMatchObject({ name: "b" });
    await parts.run(exact, 'Serial,Name,Count\nexact,"",\n', "csv");
    expect(await parts.stored("exact")).toMatchObject({ name: "", amount: null });
    await parts.run(exact, [{ Serial: "exact", Name: "  ", Count: "7" }]);
    expect(await parts.stored("exact")).toMatchObject({ name: "  ", amount: "7" });
    const nameless = await parts.run(exact, [{ Serial: null, Name: "x" }]);
    expect(nameless.reasons).toMatchObject([{ message: "is missing, and it is the key" }]);
    await parts.run(exact, [{ Serial: "exact", Count: null }]);
    expect(await parts.stored("exact")).toMatchObject({ name: "  ", amount: null });
  });

  // Planted: null of a look-up taken for a member that is not there; the row that says null let
  // past the one of the same key that waits for its owner -> red each (the owner stayed).
  test.each([
    [{ Serial: "owned", Owner: null }, null],
    [{ Serial: "owned" }, expect.any(String)],
  ])("write null for a record that is looked up, and nothing where %j", async (last, expected) => {
    const ownerId = { find: "parts", by: { serial: "Owner" } };
    const fields = { serial: "Serial", name: { value: "Bolt" }, ownerId };
    const exact = { exact: true, key: "serial", whenPresent: "update", fields };
    const records = [{ Serial: "owner" }, { Serial: "owned", Owner: "owner" }, last];
    expect((await parts.run(exact, records)).reasons).toEqual([]);
    expect(await parts.stored("owned")).toMatchObject({ ownerId: expected });
  });
});
