// The measurement: rounds in which every contestant has one turn under the same load, in an order
// that alternates, so that what drifts on the machine meets all of them.
import type { LoadGenerator, LoadReport } from "../load/load.ts";
import {
  type Contestant,
  type ContestantName,
  machineCpuSeconds,
  memoryMegabytes,
  processCpuSeconds,
  serverCpuSeconds,
} from "./processes.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";

export const CONNECTIONS = 32;
const RAMP_SECONDS = 0.5;

export interface Turn extends LoadReport {
  readonly scenario: ScenarioName;
  /** From 1. */
  readonly round: number;
  readonly contestant: ContestantName;
  readonly requestsPerSecond: number;
  /** Microseconds of CPU for each request, user and system. */
  readonly processMicros: number;
  readonly postgresMicros: number;
  /** Cores that others on the machine used meanwhile: a turn with much of it measures them too. */
  readonly foreignCores: number;
  readonly memoryMegabytes: number;
}

export interface RoundOptions {
  readonly generator: LoadGenerator;
  readonly contestants: readonly Contestant[];
  readonly serverPid: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly onTurn: (turn: Turn) => void;
}

export async function runScenario(
  scenario: Scenario,
  options: RoundOptions,
): Promise<readonly Turn[]> {
  const { generator, rounds, seconds, warmUpSeconds } = options;
  const contestants = options.contestants.filter(
    ({ name }) => scenario.isOwn !== true || name === "backwright",
  );
  await generator.use(scenario.requests);
  for (const contestant of contestants) await runTurn(contestant, warmUpSeconds, options);
  const turns: Turn[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const order = round % 2 === 1 ? contestants : contestants.toReversed();
    for (const contestant of order) {
      const measured = await runTurn(contestant, seconds, options);
      const turn = { scenario: scenario.name, round, contestant: contestant.name, ...measured };
      turns.push(turn);
      options.onTurn(turn);
    }
  }
  return turns;
}

async function runTurn(
  { port, pid }: Contestant,
  seconds: number,
  { generator, serverPid }: RoundOptions,
): Promise<Omit<Turn, "scenario" | "round" | "contestant">> {
  const read = () => ({
    process: processCpuSeconds(pid),
    postgres: serverCpuSeconds(serverPid),
    machine: machineCpuSeconds(),
    at: performance.now(),
  });
  const before = read();
  const order = { port, connections: CONNECTIONS, rampSeconds: RAMP_SECONDS, seconds };
  const report = await generator.run(order);
  const after = read();
  const used = after.process - before.process;
  const postgres = after.postgres - before.postgres;
  const generated = (report.generatorMicrosPerRequest * report.answers) / 1e6;
  const foreign = after.machine - before.machine - used - postgres - generated;
  const perRequest = (cpuSeconds: number): number => (cpuSeconds * 1e6) / report.answers;
  return {
    ...report,
    requestsPerSecond: report.requests / report.seconds,
    processMicros: perRequest(used),
    postgresMicros: perRequest(postgres),
    foreignCores: Math.max(0, foreign) / ((after.at - before.at) / 1_000),
    memoryMegabytes: memoryMegabytes(pid).now,
  };
}
