// A first start that is cut off, or that is not alone: the next one still ends with whole demo data
// and keys that work.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type Program, startProgram } from "./program.ts";
import { copyExample, type ProjectCopy } from "./project-copy.ts";

const projects: ProjectCopy[] = [];
const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill("SIGKILL");
  for (const project of projects.splice(0)) await project.remove();
});

async function newProject(): Promise<ProjectCopy> {
  const project = await copyExample();
  projects.push(project);
  return project;
}

function start(project: ProjectCopy): Program {
  const options = { directory: project.directory, environment: { PORT: "0" } };
  const program = startProgram(["dev"], options);
  programs.push(program);
  return program;
}

const addressOf = async (program: Program): Promise<string> =>
  (await program.prints(/serves on (http:\S+)/))[1] ?? "";

/** Eleven keys in three organizations, as many records as the seed writes, none twice. */
async function expectWholeDemo(project: ProjectCopy, url: string): Promise<void> {
  const keys = await project.keys();
  expect(keys.map(({ tenant, role }) => `${tenant} ${role}`)).toHaveLength(11);
  const expected = { "Harbour Facilities": 6, "St. Brigid Hospital": 4, "New York 311": 0 };
  for (const { tenant, role, key } of keys) {
    const headers = { authorization: `Bearer ${key}` };
    const reply = await fetch(`${url}/v1/work-orders?page[size]=100`, { headers });
    expect([tenant, role, reply.status]).toEqual([tenant, role, 200]);
    if (role !== "manager") continue;
    const { data } = (await reply.json()) as { data: unknown[] };
    expect([tenant, data.length]).toEqual([tenant, expected[tenant as keyof typeof expected]]);
  }
}

// Planted fault: seedOnce that takes any tenant for a whole seed -> red: data without keys.
test("kill -9 at any moment is made good", { timeout: 90_000 }, async () => {
  const project = await newProject();
  const kills = [
    [/Creating the PostgreSQL/, 0],
    [/Applied 0001/, 0],
    [/Writing demo data/, 0],
    [/Writing demo data/, 60],
  ] as const;
  for (const [step, ms] of kills) {
    const program = start(project);
    await program.prints(step);
    await sleep(ms);
    await program.kill("SIGKILL");
  }
  await expectWholeDemo(project, await addressOf(start(project)));
});

// Planted fault: seedOnce without a lock -> red: six organizations, and keys of three.
test("two at once write the demo data once and share it", { timeout: 60_000 }, async () => {
  const project = await newProject();
  const both = [start(project), start(project)];
  const urls = await Promise.all(both.map(addressOf));
  const banners = await Promise.all(
    both.map(async (program) => {
      await program.prints(/Ctrl-C stops/);
      return program
        .stdout()
        .match(/bw_\S+/g)
        ?.sort()
        .join();
    }),
  );
  expect(new Set(banners).size).toBe(1);
  for (const url of urls) await expectWholeDemo(project, url);
});

// Ctrl-C reaches the whole process group, so also what prepares the database for us.
// Planted fault: untilStopped that throws whatever start() threw -> red, "could not create".
test("Ctrl-C ends it in good order, whenever it comes", { timeout: 90_000 }, async () => {
  const project = await newProject();
  for (const step of [/Creating the PostgreSQL/, /Applied 0001|serves on/]) {
    const program = start(project);
    await program.prints(step);
    program.interrupt();
    const { code, stderr } = await program.ended;
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
    expect(await project.postmaster()).toBeUndefined();
  }
  await expectWholeDemo(project, await addressOf(start(project)));
});

test("Ctrl-C twice ends it at once, whenever it comes", { timeout: 90_000 }, async () => {
  const project = await newProject();
  for (const ms of [0, 200]) {
    const program = start(project);
    await program.prints(/Creating the PostgreSQL|serves on/);
    await sleep(ms);
    program.interrupt();
    await sleep(30); // Two signals that wait together are one.
    if (!program.hasEnded()) program.interrupt();
    const { code, stderr } = await program.ended;
    expect([code, stderr]).toEqual([
      expect.toBeOneOf([0, 130]),
      expect.not.stringContaining("error"),
    ]);
  }
  await expectWholeDemo(project, await addressOf(start(project)));
});
