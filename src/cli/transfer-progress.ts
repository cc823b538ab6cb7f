// Tells how far an import or export is: on a terminal by one line that rewrites itself, elsewhere
// by a plain line now and then.
import { monotonicMs } from "../base/clock.ts";
import type { ImportOutcome } from "../transfer/run-import.ts";

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 2_000;

const counted = new Intl.NumberFormat("en-US");

/** A dumb terminal shows what should move its cursor. */
function canRewrite(): boolean {
  return process.stderr.isTTY === true && process.env.TERM !== "dumb";
}

/** One line that a terminal shows in place of the one before, and others now and then. */
class ProgressLine {
  readonly #startedAt = monotonicMs();
  #shownAt = this.#startedAt;

  show(line: () => string): void {
    const isTerminal = canRewrite();
    const now = monotonicMs();
    if (now - this.#shownAt < (isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#shownAt = now;
    process.stderr.write(isTerminal ? `\r\u001b[2K${line()}` : `${line()}\n`);
  }

  /** Takes the line off the terminal. */
  clear(): void {
    if (canRewrite()) process.stderr.write("\r\u001b[2K");
  }

  seconds(): number {
    return (monotonicMs() - this.#startedAt) / 1_000;
  }

  rate(rows: number): string {
    return `${counted.format(Math.round(rows / Math.max(this.seconds(), 0.001)))} rows/s`;
  }
}

/** How many there will be is not asked: counting them reads them all. */
export class ExportProgress {
  readonly #line = new ProgressLine();
  #records = 0;

  advanced(records: number): void {
    this.#records = records;
    this.#line.show(() => this.#text());
  }

  end(isJson: boolean): void {
    this.#line.clear();
    const summary = isJson ? JSON.stringify({ records: this.#records }) : this.#text();
    process.stderr.write(`${summary}\n`);
  }

  #text(): string {
    const { format } = counted;
    const seconds = this.#line.seconds().toFixed(1);
    return `${format(this.#records)} records in ${seconds} s, ${this.#line.rate(this.#records)}`;
  }
}

export class ImportProgress {
  /** Undefined: of a pipe. */
  readonly #totalBytes: number | undefined;
  readonly #shown = new ProgressLine();

  constructor(totalBytes: number | undefined) {
    this.#totalBytes = totalBytes;
  }

  advanced(outcome: ImportOutcome, bytes: number): void {
    this.#shown.show(() => this.#line(outcome, bytes));
  }

  clear(): void {
    this.#shown.clear();
  }

  /** What came of it, in a line. */
  summary(outcome: ImportOutcome, isDryRun: boolean): string {
    const counts = Object.entries({
      [isDryRun ? "would be created" : "created"]: outcome.created,
      [isDryRun ? "would be updated" : "updated"]: outcome.updated,
      "already there": outcome.present,
      skipped: outcome.skipped,
      rejected: outcome.rejected,
    });
    const always = ["created", "already there", "rejected", "would be created"];
    const shown = counts.filter(([name, count]) => count > 0 || always.includes(name));
    const parts = shown.map(([name, count]) => `${counted.format(count)} ${name}`);
    const related = [...outcome.related].map(([path, n]) => `${counted.format(n)} ${path}`);
    const made = isDryRun ? " would be created" : "";
    if (related.length > 0) parts.push(`beside them ${related.join(", ")}${made}`);
    return `${parts.join(", ")} in ${this.#shown.seconds().toFixed(1)} s, ${this.#rate(outcome)}`;
  }

  /** The same for programs. Undefined: it ended before its first stretch was written. */
  figures(outcome: ImportOutcome | undefined, isDryRun: boolean) {
    const { read = 0, created = 0, updated = 0, present = 0 } = outcome ?? {};
    const { skipped = 0, rejected = 0, related = [] } = outcome ?? {};
    const counts = { read, created, updated, present, skipped, rejected };
    const seconds = Number(this.#shown.seconds().toFixed(3));
    return { dryRun: isDryRun, ...counts, related: Object.fromEntries(related), seconds };
  }

  #line(outcome: ImportOutcome, bytes: number): string {
    const { created, updated, present, rejected } = outcome;
    const counts =
      `${counted.format(created + updated)} written  ${counted.format(present)} already there  ` +
      `${counted.format(rejected)} rejected  ${this.#rate(outcome)}`;
    if (this.#totalBytes === undefined) return counts;
    const part = Math.min(bytes / Math.max(this.#totalBytes, 1), 1);
    // The first rows wait for everything that they refer to, and would foretell hours.
    const left = part < 0.02 ? "" : `  ${timeLeft(this.#shown.seconds() * (1 / part - 1))} left`;
    return `${Math.floor(part * 100)} %  ${counts}${left}`;
  }

  #rate({ created, updated, present, skipped, rejected }: ImportOutcome): string {
    return this.#shown.rate(created + updated + present + skipped + rejected);
  }
}

function timeLeft(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 6_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
