// Several processes and one server: one start, one lock, and the last one that stops ends it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { discardEmbedded, startEmbedded } from "../../src/database/embedded.ts";
import {
  isRoot,
  NEEDS_ROOT,
  postmasterPid,
  projectDirectory,
  query,
  removeProject,
  startInProcess,
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

// Planted fault: stop() that does not count leases -> red.
test("two processes share one server, and the last one to stop ends it", async () => {
  const directory = await project();
  const first = startInProcess(directory);
  const { adminUrl, dataDirectory } = await first.started;
  const second = startInProcess(directory);
  expect(await second.started).toMatchObject({ startedHere: false, adminUrl });
  await first.stop();
  expect(await query(adminUrl, "select 1 as one")).toEqual([{ one: 1 }]);
  await second.stop();
  expect(await postmasterPid(dataDirectory)).toBeUndefined();
});

describe.each([
  ["this user", false],
  ["an ordinary user", true],
])("for %s", (_who, isOtherUser) => {
  // Planted fault: startEmbedded without withLock -> red (several create the cluster).
  test("processes that start for the first time together get one server", async ({ skip }) => {
    skip(isOtherUser && !isRoot, NEEDS_ROOT);
    const directory = await project(isOtherUser);
    const children = [1, 2, 3].map(() => startInProcess(directory, isOtherUser));
    const servers = await Promise.all(children.map((child) => child.started));
    expect(servers.filter((server) => server.startedHere)).toHaveLength(1);
    expect(new Set(servers.map((server) => server.adminUrl)).size).toBe(1);
    const { adminUrl, dataDirectory } = servers[0] ?? { adminUrl: "", dataDirectory: "" };
    expect(await query(adminUrl, "select 1 as one")).toEqual([{ one: 1 }]);
    await Promise.all(children.map((child) => child.stop()));
    expect(await postmasterPid(dataDirectory)).toBeUndefined();
  });
});

test("starts and stops in one process may overlap in any order", async () => {
  const directory = await project();
  const keeper = await startEmbedded({ directory });
  await keeper.stop();
  const uses = [0, 5, 10, 15, 20, 25, 30, 35].map(async (waitMs) => {
    await sleep(waitMs);
    const server = await startEmbedded({ directory });
    const rows = await query(server.adminUrl, "select 1 as one");
    await server.stop();
    return rows;
  });
  expect(await Promise.all(uses)).toEqual(uses.map(() => [{ one: 1 }]));
  expect(await postmasterPid(keeper.dataDirectory)).toBeUndefined();
});

// Planted fault: discardEmbedded without countLeases -> red.
test("a server in use is not discarded; afterwards nothing of it is left", async () => {
  const directory = await project();
  const server = await startEmbedded({ directory });
  await expect(discardEmbedded(directory)).rejects.toThrow(/is in use/);
  await server.stop();
  await discardEmbedded(directory);
  const again = await startEmbedded({ directory });
  expect(again.adminUrl).not.toBe(server.adminUrl);
  await again.stop();
});

describe("the lock", () => {
  // A process that takes the lock again and again. Inside it creates a mark exclusively and removes
  // it; a mark that is already there belongs to a process that was killed inside, or is a breach.
  const WORKER = `
    const [module, folder, holdMs] = process.argv.slice(1);
    const { withLock, processStart } = await import(module);
    const { appendFileSync, readFileSync, rmSync, writeFileSync } = await import("node:fs");
    const mark = folder + "/mark";
    const log = (word) => appendFileSync(folder + "/log", word + " " + process.pid + "\\n");
    process.on("uncaughtException", () => log("breach"));
    for (;;) {
      await withLock(folder + "/lock", () => {}, async () => {
        try {
          writeFileSync(mark, String(process.pid), { flag: "wx" });
        } catch {
          const owner = Number(readFileSync(mark, "utf8"));
          log(owner !== 0 && processStart(owner) !== undefined ? "breach" : "takeover");
          writeFileSync(mark, String(process.pid));
        }
        log("holds");
        await new Promise((resolve) => setTimeout(resolve, Math.random() * Number(holdMs)));
        rmSync(mark);
      });
    }`;
  const BRIEF_MS = 3;
  const FOREVER_MS = 1e9;

  // Planted fault: a takeover that removes the lock's folder with rm -r, not the dead holder's file
  // by its name -> red (breaches). Planted fault: every holder counts as living -> red (nobody
  // holds it any more).
  test("lets one process in at a time, and outlives holders that are killed", async ({
    onTestFinished,
  }) => {
    const folder = await mkdtemp(join(tmpdir(), "backwright-lock-"));
    const module = new URL("../../src/database/embedded-holder.ts", import.meta.url).href;
    const workers: ChildProcess[] = [];
    const start = (holdMs: number) => {
      const program = ["--input-type=module", "--eval", WORKER, module, folder, String(holdMs)];
      const worker = spawn(process.execPath, program, { stdio: "ignore" });
      workers.push(worker);
      return worker;
    };
    onTestFinished(async () => {
      for (const worker of workers) worker.kill("SIGKILL");
      await sleep(100);
      await rm(folder, { recursive: true, force: true });
    });
    const countOf = async (entry: string) => {
      const log = await readFile(join(folder, "log"), "utf8").catch(() => "");
      return log.split("\n").filter((line) => line.startsWith(entry)).length;
    };
    const holds = async (worker: ChildProcess, count: number) => {
      while ((await countOf(`holds ${worker.pid}`)) < count) await sleep(2);
    };
    const lasting = [start(BRIEF_MS), start(BRIEF_MS)];
    for (let round = 0; round < 10; round += 1) {
      const victim = start(round % 2 === 0 ? FOREVER_MS : BRIEF_MS);
      const closed = once(victim, "close");
      await holds(victim, 1);
      await sleep(round);
      victim.kill("SIGKILL");
      await closed;
    }
    for (const worker of lasting) {
      await holds(worker, 1 + (await countOf(`holds ${worker.pid}`)));
    }
    expect(await countOf("takeover")).toBeGreaterThanOrEqual(5);
    expect(await countOf("breach")).toBe(0);
  });
});
