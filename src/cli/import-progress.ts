// Tells how far an import is: on a terminal by one line that rewrites itself, elsewhere by a plain
// line now and then.
import { monotonicMs } from "../base/clock.ts";
import type { ImportOutcome } from "../transfer/run-import.ts";

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 2_000;

const counted = new Intl.NumberFormat("en-US");

/** A dumb terminal shows what should move its cursor. */
function canRewrite(): boolean {
  return process.stderr.isTTY === true && process.env.TERM !== "dumb";
}

export class ImportProgress {
  readonly #totalBytes: number;
  readonly #startedAt = monotonicMs();
  #shownAt = this.#startedAt;

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  advanced(outcome: ImportOutcome, bytes: number): void {
    const isTerminal = canRewrite();
    const now = monotonicMs();
    if (now - this.#shownAt < (isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#shownAt = now;
    const line = this.#line(outcome, bytes);
    process.stderr.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`);
  }

  /** Takes the line off the terminal. */
  clear(): void {
    if (canRewrite()) process.stderr.write("\r\u001b[2K");
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
    if (related.length > 0) parts.push(`beside them ${related.join(", ")}`);
    return `${parts.join(", ")} in ${this.#seconds().toFixed(1)} s, ${this.#rate(outcome)} rows/s`;
  }

  #line(outcome: ImportOutcome, bytes: number): string {
    const part = this.#totalBytes === 0 ? 1 : Math.min(bytes / this.#totalBytes, 1);
    // The first rows wait for everything that they refer to, and would foretell hours.
    const left = part < 0.02 ? "" : `  ${Math.ceil(this.#seconds() * (1 / part - 1))} s left`;
    const { created, updated, present, rejected } = outcome;
    return (
      `${Math.floor(part * 100)} %  ${counted.format(created + updated)} written  ` +
      `${counted.format(present)} already there  ${counted.format(rejected)} rejected  ` +
      `${this.#rate(outcome)} rows/s${left}`
    );
  }

  #rate({ created, updated, present, skipped, rejected }: ImportOutcome): string {
    const rows = created + updated + present + skipped + rejected;
    return counted.format(Math.round(rows / Math.max(this.#seconds(), 0.001)));
  }

  #seconds(): number {
    return (monotonicMs() - this.#startedAt) / 1_000;
  }
}
