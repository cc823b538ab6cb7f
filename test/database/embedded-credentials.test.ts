import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { embeddedCredentials } from "../../src/database/embedded-credentials.ts";

let directory = "";
const path = () => join(directory, "database.json");

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "backwright-credentials-")), ".backwright");
});

afterEach(async () => {
  await rm(join(directory, ".."), { recursive: true, force: true });
});

// Planted fault: createCredentials without looking again under the lock -> red.
test("all who ask for the passwords at once get the same ones, also later", async () => {
  const asked = await Promise.all(Array.from({ length: 8 }, () => embeddedCredentials(directory)));
  const later = await embeddedCredentials(directory);
  for (const credentials of asked) expect(credentials).toEqual(later);
  expect(later.owner).toMatch(/^[\w-]{32}$/);
  expect(later.app).toMatch(/^[\w-]{32}$/);
  expect(later.app).not.toBe(later.owner);
});

// Planted fault: writeFile without mode -> red; no chmod on reading -> red.
test("the passwords can be read by their user only, even after a careless chmod", async () => {
  const credentials = await embeddedCredentials(directory);
  expect((await stat(path())).mode & 0o777).toBe(0o600);
  await chmod(path(), 0o644);
  expect(await embeddedCredentials(directory)).toEqual(credentials);
  expect((await stat(path())).mode & 0o777).toBe(0o600);
});

test("a damaged file is reported with what to do, and not replaced", async () => {
  await embeddedCredentials(directory);
  for (const text of ["", "{", "null", '{"owner":"x"}', '{"owner":"x","app":1}']) {
    await writeFile(path(), text);
    await expect(embeddedCredentials(directory)).rejects.toMatchObject({
      name: "StartError",
      fix: expect.stringContaining(`rm '${path()}'`),
    });
  }
});
