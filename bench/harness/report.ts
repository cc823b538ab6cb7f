// Turns and starts become a JSON document and a page of Markdown beside it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lowerQuartile, median, quantile, round } from "./figures.ts";
import type { Machine } from "./machine.ts";
import type { ContestantName } from "./processes.ts";
import { CONNECTIONS, type Turn } from "./rounds.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";

const PRODUCT = "backwright";

/** What issue and design ask for: the least ratio to a contestant. */
const TARGETS: readonly {
  readonly scenario: ScenarioName;
  readonly against: ContestantName;
  readonly least: number;
}[] = [
  { scenario: "a", against: "drizzle-fastify", least: 0.8 },
  { scenario: "b", against: "drizzle-fastify", least: 1 },
  { scenario: "c", against: "drizzle-fastify", least: 0.7 },
  { scenario: "c", against: "by-hand", least: 2 },
];
const TO_MANY_COST_MAX = 2;
const P95_MS_MAX = 100;
const START_MS_MAX = 2_000;

export interface Run {
  readonly machine: Machine;
  readonly postgres: Readonly<Record<string, string>>;
  readonly options: {
    readonly rounds: number;
    readonly seconds: number;
    readonly warmUpSeconds: number;
  };
  readonly scenarios: readonly Scenario[];
  readonly turns: readonly Turn[];
  /** Milliseconds; empty when starts were not measured. */
  readonly starts: readonly number[];
}

export interface Ratio {
  readonly scenario: ScenarioName;
  readonly against: ContestantName;
  readonly lowerQuartile: number;
  readonly median: number;
  /** One for each round: requests per second of Backwright by those of the other. */
  readonly rounds: readonly number[];
  /** CPU of the other by ours for each request, PostgreSQL's included. */
  readonly cpu: number;
}

const cpuMicros = (turn: Turn): number => turn.processMicros + turn.postgresMicros;

/** Of every other contestant, in each round that both took part in. */
export function ratios(turns: readonly Turn[]): readonly Ratio[] {
  const found: Ratio[] = [];
  for (const scenario of new Set(turns.map((turn) => turn.scenario))) {
    const here = turns.filter((turn) => turn.scenario === scenario);
    const ours = here.filter((turn) => turn.contestant === PRODUCT);
    for (const against of new Set(here.map((turn) => turn.contestant))) {
      if (against === PRODUCT || ours.length === 0) continue;
      const rounds = ours.flatMap((our) => {
        const other = here.find((one) => one.contestant === against && one.round === our.round);
        return other === undefined ? [] : [our.requestsPerSecond / other.requestsPerSecond];
      });
      const others = here.filter((turn) => turn.contestant === against);
      found.push({
        cpu: round(median(others.map(cpuMicros)) / median(ours.map(cpuMicros)), 3),
        scenario,
        against,
        lowerQuartile: round(lowerQuartile(rounds), 3),
        median: round(median(rounds), 3),
        rounds: rounds.map((value) => round(value, 3)),
      });
    }
  }
  return found;
}

/** How much more of a CPU a request of one scenario takes than one of another. */
function costRatio(
  turns: readonly Turn[],
  scenario: ScenarioName,
  than: ScenarioName,
): number | undefined {
  const of = (name: ScenarioName): readonly number[] =>
    turns.filter((one) => one.scenario === name && one.contestant === PRODUCT).map(cpuMicros);
  if (of(scenario).length === 0 || of(than).length === 0) return undefined;
  return median(of(scenario)) / median(of(than));
}

/** Writes both files and returns the path of the page. */
export function writeReport(run: Run, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const { date, commit } = run.machine;
  const path = join(folder, `${date.slice(0, 10)}-${commit}`);
  const titles = run.scenarios.map(({ name, title }) => ({ name, title }));
  const document = { ...run, scenarios: titles, ratios: ratios(run.turns) };
  writeFileSync(`${path}.json`, `${JSON.stringify(document, null, 1)}\n`);
  writeFileSync(`${path}.md`, renderReport(run));
  return `${path}.md`;
}

export function renderReport(run: Run): string {
  const sections = run.scenarios.map((scenario) => scenarioSection(scenario, run));
  return [...heading(run), targetTable(run), ...sections, settingsSection(run), ""].join("\n");
}

