// What an import makes of records that are not as a mapping expects them: a bad one is refused
// alone, digits stay what they were, and a key alone says which record is meant.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Executor } from "../../src/database/transaction.ts";
import { compileMapping } from "../../src/transfer/row-plan.ts";
import type { PartsWorld } from "../fixtures/parts-world.ts";
import { PartsImport } from "./import-parts.ts";

let parts: PartsImport;
let world: PartsWorld;
beforeAll(async () => {
  parts = await PartsImport.start("run_import");
  world = parts.world;
});
afterAll(() => parts?.close());

const importParts: PartsImport["run"] = (...given) => parts.run(...given);
const stored = (serial: string) => parts.stored(serial);

describe("an import that updates", () => {
  const updating = { key: "serial", whenPresent: "update" };

  // Planted: the mapped column id after the id that the key found -> red (the other was changed).
  test("changes the record that its key finds, whatever id the file gives it", async () => {
    const wanted = await world.part({ serial: "wanted" });
    const other = await world.part({ serial: "other" });
    for (const name of ["id", "version", "createdAt", "updatedAt"]) {
      const fields = { serial: "serial", name: "name", [name]: "strange" };
      const compile = () => compileMapping({ fields }, world.backend.context.model, "parts");
      expect(compile).toThrow(new RegExp(`gives "${name}", which Backwright writes by itself`));
    }
    const byId = { key: "id", whenPresent: "update", fields: { id: "id", name: "name" } };
    const { counts } = await importParts(byId, [{ id: wanted, name: "changed" }]);
    expect(counts).toMatchObject({ updated: 1, rejected: 0 });
    expect(await stored("wanted")).toMatchObject({ id: wanted, name: "changed", version: 2 });
    expect(await stored("other")).toMatchObject({ id: other, name: "Bolt", version: 1 });
  });

  // Planted: an update without a field sent all the same -> red (every record rejected).
  test("leaves alone records of which it has nothing but the key", async () => {
    await world.part({ serial: "only-1" });
    await world.part({ serial: "only-2" });
    const fields = { serial: "serial", name: "name" };
    const records = [{ serial: "only-1" }, { serial: "only-2", name: "changed" }];
    for (const isDryRun of [true, false]) {
      const mapping = { ...updating, fields };
      const { counts, reasons } = await importParts(mapping, records, "ndjson", { isDryRun });
      expect(reasons).toEqual([]);
      expect(counts).toMatchObject({ updated: 1, present: 1, created: 0 });
    }
    const again = await importParts({ ...updating, fields: { serial: "serial" } }, records);
    expect(again.counts).toMatchObject({ updated: 0, present: 2, rejected: 0 });
    expect((await stored("only-1"))?.version).toBe(1);
  });

  // Planted: a row that lost the race counted as present -> red (its name stayed the other's).
  test("updates a record that another request made while it looked", async () => {
    const { database } = world.backend.context;
    let isFirst = true;
    const overtaken: Executor = {
      read: async (...asked) => {
        const rows = await database.read(...asked);
        if (isFirst) await world.part({ serial: "raced", name: "theirs" });
        isFirst = false;
        return rows;
      },
      readAlone: (...asked) => database.readAlone(...asked),
      write: (...asked) => database.write(...asked),
      transaction: (caller, work) => database.transaction(caller, work),
    };
    const mapping = { ...updating, fields: { serial: "serial", name: "name" } };
    const records = [{ serial: "raced", name: "ours" }];
    const { counts } = await importParts(mapping, records, "ndjson", { database: overtaken });
    expect(isFirst).toBe(false);
    expect(counts).toMatchObject({ updated: 1, present: 0, created: 0, rejected: 0 });
    expect(await stored("raced")).toMatchObject({ name: "ours", version: 2 });
  });
});

