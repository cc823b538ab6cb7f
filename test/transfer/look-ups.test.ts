// Records that an import makes beside those of its file: only for rows that it writes, once, and in
// a dry run not at all. And rows that name rows of the same file.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartsImport } from "./import-parts.ts";

let parts: PartsImport;
beforeAll(async () => {
  parts = await PartsImport.start("look_ups");
});
afterAll(() => parts?.close());

const fields = {
  serial: { column: "serial", required: true },
  name: { value: "Bolt" },
  quantity: "quantity",
  siteId: { find: "sites", by: { name: "site" }, create: true },
};

describe("records that are made for rows", () => {
  // Planted: what every row names made before the rows are looked at -> red.
  test("are made for rows that are written, not for rows that are refused or skipped", async () => {
    await parts.run({ key: "serial", fields }, [{ serial: "there", site: "Old place" }]);
    await parts.world.backend.owner.query("update sites set name = 'Renamed' where name = $1", [
      "Old place",
    ]);
    const records = [
      { serial: "made", site: "For made" },
      { site: "For missing" },
      { serial: "wrong", quantity: "many", site: "For wrong" },
      { serial: "left", site: "For skipped", name: "x" },
      { serial: "there", site: "Old place" },
      { serial: "made", site: "For repeated" },
      { serial: "twice", quantity: "many" },
      { serial: "twice" },
    ];
    const skip = [{ value: "serial", in: ["left"] }];
    const mapping = { key: "serial", skip, fields };
    const expected = { created: 2, present: 2, skipped: 1, rejected: 3 };
    const dry = await parts.run(mapping, records, "ndjson", { isDryRun: true });
    expect(dry.counts).toMatchObject(expected);
    expect(dry.related).toEqual({ sites: 1 });
    expect(await parts.sites("For")).toEqual([]);
    const { counts, related, reasons } = await parts.run(mapping, records);
    expect(counts).toMatchObject(expected);
    expect(related).toEqual({ sites: 1 });
    expect(reasons.map(({ line, field }) => [line, field])).toEqual([
      [2, "serial"],
      [3, "quantity"],
      [7, "quantity"],
    ]);
    expect(await parts.sites("For")).toEqual(["For made"]);
    expect(await parts.sites("Old")).toEqual([]);
  });

  // Planted: what is absent looked at before the key -> red (a row that is in is refused).
  test("are not missed by a row that is in, nor made for one that misses others", async () => {
    await parts.world.ask("lead", "sites", { body: { name: "Soon gone" } });
    const siteId = { find: "sites", by: { name: "site" } };
    const ownerId = { find: "parts", by: { serial: "owner" } };
    const mapping = { key: "serial", fields: { ...fields, siteId, ownerId } };
    const record = { serial: "stays", site: "Soon gone" };
    expect((await parts.run(mapping, [record])).counts).toMatchObject({ created: 1 });
    const rename = "update sites set name = 'Elsewhere' where name = $1";
    await parts.world.backend.owner.query(rename, ["Soon gone"]);
    expect((await parts.run(mapping, [record])).counts).toMatchObject({ present: 1, rejected: 0 });
    const both = { ...mapping, fields: { ...mapping.fields, siteId: fields.siteId } };
    const orphan = { serial: "orphan", site: "For an orphan", owner: "nobody" };
    for (const isDryRun of [true, false]) {
      const { counts, related, reasons } = await parts.run(both, [orphan], "ndjson", { isDryRun });
      expect([counts.created, counts.rejected, related]).toEqual([0, 1, {}]);
      expect(reasons).toMatchObject([{ line: 1, field: "ownerId" }]);
    }
    expect(await parts.sites("For an orphan")).toEqual([]);
  });

  // Planted: the dry run takes every name -> red.
  test("are checked in a dry run as they would be", async () => {
    const records = [
      { serial: "nul", site: "x".repeat(3) },
      { serial: "nul 2", site: " " },
    ];
    const made = { isOpen: { value: "perhaps" } };
    const siteId = { ...fields.siteId, create: made };
    const mapping = { key: "serial", fields: { ...fields, siteId } };
    for (const isDryRun of [true, false]) {
      const { counts, reasons } = await parts.run(mapping, records, "ndjson", { isDryRun });
      expect(counts).toMatchObject({ created: 1, rejected: 1 });
      const message = expect.stringMatching(/^isOpen must be true or false/);
      expect(reasons).toEqual([{ line: 1, field: "siteId", message }]);
    }
    expect(await parts.sites("xxx")).toEqual([]);
  });

  test("end the import where the role may make none, in a dry run as well", async () => {
    const records = [{ serial: "by worker", site: "Nowhere" }];
    for (const isDryRun of [true, false]) {
      const run = parts.run({ fields }, records, "ndjson", { isDryRun, role: "worker" });
      await expect(run).rejects.toThrow("The role worker may not create sites.");
    }
    expect(await parts.sites("Nowhere")).toEqual([]);
  });

  test("are made with a key of which they are a part, of each pair one", async () => {
    const pair = { siteId: fields.siteId, code: "code", name: { value: "Bolt" } };
    const mapping = { key: ["siteId", "code"], fields: pair };
    const record = (site: string, code: string) => ({ site, code });
    const records = [record("Pair 1", "a"), record("Pair 1", "a"), record("Pair 2", "a")];
    for (const created of [2, 0]) {
      const { counts } = await parts.run(mapping, records);
      expect(counts).toMatchObject({ created, present: 3 - created, rejected: 0 });
    }
    expect(await parts.sites("Pair")).toEqual(["Pair 1", "Pair 2"]);
  });
});

