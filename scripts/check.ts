// Everything but the tests, one after another, with a summary at the end. A step that fails shows
// what it printed; the steps that do not build on it still run.
import { fileURLToPath } from "node:url";
import { type Ended, runNodeProgram } from "./run-program.ts";

interface Step {
  readonly task: string;
  /** Steps without which this one would only repeat their complaint. */
  readonly after?: readonly string[];
}

const STEPS: readonly Step[] = [
  { task: "lint" },
  { task: "typecheck" },
  { task: "knip" },
  { task: "build", after: ["typecheck"] },
  { task: "package", after: ["build"] },
];

const RUN = fileURLToPath(new URL("run.js", import.meta.url));

type Result = "ok" | "FAILED" | "not run";

async function main(): Promise<number> {
  const results = new Map<string, Result>();
  const lines: string[] = [];
  for (const { task, after = [] } of STEPS) {
    if (after.some((earlier) => results.get(earlier) !== "ok")) {
      results.set(task, "not run");
      lines.push(line(task, "not run", `waits for ${after.join(", ")}`));
      continue;
    }
    const startedAt = performance.now();
    const { code, output }: Ended = await runNodeProgram([RUN, task]);
    const result = code === 0 ? "ok" : "FAILED";
    if (code !== 0) process.stdout.write(`--- ${task}\n${output}\n`);
    results.set(task, result);
    lines.push(line(task, result, `${((performance.now() - startedAt) / 1000).toFixed(1)} s`));
  }
  process.stdout.write(`${lines.join("\n")}\n`);
  return [...results.values()].every((result) => result === "ok") ? 0 : 1;
}

function line(task: string, result: Result, remark: string): string {
  return `${task.padEnd(10)} ${result.padEnd(8)} ${remark}`;
}

process.exitCode = await main();