describe("a value of a look-up that is none", () => {
  // Planted: the cell given to PostgreSQL with all others -> red (the whole import ended).
  test.each([
    ["an id", { id: "site" }, "not-an-id", /^id is "not-an-id"; it must be a UUID/],
    ["a text with NUL", { name: "site" }, "x\u0000", /^name is "x\\u0000"; it must be text/],
    ["half a character", { name: "site" }, "\ud800", /half of a surrogate pair$/],
    ["an object", { id: "site" }, { toString: 1 }, /^id is .*; it must be a UUID/],
  ])("refuses its row alone: %s", async (name, by, bad, message) => {
    const good = "id" in by ? world.site : "Yard";
    const serial = (at: number): string => `${name} ${at}`;
    const records = [good, bad, good].map((site, at) => ({ serial: serial(at), site }));
    const siteId = { find: "sites", by };
    const fields = { serial: "serial", name: { value: "Bolt" }, siteId };
    const { counts, reasons } = await importParts({ key: "serial", fields }, records);
    expect(counts).toMatchObject({ created: 2, rejected: 1 });
    const field = "siteId";
    expect(reasons).toEqual([{ line: 2, field, message: expect.stringMatching(message) }]);
  });
});

describe("numbers of a file", () => {
  const fields = {
    serial: "serial",
    name: { value: "Bolt" },
    amount: "amount",
    price: "price",
    quantity: "quantity",
    data: "data",
  };

  // Planted: JSON.parse in place of parseExactly -> red.
  test.each([
    ["ndjson", (rows: readonly string[]) => rows.join("\n")],
    ["json", (rows: readonly string[]) => ` [ ${rows.join("\n,\n")} ] `],
  ] as const)("keep every digit: %s", async (format, print) => {
    const big = "12345678901234567890.123456789";
    const row = (serial: string, more: string): string =>
      `{"serial": "${format} ${serial}", "name": "a, [\\"b\\"] }\\\\", ${more}}`;
    const rows = [
      row("1", `"amount": 9007199254740993, "price": ${big}, "data": {"n": [${big}]}`),
      row("2", `"amount": "5", "price": 0.0000001, "quantity": 7`),
      row("3", `"amount": -12, "price": 15e20, "data": 1`),
      row("4", `"amount": 9007199254740993.5`),
      row("5", `"quantity": 12345678901234567890`),
      row("6", `"price": 1, "price": 2`),
    ];
    const { counts, reasons } = await importParts({ key: "serial", fields }, print(rows), format);
    expect(counts).toMatchObject({ created: 3, rejected: 3 });
    expect(reasons.map(({ field }) => field)).toEqual(["amount", "quantity", ""]);
    expect(await stored(`${format} 1`)).toMatchObject({
      amount: "9007199254740993",
      price: big,
      data: `{"n": [${big}]}`,
    });
    const small = { amount: "5", price: "0.0000001", quantity: 7 };
    expect(await stored(`${format} 2`)).toMatchObject(small);
    const large = { amount: "-12", price: "1500000000000000000000", data: "1" };
    expect(await stored(`${format} 3`)).toMatchObject(large);
  });

  // Planted: no bound on the depth -> red (a RangeError ended the import).
  test("stand beside a record that is nested too deep, which is refused alone", async () => {
    const deep = `{"serial": "deep", "data": ${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    const { counts, reasons } = await importParts(
      { key: "serial", fields },
      `${deep}\n{"serial": "beside", "data": [[1]]}`,
    );
    expect(reasons).toEqual([{ line: 1, field: "", message: "is nested deeper than 32 levels" }]);
    expect(counts).toMatchObject({ created: 1, rejected: 1 });
  });

  test("are text where a mapping joins them, and keys like any other", async () => {
    const joined = { serial: { join: ["number", "part"], with: "/" }, name: { value: "Bolt" } };
    const text = '{"number": 90071992547409931234, "part": 2}';
    const { counts } = await importParts({ key: "serial", fields: joined }, text);
    expect(counts.created).toBe(1);
    expect(await stored("90071992547409931234/2")).toBeDefined();
  });
});
