// How long TypeScript takes to check an application of 30 tables: three runs of tsc, beside what
// tables and relations cost by themselves. Prints a table and writes results.json; asserts nothing,
// for time is the machine's (a test holds the number of instantiations to its budget).
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { generateApp } from "./generate.ts";

const RUNS = 3;
const TABLES = 30;
const CHECK_SECONDS_MAX = 1.5;
const root = join(import.meta.dirname, "../..");

interface Figures {
  readonly checkSeconds: number;
  readonly totalSeconds: number;
  readonly instantiations: number;
  readonly types: number;
  readonly memoryMb: number;
}

function measure(project: string): Figures {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const flags = [tsc, "--noEmit", "--extendedDiagnostics", "--pretty", "false", "-p", project];
  const output = execFileSync(process.execPath, flags, { encoding: "utf8" });
  const figure = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+([\\d.]+)`, "m").exec(output);
    if (found === null) throw new Error(`tsc reported no "${name}":\n${output}`);
    return Number(found[1]);
  };
  return {
    checkSeconds: figure("Check time"),
    totalSeconds: figure("Total time"),
    instantiations: figure("Instantiations"),
    types: figure("Types"),
    memoryMb: Math.round(figure("Memory used") / 1024),
  };
}

const versionOf = (name: string): string => {
  const manifest: unknown = JSON.parse(
    readFileSync(join(root, "node_modules", name, "package.json"), "utf8"),
  );
  return (manifest as { readonly version: string }).version;
};

const results = (["schema", "backend"] as const).map((upTo) => {
  const folder = join(import.meta.dirname, ".generated");
  const project = generateApp({ folder, tables: TABLES, upTo });
  return { upTo, runs: Array.from({ length: RUNS }, () => measure(project)) };
});

for (const { upTo, runs } of results) {
  console.log(upTo === "schema" ? "tables and relations alone" : "with resources and a contract");
  console.table(runs);
}
const slowest = Math.max(...results.flatMap(({ runs }) => runs.map((run) => run.checkSeconds)));
const verdict = slowest <= CHECK_SECONDS_MAX ? "within" : "OVER";
console.log(`slowest check ${slowest} s: ${verdict} the budget of ${CHECK_SECONDS_MAX} s`);

const report = {
  tables: TABLES,
  machine: {
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryMb: Math.round(totalmem() / 1024 ** 2),
    system: `${platform()} ${release()}`,
  },
  versions: {
    node: process.version,
    typescript: versionOf("typescript"),
    "drizzle-orm": versionOf("drizzle-orm"),
  },
  results,
};
writeFileSync(join(import.meta.dirname, "results.json"), `${JSON.stringify(report, null, 2)}\n`);
