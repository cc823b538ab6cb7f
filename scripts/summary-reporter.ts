// Ends a test run with one line that people and programs read: "N passed, N failed, N skipped".
// Whatever fails the run counts as a failure: a file that does not load, a hook, a stray error.
import { writeSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

type RunEnd = Parameters<NonNullable<Reporter["onTestRunEnd"]>>;

export default class SummaryReporter implements Reporter {
  #counts: Counts | undefined;

  onInit(): void {
    // The coverage table follows the last reporter, so the line waits for the very end.
    process.on("exit", (exitCode) => print(lastLines(this.#counts, exitCode)));
  }

  onTestRunEnd(modules: RunEnd[0], unhandledErrors: RunEnd[1]): void {
    this.#counts = countTests(modules, unhandledErrors.length);
  }
}

/** Counts tests, and everything beside a test that failed as one failure each. */
export function countTests(modules: RunEnd[0], unhandledErrors: number): Counts {
  const counts: Counts = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    const before = counts.failed;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      // A test that is still pending when the run ends was interrupted: nothing is proven by it.
      counts[state === "pending" ? "failed" : state] += 1;
    }
    counts.failed += failuresOutsideTests(module);
    if (module.state() === "failed" && counts.failed === before) counts.failed += 1;
  }
  return counts;
}

/** The last lines of a run that ends with this exit code. */
export function lastLines(counts: Counts | undefined, exitCode: number): string {
  const { passed, skipped, failed: counted } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  // A run that never got to its tests, because their set-up failed or none was found, failed.
  const failed = exitCode !== 0 && passed + counted + skipped === 0 ? 1 : counted;
  const line = `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
  if (exitCode === 0 || failed > 0) return line;
  return `No test failed, but the run did (coverage?): see above.\n${line}`;
}

function failuresOutsideTests(module: TestModule): number {
  const suites = [...module.children.allSuites()];
  return module.errors().length + suites.filter((suite) => suite.errors().length > 0).length;
}

function print(text: string): void {
  // A pipe that is full refuses for a moment; the last line is worth waiting for.
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    try {
      writeSync(1, text);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
    }
  }
}
