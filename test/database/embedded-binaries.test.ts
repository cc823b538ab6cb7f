// The binaries as npm leaves them when install scripts are blocked: without their links.

import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  cp,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  unlink,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findPlatformPackage, provideBinaries } from "../../src/database/embedded-binaries.ts";
import { findPlaces } from "../../src/database/embedded-places.ts";
import { isRoot, NEEDS_ROOT } from "./embedded-process.ts";

const run = promisify(execFile);
const quiet = () => undefined;

let folder = "";
let installed = { directory: "", version: "" };
let links: { source: string; target: string }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backwright-binaries-"));
  await chmod(folder, 0o755);
  const { directory, version } = await findPlatformPackage();
  installed = { directory: join(folder, "package"), version };
  await cp(join(directory, "native"), join(installed.directory, "native"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const list = join(installed.directory, "native", "pg-symlinks.json");
  links = await readFile(list, "utf8").then(JSON.parse, () => []);
  for (const { target } of links) await rm(join(installed.directory, target), { force: true });
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function version(root: string, identity: { uid?: number; gid?: number } = {}) {
  const options = { env: {}, cwd: "/", ...identity };
  return (await run(join(root, "bin", "postgres"), ["--version"], options)).stdout;
}

const inPlace = () => ({ account: undefined, copies: join(folder, "copies") });

describe("binaries without their links", () => {
  test("do not run: what the following tests rest on", async ({ skip }) => {
    skip(links.length === 0, "this platform's package has no links");
    await expect(version(join(installed.directory, "native"))).rejects.toThrow(/shared librar/);
  });

  // Planted fault: tryMakeLinks makes nothing -> red.
  test("run in place once their links are made, by several processes at once", async () => {
    const results = await Promise.all(
      [1, 2, 3, 4].map(() => provideBinaries(inPlace(), quiet, installed)),
    );
    for (const { root } of results) expect(root).toBe(join(installed.directory, "native"));
    expect(await version(join(installed.directory, "native"))).toMatch(/PostgreSQL\) 18/);
    for (const { source, target } of links) {
      expect(source).toMatch(new RegExp(`/${await readlink(join(installed.directory, target))}$`));
    }
    const entries = await readdir(join(installed.directory, "native", "lib"));
    expect(entries.filter((name) => /\.[0-9a-f]{8}$/.test(name))).toEqual([]);
  });

  // Planted fault: isLinked that asks only whether something is there -> red.
  test("get a link that points elsewhere replaced, and the others left alone", async ({ skip }) => {
    const [first] = links;
    skip(first === undefined, "this platform's package has no links");
    await provideBinaries(inPlace(), quiet, installed);
    const path = join(installed.directory, first?.target ?? "");
    const right = await readlink(path);
    await unlink(path);
    await symlink("libnothing.so", path);
    await provideBinaries(inPlace(), quiet, installed);
    expect(await readlink(path)).toBe(right);
  });

  // Planted fault: copyFolder without one of its two chmod -> red (npm under umask 077 leaves files
  // that nobody else can read).
  test("are copied for another account, which can run them", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const account = { name: "nobody", uid: 65_534, gid: 65_534 };
    await run("chmod", ["-R", "go=", installed.directory]);
    const before = process.umask(0o077);
    try {
      const places = { account, copies: folder };
      const messages: string[] = [];
      const found = await Promise.all(
        [1, 2].map(() => provideBinaries(places, (text) => messages.push(text), installed)),
      );
      const root = join(folder, `postgres-${installed.version}`);
      expect(found).toMatchObject([{ root }, { root }]);
      expect(messages).toHaveLength(1);
      expect(await version(root, account)).toMatch(/PostgreSQL\) 18/);
      expect((await readdir(folder)).sort()).toEqual(["package", `postgres-${installed.version}`]);
    } finally {
      process.umask(before);
    }
  });

  // Planted fault: isFullCopy that asks only whether the folder is there -> red.
  test("are copied again when a power cut damaged the copy", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const account = { name: "nobody", uid: 65_534, gid: 65_534 };
    const { root } = await provideBinaries({ account, copies: folder }, quiet, installed);
    await truncate(join(root, "bin", "postgres"), 0);
    await provideBinaries({ account, copies: folder }, quiet, installed);
    expect(await version(root, account)).toMatch(/PostgreSQL\) 18/);
  });

  test("are refused in a folder whose name initdb's shell would read as code", async () => {
    const copies = `${folder}/$(touch x)`;
    const package$ = { directory: copies, version: installed.version };
    await cp(join(installed.directory, "native"), join(copies, "native"), { recursive: true });
    await expect(provideBinaries(inPlace(), quiet, package$)).rejects.toThrow(/cannot run from/);
  });
});

describe("places", () => {
  test("under long and odd paths still have a socket directory of their own", async () => {
    for (const name of ["x".repeat(120), "a,b"]) {
      const directory = join(folder, name);
      const { socketDirectory } = await findPlaces(directory, [join(folder, "x".repeat(99))]);
      expect(socketDirectory).toBeDefined();
      expect(`${socketDirectory}/.s.PGSQL.65535`.length).toBeLessThanOrEqual(103);
      expect(socketDirectory).not.toContain(",");
      if (socketDirectory !== undefined && !socketDirectory.startsWith(folder)) {
        await rm(socketDirectory, { recursive: true });
      }
    }
  });

  // Planted fault: rootBase without canReach -> red.
  test("of root lie where the server's account can reach them", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const closed = await mkdtemp(join(tmpdir(), "backwright-closed-"));
    await chmod(closed, 0o700);
    const open = join(folder, "open");
    const places = await findPlaces(join(closed, "project"), [join(closed, "base"), open]);
    expect(places.home.startsWith(open)).toBe(true);
    expect(places.account?.uid).toBeGreaterThan(0);
    await rm(closed, { recursive: true });
  });

  // Planted fault: sharedDirectory without requireOwn -> red.
  test("of root are never in a directory that another user made", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const taken = join(folder, "taken");
    await cp(join(installed.directory, "native", "bin"), taken, { recursive: true });
    await chown(taken, 65_534, 65_534);
    const linked = join(folder, "linked");
    await symlink("/etc", linked);
    await expect(findPlaces(join(folder, "project"), [taken, linked])).rejects.toMatchObject({
      message: expect.stringMatching(/taken: .*not a directory of this user alone.*linked/),
      fix: expect.stringContaining("start as an ordinary user"),
    });
  });
});
