import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLatestSnapshot, readMigrations, writeMigration } from "../../src/migrate/files.ts";
import { emptySnapshot } from "../../src/migrate/snapshot.ts";

let directory: string;
const contents = { up: "select 1;\n", down: "select 2;\n", snapshot: emptySnapshot() };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "migration-files-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function put(path: string, text = "select 1;"): Promise<void> {
  const file = join(directory, path);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, text);
}

test("migrations are numbered one after the other and read back as written", async () => {
  const missing = join(directory, "not", "there");
  expect(await readMigrations(missing)).toEqual([]);
  expect(await readLatestSnapshot(missing)).toBeNull();
  expect(await writeMigration(missing, "initial", contents)).toBe(join(missing, "0001-initial"));
  expect(await writeMigration(missing, "add-sites", contents)).toBe(
    join(missing, "0002-add-sites"),
  );
  const read = await readMigrations(missing);
  expect(read.map(({ number, name }) => [number, name])).toEqual([
    [1, "0001-initial"],
    [2, "0002-add-sites"],
  ]);
  expect(read[0]?.up).toMatchObject({ sql: "select 1;\n", transaction: true });
  expect(read[0]?.down?.sql).toBe("select 2;\n");
  expect(await readLatestSnapshot(missing)).toEqual(emptySnapshot());
  expect((await readdir(missing)).sort()).toEqual(["0001-initial", "0002-add-sites"]);
});

test("a name that is not kebab-case is refused before anything is written", async () => {
  for (const name of ["Add Sites", "add_sites", "-add", "../add", "", "a".repeat(81)]) {
    await expect(writeMigration(directory, name, contents)).rejects.toThrow("cannot name");
  }
  expect(await readdir(directory)).toEqual([]);
});

test("two folders of one number are refused, both named", async () => {
  await put("0001-one/up.sql");
  await put("0001-two/up.sql");
  const both = `${join(directory, "0001-one")} and ${join(directory, "0001-two")}`;
  await expect(readMigrations(directory)).rejects.toThrow(both);
});

test("a number left out is refused", async () => {
  await put("0001-one/up.sql");
  await put("0003-three/up.sql");
  await expect(readMigrations(directory)).rejects.toThrow(
    `0002 is missing before ${join(directory, "0003-three")}`,
  );
});

test("a folder of another form is refused, loose and hidden files are not", async () => {
  await put("README.md");
  await put(".cache/up.sql");
  await put("0001-one/up.sql");
  expect(await readMigrations(directory)).toHaveLength(1);
  await put("2-two/up.sql");
  await expect(readMigrations(directory)).rejects.toThrow(join(directory, "2-two"));
});

test("a missing up.sql is refused, a missing down.sql is not", async () => {
  await put("0001-one/up.sql");
  expect((await readMigrations(directory))[0]?.down).toBeNull();
  await put("0002-two/down.sql");
  await expect(readMigrations(directory)).rejects.toThrow(join(directory, "0002-two", "up.sql"));
});

test("a snapshot that cannot be read is refused with its path", async () => {
  const path = join(directory, "0001-one", "snapshot.json");
  for (const text of ["{", "[]", '{"version":2}', '{"version":1,"drizzle":{"version":"9"}}']) {
    await put("0001-one/snapshot.json", text);
    await expect(readLatestSnapshot(directory)).rejects.toThrow(path);
  }
});

test("a migration without a snapshot leaves the one before it in force", async () => {
  await writeMigration(directory, "initial", contents);
  await put("0002-by-hand/up.sql");
  expect(await readLatestSnapshot(directory)).toEqual(emptySnapshot());
});

test("the checksum depends on the text alone, not on line ends or a byte order mark", async () => {
  const checksum = async (text: string) => {
    await put("0001-one/up.sql", text);
    return (await readMigrations(directory))[0]?.up.checksum;
  };
  const unix = await checksum("select 1;\nselect 2;\n");
  expect(await checksum("\uFEFFselect 1;\r\nselect 2;\r\n")).toBe(unix);
  expect(await checksum("select 1; \nselect 2;\n")).not.toBe(unix);
  // Planted fault: hash the file's bytes as they are -> red.
});

test("only the first line can ask to run outside a transaction", async () => {
  const transaction = async (text: string) => {
    await put("0001-one/up.sql", text);
    return (await readMigrations(directory))[0]?.up.transaction;
  };
  expect(await transaction("-- backwright: no-transaction\r\nvacuum;")).toBe(false);
  expect(await transaction("\n-- backwright: no-transaction\nvacuum;")).toBe(true);
});

test("a snapshot file ends in a line end, as editors and Git expect", async () => {
  const path = await writeMigration(directory, "initial", contents);
  expect(await readFile(join(path, "snapshot.json"), "utf8")).toMatch(/\}\n$/);
});
