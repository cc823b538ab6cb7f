// The programs of docs/how-to/mount.md, run as they stand there: each starts, answers, and ends on
// Ctrl-C with the embedded PostgreSQL stopped.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { blocksOf } from "../../scripts/markdown.ts";
import { readRepositoryFile } from "../../scripts/repository-files.ts";
import { COMPILE_CACHE } from "../cli/compile-cache.ts";
import { copyExample, type ProjectCopy } from "../cli/project-copy.ts";

const programs = blocksOf(readRepositoryFile("docs/how-to/mount.md")).filter(
  ({ language }) => language === "ts",
);

let project: ProjectCopy;
let child: ChildProcess | undefined;
beforeAll(async () => {
  project = await copyExample();
});
afterEach(() => child?.kill("SIGKILL"));
afterAll(() => project?.remove());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Asks until the program listens. */
async function answer(url: string, headers: Record<string, string>): Promise<Response> {
  for (;;) {
    const reply = await fetch(url, { headers }).catch(() => undefined);
    if (reply !== undefined) return reply;
    if (child?.exitCode !== null) throw new Error(`ended with ${child?.exitCode}`);
    await sleep(50);
  }
}

test("the page shows a program for each kind of host", () => {
  const titles = programs.map(({ title }) => title);
  expect(titles).toEqual(["server.ts", "fastify-server.ts", "node-server.ts"]);
});

// Planted: `api.close()` left out of the program for Express -> red, it goes on.
test.each(programs.map(({ title = "", code }) => [title, code] as const))(
  "%s starts, answers, and ends on Ctrl-C with nothing left running",
  { timeout: 120_000 },
  async (title, code) => {
    const port = await freePort();
    await writeFile(join(project.directory, title), code.replaceAll("3000", String(port)));
    const { PATH, HOME, TMPDIR, USER } = process.env;
    child = spawn(process.execPath, ["--conditions=backwright-source", title], {
      cwd: project.directory,
      env: { PATH, HOME, TMPDIR, USER, NODE_COMPILE_CACHE: COMPILE_CACHE, NODE_ENV: "development" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = once(child, "exit");
    const url = `http://127.0.0.1:${port}/api/v1/work-orders`;
    expect((await answer(url, {})).status).toBe(401);
    const [{ key = "" } = {}] = await project.keys();
    const reply = await answer(url, { authorization: `Bearer ${key}` });
    expect([reply.status, Object.keys((await reply.json()) as object)]).toEqual([
      200,
      ["data", "meta"],
    ]);
    expect(await project.postmaster()).toBeTypeOf("number");
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
    expect(await project.postmaster()).toBeUndefined();
  },
);
