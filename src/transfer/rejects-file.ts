// The records that an import refused, in a file like the one that they came from: mend them there
// and import that file with the same mapping.

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import type { Format } from "./read-records.ts";
import { csvCell } from "./run-export.ts";
import type { Rejected } from "./run-import.ts";

const REASONS = ["rejected_line", "rejected_field", "rejected_reason"] as const;

/** Made with the first record; there is no file where nothing was refused. */
export class RejectsFile {
  readonly path: string;
  readonly #format: Format;
  #stream: WriteStream | undefined;
  #columns: readonly string[] = [];

  constructor(path: string, format: Format) {
    this.path = path;
    this.#format = format;
  }

  get hasRecords(): boolean {
    return this.#stream !== undefined;
  }

  write(rejected: Rejected): void {
    const isFirst = this.#stream === undefined;
    this.#stream ??= createWriteStream(this.path);
    if (this.#format !== "csv") {
      this.#stream.write(`${JSON.stringify({ ...rejected.cells, ...reasonsOf(rejected) })}\n`);
      return;
    }
    if (isFirst) {
      const own: readonly string[] = REASONS;
      this.#columns = Object.keys(rejected.cells).filter((column) => !own.includes(column));
      this.#stream.write(csvLine([...this.#columns, ...REASONS]));
    }
    const reasons = reasonsOf(rejected);
    const cells = this.#columns.map((column) => String(rejected.cells[column] ?? ""));
    this.#stream.write(csvLine([...cells, ...REASONS.map((name) => String(reasons[name]))]));
  }

  async close(): Promise<void> {
    if (this.#stream === undefined) return;
    this.#stream.end();
    await once(this.#stream, "close");
  }
}

function reasonsOf({ line, problems }: Rejected) {
  return {
    rejected_line: line,
    rejected_field: problems.map(({ field }) => field).join("; "),
    rejected_reason: problems.map(({ message }) => message).join("; "),
  };
}

const csvLine = (cells: readonly string[]): string => `${cells.map(csvCell).join(",")}\n`;