describe("rows that name rows of the same file", () => {
  const ownerId = { find: "parts", by: { serial: "parent" } };
  const tree = { key: "serial", fields: { serial: "serial", name: { value: "Bolt" }, ownerId } };

  // Planted: one turn for a stretch -> red.
  test("find them before and after them in one stretch, and before them in the file", async () => {
    const chain = Array.from({ length: 5 }, (_, at) => ({
      serial: `tree ${at}`,
      ...(at === 4 ? {} : { parent: `tree ${at + 1}` }),
    }));
    const filling = Array.from({ length: 600 }, (_, at) => ({ serial: `filling ${at}` }));
    const late = { serial: "late", parent: "tree 4" };
    const records = [...chain, ...filling, late];
    for (const isDryRun of [true, false]) {
      const { counts, reasons } = await parts.run(tree, records, "ndjson", { isDryRun });
      expect(reasons).toEqual([]);
      expect(counts).toMatchObject({ created: records.length, rejected: 0 });
    }
    const top = await parts.stored("tree 4");
    expect(await parts.stored("tree 3")).toMatchObject({ ownerId: top?.id });
    expect(await parts.stored("late")).toMatchObject({ ownerId: top?.id });
  });

  // Planted: that a name was absent kept for the whole run -> red.
  test("are refused where they come far too early or in a circle, and go in later", async () => {
    const filling = Array.from({ length: 600 }, (_, at) => ({ serial: `more ${at}` }));
    const early = { serial: "early", parent: "root" };
    const circle = [
      { serial: "c1", parent: "c2" },
      { serial: "c2", parent: "c1" },
    ];
    const records = [
      early,
      ...circle,
      ...filling,
      { serial: "root" },
      { serial: "x", parent: "root" },
    ];
    const first = await parts.run(tree, records);
    const message = (name: string): string =>
      `serial is "${name}", which is none of parts so far; name it on an earlier line`;
    expect(first.reasons).toEqual([
      { line: 1, field: "ownerId", message: message("root") },
      { line: 2, field: "ownerId", message: message("c2") },
      { line: 3, field: "ownerId", message: message("c1") },
    ]);
    const again = await parts.run(tree, records);
    expect(again.counts).toMatchObject({ created: 1, present: 602, rejected: 2 });
    const root = await parts.stored("root");
    expect(await parts.stored("early")).toMatchObject({ ownerId: root?.id });
  });
});

describe("a file without a key", () => {
  const keyless = {
    name: { value: "Bolt" },
    quantity: "quantity",
    siteId: { find: "sites", by: { name: "site" } },
  };

  // Planted: the stretch known again by what is sent of it -> red (its other rows came in twice).
  test("is not taken twice in part, where a row would go in now that was refused", async () => {
    const records = [{ site: "Yard" }, { site: "Not yet" }, { site: "Yard" }];
    const mapping = { fields: keyless };
    const count = async () => (await parts.world.counts()).parts;
    const before = (await count()) ?? 0;
    expect((await parts.run(mapping, records)).counts).toMatchObject({ created: 2, rejected: 1 });
    expect((await parts.run(mapping, records)).counts).toMatchObject({ present: 2, rejected: 1 });
    await parts.world.ask("lead", "sites", { body: { name: "Not yet" } });
    const changed = parts.run(mapping, records);
    await expect(changed).rejects.toThrow(/Records of this file are in, but not as they would be/);
    expect(await count()).toBe(before + 2);
  });
});
