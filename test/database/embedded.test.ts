import { appendFile, lstat, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startEmbedded } from "../../src/database/embedded.ts";
import { findPlatformPackage } from "../../src/database/embedded-binaries.ts";
import { openSession } from "../../src/database/session.ts";
import {
  isRoot,
  NEEDS_ROOT,
  postmasterPid,
  projectDirectory,
  query,
  readMarks,
  removeProject,
  startInProcess,
  writeMark,
} from "./embedded-process.ts";

const projects: string[] = [];

async function project(isOtherUser = false): Promise<string> {
  const directory = await projectDirectory(isOtherUser);
  projects.push(directory);
  return directory;
}

afterEach(async () => {
  for (const directory of projects.splice(0)) await removeProject(directory);
});

describe.each([
  ["this user", false],
  ["an ordinary user", true],
])("a project of %s", (_who, isOtherUser) => {
  // Planted fault: initdb at every start -> red (the second start reports progress).
  // Planted fault: as root without spawn's uid -> red ("cannot be run as root").
  test("starts a second time in less than a second, with its data", async ({ skip, annotate }) => {
    skip(isOtherUser && !isRoot, NEEDS_ROOT);
    const directory = await projectDirectory(isOtherUser, "without binaries");
    projects.push(directory);
    const first = startInProcess(directory, isOtherUser);
    const { adminUrl, port, ms: firstMs } = await first.started;
    expect(first.progress.join("\n")).toContain("Creating the PostgreSQL 18 database");
    await writeMark(adminUrl, 7);
    await first.stop();

    const second = startInProcess(directory, isOtherUser);
    const again = await second.started;
    await annotate(`first start ${firstMs.toFixed(0)} ms, second ${again.ms.toFixed(0)} ms`);
    expect(again.ms).toBeLessThan(1_000);
    expect(second.progress).toEqual([]);
    expect(again).toMatchObject({ startedHere: true, port, adminUrl });
    expect(await readMarks(again.adminUrl)).toEqual([7]);
    await second.stop();
    expect(await postmasterPid(again.dataDirectory)).toBeUndefined();
  });

  // Planted fault: mkdir of the socket directory with 0755 and no chmod -> red.
  test("keeps password, data and socket from other users", async ({ skip }) => {
    skip(isOtherUser && !isRoot, NEEDS_ROOT);
    const directory = await project(isOtherUser);
    const child = startInProcess(directory, isOtherUser);
    const { dataDirectory, socketDirectory } = await child.started;
    const mode = async (path: string) => ((await lstat(path)).mode & 0o777).toString(8);
    expect(await mode(join(dataDirectory, "backwright-password"))).toBe("600");
    expect(await mode(dataDirectory)).toBe("700");
    expect(await mode(socketDirectory ?? "")).toBe("700");
    expect((await stat(dataDirectory)).uid).not.toBe(0);
    expect(dataDirectory.startsWith(directory)).toBe(!isRoot || isOtherUser);
    await child.stop();
  });
});

