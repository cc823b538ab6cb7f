// Tells how far an import is: on a terminal by one line that rewrites itself, elsewhere by a plain
// line now and then. Rejected rows are a result, so they go to standard output.
import type { Outcome, Reporter } from "./run-import.ts";

const SECOND = 1_000_000_000n;
const REDRAW_NS = SECOND / 10n;
const PLAIN_LINE_NS = 2n * SECOND;

const counted = new Intl.NumberFormat("en-US");

export class Progress implements Reporter {
  readonly #totalBytes: number;
  // The monotonic clock: a corrected time of day must not make a rate negative.
  readonly #startedAt = process.hrtime.bigint();
  #shownAt = this.#startedAt;
  #bytes = 0;

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  advanced(outcome: Outcome, bytes: number): void {
    this.#bytes = Math.max(this.#bytes, bytes);
    const isTerminal = process.stderr.isTTY === true;
    const now = process.hrtime.bigint();
    if (now - this.#shownAt < (isTerminal ? REDRAW_NS : PLAIN_LINE_NS)) return;
    this.#shownAt = now;
    const line = this.#line(outcome);
    process.stderr.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`);
  }

  rejected(line: number, key: string, reason: string): void {
    this.clear();
    process.stdout.write(`line ${line} (${key === "" ? "no key" : key}) rejected: ${reason}\n`);
  }

  /** Takes the line off the terminal. */
  clear(): void {
    if (process.stderr.isTTY === true) process.stderr.write("\r\u001b[2K");
  }

  /** What came of it, in a line. */
  summary(outcome: Outcome): string {
    const { created, present, rejected, changed } = outcome;
    const other = changed.size === 0 ? "" : ` (${counted.format(changed.size)} changed since)`;
    const parts = [
      `${counted.format(created)} created`,
      `${counted.format(present)} already there${other}`,
      `${counted.format(rejected)} rejected`,
    ];
    return `${parts.join(", ")} in ${this.#seconds().toFixed(1)} s, ${this.#rate(outcome)} rows/s`;
  }

  #line(outcome: Outcome): string {
    const { created, present, rejected } = outcome;
    const part = this.#totalBytes === 0 ? 1 : this.#bytes / this.#totalBytes;
    // The first rows wait for everything that they refer to, and would foretell hours.
    const left = part < 0.02 ? "" : `  ${Math.ceil(this.#seconds() * (1 / part - 1))} s left`;
    return (
      `${Math.floor(part * 100)} %  ${counted.format(created)} created  ` +
      `${counted.format(present)} already there  ${counted.format(rejected)} rejected  ` +
      `${this.#rate(outcome)} rows/s${left}`
    );
  }

  #rate({ created, present, rejected }: Outcome): string {
    return counted.format(Math.round((created + present + rejected) / this.#seconds()));
  }

  #seconds(): number {
    return Number(process.hrtime.bigint() - this.#startedAt) / Number(SECOND);
  }
}
