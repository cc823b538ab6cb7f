// Whatever is killed, and whenever: the next start works, and what was committed is there.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { startEmbedded } from "../../src/database/embedded.ts";
import { processStart } from "../../src/database/embedded-holder.ts";
import { openSession } from "../../src/database/session.ts";
import {
  isRoot,
  killPostmaster,
  NEEDS_ROOT,
  postmasterPid,
  projectDirectory,
  readMarks,
  removeProject,
  startInProcess,
  writeMark,
} from "./embedded-process.ts";

const IS_LINUX = process.platform === "linux";
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
])("for %s, after kill -9", (_who, isOtherUser) => {
  // Planted fault: leases without the process start (every lease counts as living) -> red, the
  // last stop leaves the server running. Planted fault: ensurePostmaster always launches -> red.
  test("of the process, the next one attaches and its stop ends the server", async ({ skip }) => {
    skip(isOtherUser && !isRoot, NEEDS_ROOT);
    const directory = await project(isOtherUser);
    const first = startInProcess(directory, isOtherUser);
    const { adminUrl, dataDirectory } = await first.started;
    await writeMark(adminUrl, 1);
    await first.kill("SIGKILL");
    expect(await postmasterPid(dataDirectory)).toBeDefined();

    const second = startInProcess(directory, isOtherUser);
    expect(await second.started).toMatchObject({ startedHere: false, adminUrl });
    expect(await readMarks(adminUrl)).toEqual([1]);
    await second.stop();
    expect(await postmasterPid(dataDirectory)).toBeUndefined();
  });

  // Planted fault: no retry after "pre-existing shared memory block" -> red.
  test("of the server and of the process, data is there", async ({ skip }) => {
    skip(isOtherUser && !isRoot, NEEDS_ROOT);
    const directory = await project(isOtherUser);
    for (let round = 1; round <= 3; round += 1) {
      const child = startInProcess(directory, isOtherUser);
      const { adminUrl, dataDirectory, startedHere } = await child.started;
      expect(startedHere).toBe(true);
      await writeMark(adminUrl, round);
      await Promise.all([killPostmaster(dataDirectory), child.kill("SIGKILL")]);
    }
    const last = startInProcess(directory, isOtherUser);
    expect(await readMarks((await last.started).adminUrl)).toEqual([1, 2, 3]);
    await last.stop();
  });
});

describe("after kill -9", () => {
  test("of the server alone, it can be started while its process lives", async () => {
    const directory = await project();
    const first = await startEmbedded({ directory });
    await writeMark(first.adminUrl, 1);
    await killPostmaster(first.dataDirectory);
    const second = await startEmbedded({ directory });
    expect(second).toMatchObject({ startedHere: true, adminUrl: first.adminUrl });
    expect(await readMarks(second.adminUrl)).toEqual([1]);
    await second.stop();
    expect(await postmasterPid(first.dataDirectory)).toBeDefined();
    await first.stop();
    expect(await postmasterPid(first.dataDirectory)).toBeUndefined();
  });

  // Planted fault: no endOrphans -> red (the orphan computes for a minute and keeps the memory).
  test("of the server, a backend that still computes does not block", async ({ skip }) => {
    skip(!IS_LINUX, "finds orphans by /proc");
    const directory = await project();
    const server = await startEmbedded({ directory });
    const busy = await openSession(server.adminUrl);
    const [backend] = await busy.query<{ pid: number }>("select pg_backend_pid() as pid");
    const computing = busy.query("select count(*) from generate_series(1, 3000000000)");
    computing.catch(() => undefined);
    await sleep(100);
    await killPostmaster(server.dataDirectory);
    const again = await startEmbedded({ directory });
    expect(again.startedHere).toBe(true);
    expect(processStart(backend?.pid ?? 0)).toBeUndefined();
    await busy.close();
    await again.stop();
    await server.stop();
  });

  // Planted fault: prepareCluster makes the cluster in its final place -> red in most rounds
  // (initdb finds a folder that is not empty).
  test("of the process at any moment of its first start and stop", async () => {
    const directory = await project();
    for (let round = 0; round < 12; round += 1) {
      const child = startInProcess(directory);
      await Promise.race([child.progressed(/Creating/), child.started]);
      if (round >= 8) {
        await child.started;
        child.child.stdin?.write("stop\n");
        await sleep((round - 8) * 5);
      } else {
        await sleep(round * 60);
      }
      await child.kill("SIGKILL");
    }
    const begin = performance.now();
    const server = await startEmbedded({ directory });
    expect(performance.now() - begin).toBeLessThan(10_000);
    await writeMark(server.adminUrl, 1);
    await server.stop();
    expect(await postmasterPid(server.dataDirectory)).toBeUndefined();
    const leftovers = (await readdir(join(server.dataDirectory, ".."))).sort();
    expect(leftovers.filter((name) => name.includes("-init-") || name.includes("lock"))).toEqual(
      [],
    );
  });
});