describe("the server", () => {
  test("is set up for development without giving up durability", async () => {
    const server = await startEmbedded({ directory: await project() });
    const [settings] = await query<Record<string, string>>(
      server.adminUrl,
      `select current_setting('fsync') as fsync, current_setting('full_page_writes') as pages,
         current_setting('synchronous_commit') as commit, current_setting('timezone') as zone,
         current_setting('max_connections') as connections,
         current_setting('shared_preload_libraries') as libraries,
         current_setting('listen_addresses') as addresses,
         current_setting('password_encryption') as passwords,
         (select concat_ws(' ', datlocprovider, datlocale, pg_encoding_to_char(encoding))
          from pg_database where datname = 'postgres') as locale`,
    );
    expect(settings).toEqual({
      fsync: "on",
      pages: "on",
      commit: "on",
      zone: "UTC",
      connections: "100",
      libraries: "pg_stat_statements",
      addresses: "127.0.0.1",
      passwords: "scram-sha-256",
      locale: "b C.UTF-8 UTF8",
    });
    await server.stop();
  });

  // Planted fault: initdb with --auth=trust -> red.
  test("lets nobody in without the password, by socket or by TCP", async () => {
    const server = await startEmbedded({ directory: await project() });
    const socket = server.url("postgres", "wrong", "postgres");
    const tcp = `postgres://postgres:wrong@127.0.0.1:${server.port}/postgres?sslmode=disable`;
    await expect(openSession(socket)).rejects.toThrow(/password authentication failed/);
    await expect(openSession(tcp)).rejects.toThrow(/password authentication failed/);
    const right = new URL(server.adminUrl);
    right.search = "?sslmode=disable";
    expect(await query(right.href, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.stop();
  });

  test("gives addresses that reach roles and databases with odd names", async () => {
    const server = await startEmbedded({ directory: await project() });
    await query(server.adminUrl, `create role "we""ird o/wner" login password 'p%20@:/?#'`);
    await query(server.adminUrl, `create database "a""b/c %25;d" owner "we""ird o/wner"`);
    const url = server.url('we"ird o/wner', "p%20@:/?#", 'a"b/c %25;d');
    expect(() => new URL(url)).not.toThrow();
    const names = await query(url, "select current_user as role, current_database() as name");
    expect(names).toEqual([{ role: 'we"ird o/wner', name: 'a"b/c %25;d' }]);
    expect(() => server.url("a", "b", "a?b")).toThrow(/cannot carry the name "a\?b"/);
    await server.stop();
  });

  // Planted fault: the old port taken without a look, and PORT_TRIES_MAX 0 -> red.
  test("takes another port when somebody has its own, and keeps it", async () => {
    const directory = await project();
    const first = await startEmbedded({ directory });
    await first.stop();
    const occupier = createServer().listen(first.port, "127.0.0.1");
    const second = await startEmbedded({ directory });
    expect(second.port).not.toBe(first.port);
    await second.stop();
    occupier.close();
    const third = await startEmbedded({ directory });
    expect(third.port).toBe(second.port);
    await third.stop();
  });

  // Planted fault: stop() that runs pg_ctl again when nothing runs any more -> red.
  test("may be stopped twice, also at once", async () => {
    const server = await startEmbedded({ directory: await project() });
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(await postmasterPid(server.dataDirectory)).toBeUndefined();
  });

  // Planted fault: spawn without detached -> red (the server ends with the terminal's signal).
  test("outlives a Ctrl-C that ends the process which started it", async () => {
    const directory = await project();
    const child = startInProcess(directory);
    const { dataDirectory } = await child.started;
    const pid = await postmasterPid(dataDirectory);
    const ended = new Promise((resolve) => child.child.once("close", resolve));
    process.kill(-(child.child.pid ?? 0), "SIGINT");
    await ended;
    const server = await startEmbedded({ directory });
    expect(server.startedHere).toBe(false);
    expect(await postmasterPid(dataDirectory)).toBe(pid);
    await server.stop();
    expect(await postmasterPid(dataDirectory)).toBeUndefined();
  });

  // Planted fault: an address without sslmode -> red; programs with env: process.env -> red.
  test("takes neither PG variables nor secrets from the terminal", async () => {
    const directory = await project();
    const before = { ...process.env };
    Object.assign(process.env, {
      PGDATA: "/nowhere",
      PGPORT: "1",
      PGSSLMODE: "require",
      SECRET_KEY: "planted",
    });
    try {
      const server = await startEmbedded({ directory });
      if (process.platform === "linux") {
        const pid = await postmasterPid(server.dataDirectory);
        const environment = await readFile(`/proc/${pid}/environ`, "utf8");
        expect(environment).toContain("LC_ALL=C");
        expect(environment).not.toMatch(/planted|nowhere|PGPORT/);
      }
      await server.stop();
    } finally {
      process.env = before;
    }
  });
});

describe("a start is refused with what to do", () => {
  // Planted fault: prepareCluster without the comparison -> red (PostgreSQL's own message).
  test("when another major version made the data, which stays as it is", async () => {
    const directory = await project();
    const server = await startEmbedded({ directory });
    await writeMark(server.adminUrl, 1);
    await server.stop();
    const version = join(server.dataDirectory, "PG_VERSION");
    await writeFile(version, "17\n");
    const refused = startEmbedded({ directory });
    await expect(refused).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringContaining(`${server.dataDirectory} was made by PostgreSQL 17`),
      fix: expect.stringContaining(`mv '${server.dataDirectory}' '${server.dataDirectory}-17'`),
    });
    await writeFile(version, "18\n");
    const again = await startEmbedded({ directory });
    expect(await readMarks(again.adminUrl)).toEqual([1]);
    await again.stop();
  });

  // Planted fault: clusterMajor that ignores other entries -> red (initdb runs over them).
  test("when the data directory holds something else", async () => {
    const directory = await project();
    const server = await startEmbedded({ directory });
    await server.stop();
    await rename(server.dataDirectory, `${server.dataDirectory}-away`);
    await mkdir(server.dataDirectory);
    await writeFile(join(server.dataDirectory, "notes.txt"), "mine");
    await expect(startEmbedded({ directory })).rejects.toThrow(/not a PostgreSQL data directory/);
    expect(await readFile(join(server.dataDirectory, "notes.txt"), "utf8")).toBe("mine");
  });

  // Planted fault: notStarted with the whole log -> red (the earlier start is in it).
  test("when the server does not start: the end of its log, and where the log is", async () => {
    const directory = await project();
    const server = await startEmbedded({ directory });
    await server.stop();
    await appendFile(join(server.dataDirectory, "postgresql.conf"), "\nwork_mem = 'plenty'\n");
    const error = await startEmbedded({ directory }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringMatching(/invalid value for parameter "work_mem": "plenty"/),
      fix: expect.stringMatching(/Log: .*server\.log/),
    });
    expect(String(error)).not.toContain("ready to accept connections");
  });

  test("when npm brought no server for this platform", async () => {
    await expect(findPlatformPackage("sunos", "mips")).rejects.toMatchObject({
      message: expect.stringContaining("no embedded PostgreSQL for sunos on mips"),
      fix: expect.stringMatching(/DATABASE_URL.*DATABASE_OWNER_URL/),
    });
  });
});
