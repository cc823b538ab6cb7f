// The records that an import refused, in a file like the one that they came from: mend them there
// and import that file with the same mapping.
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { StartError } from "../base/errors.ts";
import { csvLine } from "./csv-text.ts";
import { textOf } from "./evaluate.ts";
import type { FileShape, Format } from "./read-records.ts";
import type { Rejected } from "./run-import.ts";

const REASONS = ["rejected_line", "rejected_field", "rejected_reason"] as const;

/** Made with the first record; there is no file where nothing was refused. */
export class RejectsFile {
  readonly path: string;
  readonly #format: Format;
  readonly #exact: boolean;
  readonly #delimiter: string;
  /** Where the file of an earlier run is now. */
  earlier: string | undefined;
  #file: FileHandle | undefined;
  #columns: readonly string[] = [];

  /** `shape`: as the mapping describes the file that the records come from. */
  constructor(path: string, format: Format, shape: Pick<FileShape, "exact" | "delimiter">) {
    this.path = path;
    this.#format = format;
    this.#exact = shape.exact;
    this.#delimiter = shape.delimiter;
  }

  get hasRecords(): boolean {
    return this.#file !== undefined;
  }

  /** Resolves when they are in the file. Throws StartError where they cannot be. */
  async write(rejected: readonly Rejected[]): Promise<void> {
    const [first] = rejected;
    if (first === undefined) return;
    const isCsv = this.#format === "csv";
    let text = "";
    if (isCsv && !this.hasRecords) {
      const own: readonly string[] = REASONS;
      this.#columns = Object.keys(first.cells).filter((column) => !own.includes(column));
      text = csvLine([...this.#columns, ...REASONS], this.#delimiter);
    }
    for (const one of rejected) text += isCsv ? this.#csvLine(one) : ndjsonLine(one);
    try {
      this.#file ??= await this.#begin();
      await this.#file.appendFile(text);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new StartError(`Rejected records cannot be written to ${this.path}: ${code}.`, {
        fix: "Name a file that can be written with --rejects, and run the same command again.",
        cause,
      });
    }
  }

  /** Somebody may be mending those of an earlier run, so they are moved aside once. */
  async #begin(): Promise<FileHandle> {
    const found = await stat(this.path).catch(() => undefined);
    if (found?.isFile() === true && found.size > 0) {
      this.earlier = `${this.path}.old`;
      await rename(this.path, this.earlier);
    }
    return await open(this.path, "w");
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  #csvLine(rejected: Rejected): string {
    const reasons = reasonsOf(rejected);
    const cells = this.#columns.map((column) => {
      const value = rejected.cells[column];
      return value === undefined || value === null || (value === "" && !this.#exact)
        ? null
        : textOf(value);
    });
    const told = REASONS.map((name) => String(reasons[name]) || null);
    // Beyond the columns here too, so that the record is refused again until somebody mends it.
    return csvLine([...cells, ...told, ...(rejected.surplus ?? [])], this.#delimiter);
  }
}

function reasonsOf({ line, problems }: Rejected) {
  return {
    rejected_line: line,
    rejected_field: problems.map(({ field }) => field).join("; "),
    rejected_reason: problems.map(({ message }) => message).join("; "),
  };
}

const ndjsonLine = (rejected: Rejected): string =>
  `${JSON.stringify({ ...rejected.cells, ...reasonsOf(rejected) })}\n`;