describe("a stale postmaster.pid", () => {
  async function staleServer() {
    const directory = await project();
    const server = await startEmbedded({ directory });
    await writeMark(server.adminUrl, 1);
    const path = join(server.dataDirectory, "postmaster.pid");
    const lines = (await readFile(path, "utf8")).split("\n");
    await killPostmaster(server.dataDirectory);
    await server.stop();
    return { directory, server, path, lines };
  }

  async function startsWith(
    stale: Awaited<ReturnType<typeof staleServer>>,
    content: string,
  ): Promise<void> {
    await sleep(200);
    await writeFile(stale.path, content);
    const { socketDirectory } = stale.server;
    if (socketDirectory !== undefined) {
      await writeFile(join(socketDirectory, `.s.PGSQL.${stale.server.port}.lock`), content);
    }
    const again = await startEmbedded({ directory: stale.directory });
    expect(again).toMatchObject({ startedHere: true, port: stale.server.port });
    expect(await readMarks(again.adminUrl)).toEqual([1]);
    await again.stop();
  }

  // Planted fault: clearWay does nothing -> red in all three.
  test("whose pid another program of the same account has got does not block", async ({
    onTestFinished,
  }) => {
    const stale = await staleServer();
    const account = await accountOf(stale.server.dataDirectory);
    const stranger = spawn("sleep", ["60"], { ...account, stdio: "ignore" });
    onTestFinished(() => {
      stranger.kill();
    });
    await startsWith(stale, [stranger.pid, ...stale.lines.slice(1)].join("\n"));
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
  });

  test("whose pid is a zombie does not block", async ({ skip, onTestFinished }) => {
    skip(!IS_LINUX, "reads the state of a process from /proc");
    const stale = await staleServer();
    // The shell becomes `sleep`, which never waits for the child that the shell had.
    const account = await accountOf(stale.server.dataDirectory);
    const parent = spawn("sh", ["-c", "sleep 1 & echo $!; exec sleep 60"], {
      ...account,
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => {
      parent.kill();
    });
    const [output] = await once(parent.stdout, "data");
    const zombie = Number(String(output));
    while (processStart(zombie) !== undefined) await sleep(10);
    await startsWith(stale, [zombie, ...stale.lines.slice(1)].join("\n"));
    expect(() => process.kill(zombie, 0)).not.toThrow();
  });

  test("that a power cut left empty does not block", async () => {
    await startsWith(await staleServer(), "");
  });

  async function accountOf(data: string): Promise<{ uid?: number; gid?: number }> {
    const { uid, gid } = await stat(data);
    return isRoot ? { uid, gid } : {};
  }
});

// Planted fault: isHolderAlive compares pids only -> red.
test("a lease whose pid another program has got does not keep the server running", async () => {
  const directory = await project();
  const server = await startEmbedded({ directory });
  const leases = join(server.dataDirectory, "..", "postgres-run", "leases");
  await writeFile(join(leases, `${process.pid}.00000000-1.0a1b2c3d`), "");
  await server.stop();
  expect(await postmasterPid(server.dataDirectory)).toBeUndefined();
  expect(await readdir(leases)).toEqual([]);
});
