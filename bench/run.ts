// The benchmark: Backwright beside hand-written backends on one PostgreSQL. Prints what it measures
// and writes bench/results/<date>-<commit>.{json,md}. README.md says how to read them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crossCheck } from "./harness/cross-check.ts";
import { type BenchDatabase, createKeys, openBenchDatabase } from "./harness/database.ts";
import { checkEquality } from "./harness/equality.ts";
import { describeMachine } from "./harness/machine.ts";
import { HELP, type Options, readOptions } from "./harness/options.ts";
import { generatePrismaClient } from "./harness/prisma-client.ts";
import { type Contestant, type StartOptions, startContestant } from "./harness/processes.ts";
import { profileScenario } from "./harness/profile.ts";
import { renderReport, writeReport } from "./harness/report.ts";
import { runScenario, type Turn } from "./harness/rounds.ts";
import { prepareScenarios, type Scenario } from "./harness/scenarios.ts";
import { measureStarts } from "./harness/startup.ts";
import { LoadGenerator } from "./load/load.ts";

const RESULTS = join(import.meta.dirname, "results");
const progress = (line: string): void => console.error(line);

interface Bench {
  readonly options: Options;
  readonly database: BenchDatabase;
  readonly generator: LoadGenerator;
  readonly scenarios: readonly Scenario[];
  readonly start: StartOptions;
}

async function main(options: Options): Promise<void> {
  const machine = describeMachine();
  if (options.contestants.includes("express-prisma")) generatePrismaClient();
  const database = await openBenchDatabase(options.fresh, progress);
  const folder = mkdtempSync(join(tmpdir(), "backwright-bench-"));
  const generator = new LoadGenerator();
  try {
    const organizations = await createKeys(database);
    const all = await prepareScenarios(database, organizations);
    const scenarios = all.filter(({ name }) => options.scenarios.includes(name));
    const bench: Bench = { options, database, generator, scenarios, start: { database, folder } };
    if (options.profile) return await profile(bench);
    if (options.crossCheck) {
      await compareGenerators(bench);
      return rmSync(folder, { recursive: true, force: true });
    }
    const [organization] = organizations;
    const starts =
      organization === undefined || !options.contestants.includes("backwright")
        ? []
        : await measureStarts(bench.start, organization);
    const turns = await measure(bench);
    const postgres = database.settings;
    const { rounds, seconds, warmUpSeconds, quick } = options;
    const shown = { rounds, seconds, warmUpSeconds };
    const run = { machine, postgres, options: shown, scenarios, turns, starts };
    console.log(renderReport(run));
    if (!quick) progress(`Written to ${writeReport(run, RESULTS)}`);
    rmSync(folder, { recursive: true, force: true });
  } finally {
    generator.close();
    await database.close();
  }
}

async function measure(bench: Bench): Promise<readonly Turn[]> {
  const { options, database, generator, scenarios, start } = bench;
  const contestants: Contestant[] = [];
  try {
    for (const name of options.contestants) contestants.push(await startContestant(name, start));
    progress("Comparing replies…");
    await checkEquality(contestants, scenarios);
    const turns: Turn[] = [];
    for (const scenario of scenarios) {
      await database.checkpoint();
      const { rounds, seconds, warmUpSeconds } = options;
      const { serverPid } = database;
      const onTurn = (turn: Turn): void => progress(turnLine(turn));
      const round = { generator, contestants, serverPid, rounds, seconds, warmUpSeconds, onTurn };
      turns.push(...(await runScenario(scenario, round)));
    }
    return turns;
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.stop()));
  }
}

function turnLine(turn: Turn): string {
  const { scenario, round, contestant, requestsPerSecond, p95, processMicros } = turn;
  return (
    `(${scenario}) round ${round}  ${contestant.padEnd(16)}` +
    `${requestsPerSecond.toFixed(0).padStart(7)}/s  p95 ${p95.toFixed(1).padStart(6)} ms  ` +
    `process ${processMicros.toFixed(0).padStart(4)} µs  ` +
    `PostgreSQL ${turn.postgresMicros.toFixed(0).padStart(4)} µs  ` +
    `others ${turn.foreignCores.toFixed(1)} cores`
  );
}

async function profile({ options, generator, scenarios, start }: Bench): Promise<void> {
  const { seconds } = options;
  for (const name of options.contestants) {
    for (const scenario of scenarios) {
      console.log(`${await profileScenario({ name, scenario, seconds, generator, start })}\n`);
    }
  }
}

async function compareGenerators({ options, generator, scenarios, start }: Bench): Promise<void> {
  const [request] = scenarios.find(({ name }) => name === "a")?.requests ?? [];
  if (request === undefined) throw new Error("The comparison needs scenario a.");
  for (const name of options.contestants) {
    const contestant = await startContestant(name, start);
    const lines = await crossCheck(contestant, request, options.seconds, generator);
    console.log(lines.join("\n"));
    await contestant.stop();
  }
}

const options = readOptions(process.argv.slice(2));
if (options === undefined) console.log(HELP);
else await main(options);