function heading({ machine, options, starts }: Run): string[] {
  const dirty = machine.changed ? ", with changes that are not committed" : "";
  const lines = [
    `# Benchmark of ${machine.date.slice(0, 10)}`,
    "",
    `Commit ${machine.commit}${dirty}. ${machine.cores} × ${machine.processor}, ` +
      `${machine.memoryGigabytes} GB, ${machine.kernel}, Node ${machine.node.slice(1)}. ` +
      `${CONNECTIONS} connections, ${options.rounds} rounds of ${options.seconds} s after ` +
      `${options.warmUpSeconds} s of warm-up.`,
    "",
  ];
  if (starts.length > 0) {
    const each = starts.map((time) => Math.round(time)).join(", ");
    lines.push(
      `First reply after start: **${Math.round(median(starts))} ms** (median of ${each}; ` +
        `target below ${START_MS_MAX} ms).`,
      "",
    );
  }
  return lines;
}

function targetTable(run: Run): string {
  const known = ratios(run.turns);
  const rows = TARGETS.flatMap(({ scenario, against, least }) => {
    const ratio = known.find((one) => one.scenario === scenario && one.against === against);
    if (ratio === undefined) return [];
    const met = ratio.lowerQuartile >= least ? "met" : "missed";
    const value = ratio.lowerQuartile.toFixed(2);
    return [`| (${scenario}) against ${against} | ≥ ${least} | **${value}** | ${met} |`];
  });
  for (const { name } of run.scenarios) {
    const ours = run.turns.filter((one) => one.scenario === name && one.contestant === PRODUCT);
    if (ours.length === 0) continue;
    const p95 = median(ours.map((turn) => turn.p95));
    const met = p95 < P95_MS_MAX ? "met" : "missed";
    rows.push(`| (${name}) p95 | < ${P95_MS_MAX} ms | **${p95.toFixed(1)} ms** | ${met} |`);
  }
  const toMany = costRatio(run.turns, "e", "d");
  if (toMany !== undefined) {
    const met = toMany <= TO_MANY_COST_MAX ? "met" : "missed";
    const value = toMany.toFixed(2);
    rows.push(`| CPU of (e) by that of (d) | ≤ ${TO_MANY_COST_MAX} | **${value}** | ${met} |`);
  }
  return table("| target | asked | measured | |\n|---|---|---|---|", rows);
}

function table(head: string, rows: readonly string[]): string {
  return `${[head, ...rows].join("\n")}\n`;
}

function scenarioSection({ name, title }: Scenario, { turns }: Run): string {
  const here = turns.filter((turn) => turn.scenario === name);
  const rows = [...new Set(here.map((turn) => turn.contestant))].map((contestant) => {
    const own = here.filter((turn) => turn.contestant === contestant);
    const middle = (read: (turn: Turn) => number, decimals = 0): string =>
      median(own.map(read)).toFixed(decimals);
    const cells = [
      contestant,
      middle((turn) => turn.requestsPerSecond),
      middle((turn) => turn.p50, 1),
      middle((turn) => turn.p95, 1),
      middle((turn) => turn.p99, 1),
      middle((turn) => turn.processMicros),
      middle((turn) => turn.postgresMicros),
      middle((turn) => turn.memoryMegabytes),
      middle((turn) => turn.bytesPerReply),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const compared = ratios(here).map((ratio) => {
    const each = ratio.rounds.map((value) => value.toFixed(2)).join(" ");
    const [low, middle, cpu] = [ratio.lowerQuartile, ratio.median, ratio.cpu].map((value) =>
      value.toFixed(2),
    );
    return `| ${ratio.against} | **${low}** | ${middle} | ${cpu} | ${each} |`;
  });
  const foreign = here.map((turn) => turn.foreignCores);
  const generator = median(here.map((turn) => turn.generatorMicrosPerRequest)).toFixed(0);
  return [
    `## (${name}) ${title}`,
    "",
    table(
      "| contestant | requests/s | p50 ms | p95 ms | p99 ms | process µs | PostgreSQL µs | " +
        "memory MB | bytes |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|",
      rows,
    ),
    table(
      "| Backwright against | lower quartile | median | by CPU | every round |\n" +
        "|---|--:|--:|--:|---|",
      compared,
    ),
    `The generator used ${generator} µs for each request. Others on the machine used ` +
      `${median(foreign).toFixed(2)} cores in the median turn, at most ` +
      `${quantile(foreign, 1).toFixed(2)}.`,
    "",
  ].join("\n");
}

function settingsSection({ postgres }: Run): string {
  const rows = Object.entries(postgres).map(([name, value]) => `| ${name} | ${value} |`);
  return ["## PostgreSQL", "", table("| setting | value |\n|---|---|", rows)].join("\n");
}
