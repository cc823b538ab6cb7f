// A CPU profile of a contestant under load: self time by function, in microseconds for each
// request, over the time of the load alone.
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadGenerator } from "../load/load.ts";
import { type ContestantName, type StartOptions, startContestant } from "./processes.ts";
import { CONNECTIONS } from "./rounds.ts";
import type { Scenario } from "./scenarios.ts";

const ROOT = join(import.meta.dirname, "../..");
const FUNCTIONS_SHOWN = 45;
const FILES_SHOWN = 25;
const WARM_UP_SECONDS = 4;

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  /** Microseconds of the monotonic clock, which all processes of a machine share. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface ProfileOptions {
  readonly name: ContestantName;
  readonly scenario: Scenario;
  readonly seconds: number;
  readonly generator: LoadGenerator;
  readonly start: StartOptions;
}

/** Runs the load and returns tables of text. The profile stays in the folder of the run. */
export async function profileScenario(options: ProfileOptions): Promise<string> {
  const { name, scenario, seconds, generator, start } = options;
  const folder = mkdtempSync(join(start.folder, `profile-${name}-${scenario.name}-`));
  const nodeArguments = ["--cpu-prof", `--cpu-prof-dir=${folder}`, "--cpu-prof-interval=250"];
  const contestant = await startContestant(name, { ...start, nodeArguments });
  const load = { port: contestant.port, connections: CONNECTIONS, rampSeconds: 0 };
  await generator.use(scenario.requests);
  await generator.run({ ...load, seconds: WARM_UP_SECONDS });
  const from = Number(process.hrtime.bigint() / 1_000n);
  const report = await generator.run({ ...load, seconds });
  const to = Number(process.hrtime.bigint() / 1_000n);
  await contestant.stop();
  const [file] = readdirSync(folder).filter((entry) => entry.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error(`${name} left no profile in ${folder}.`);
  const path = join(folder, file);
  const profile = JSON.parse(readFileSync(path, "utf8")) as CpuProfile;
  const times = selfTimes(profile, from, to);
  const head =
    `${name} (${scenario.name}): ${Math.round(report.answers / seconds)} requests/s with the ` +
    `profiler on; microseconds for each request; ${path}`;
  return [
    head,
    rows(grouped(times, ({ place }) => place.replace(/:\d+$/, "")), report.answers, FILES_SHOWN),
    rows(grouped(times, ({ name, place }) => `${name}  ${place}`), report.answers, FUNCTIONS_SHOWN),
  ].join("\n\n");
}

interface SelfTime {
  readonly name: string;
  readonly place: string;
  readonly micros: number;
}

function selfTimes(profile: CpuProfile, from: number, to: number): readonly SelfTime[] {
  const micros = new Map<number, number>();
  let at = profile.startTime;
  profile.samples.forEach((id, index) => {
    const delta = profile.timeDeltas[index] ?? 0;
    at += delta;
    if (at >= from && at <= to) micros.set(id, (micros.get(id) ?? 0) + delta);
  });
  return profile.nodes.map(({ id, callFrame }) => ({
    name: callFrame.functionName === "" ? "(anonymous)" : callFrame.functionName,
    place: placeOf(callFrame.url, callFrame.lineNumber + 1),
    micros: micros.get(id) ?? 0,
  }));
}

function placeOf(url: string, line: number): string {
  if (url === "") return "V8";
  if (!url.startsWith("file:")) return `${url}:${line}`;
  return `${relative(ROOT, fileURLToPath(url)).replace(/^node_modules\//, "")}:${line}`;
}

function grouped(
  times: readonly SelfTime[],
  name: (time: SelfTime) => string,
): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const time of times) sums.set(name(time), (sums.get(name(time)) ?? 0) + time.micros);
  return [...sums].sort((a, b) => b[1] - a[1]);
}

function rows(
  sums: readonly (readonly [string, number])[],
  requests: number,
  shown: number,
): string {
  return sums
    .slice(0, shown)
    .map(([name, micros]) => `${(micros / requests).toFixed(2).padStart(8)}  ${name}`)
    .join("\n");
}
