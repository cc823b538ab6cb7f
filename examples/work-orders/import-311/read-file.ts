// Reads a 311 file, however large, record by record. Knows CSV and the columns that must be there,
// not what a record means.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { ImportStopped } from "./import-stopped.ts";

/** The cells of one record by column. */
export type Cells = Readonly<Record<string, string>>;

export interface FileRecord {
  /** Where it starts, counted from 1. */
  readonly line: number;
  /** How far the file has been read, including it. */
  readonly bytes: number;
  readonly cells: Cells;
  /** Why it cannot be taken, where that shows already. */
  readonly problem?: string;
}

const NEEDED = [
  "Unique Key",
  "Created Date",
  "Closed Date",
  "Agency",
  "Complaint Type",
  "Descriptor",
  "Incident Address",
  "Borough",
  "Status",
  "Due Date",
];

// LIMIT: a quote that is never closed would otherwise read the rest of the file into memory.
const RECORD_BYTES_MAX = 1_048_576;

interface Parsed {
  readonly info: { readonly lines: number; readonly bytes: number };
  readonly record: readonly string[];
}

export async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw new ImportStopped(`${path} cannot be read.`, "Name a CSV file of 311 requests.", {
      cause,
    });
  }
}

/** Yields the records in order. Throws ImportStopped where the file cannot be read any further. */
export async function* readRecords(path: string): AsyncGenerator<FileRecord> {
  const parser = parse({
    info: true,
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true, // A short record is refused alone, with its line.
    relax_quotes: true, // `5" pipe` without quotes around it.
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const source = Readable.from(decode(path));
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  let columns: readonly string[] | undefined;
  let line = 0;
  try {
    for await (const { info, record } of parser as AsyncIterable<Parsed>) {
      line = info.lines;
      if (columns === undefined) columns = header(path, record);
      else yield toRecord(columns, record, info);
    }
  } catch (error) {
    throw unreadable(path, line, error);
  } finally {
    source.destroy();
  }
  if (columns === undefined) header(path, []);
}

/** Not the parser's own decoding, which would put U+FFFD in place of what is not UTF-8. */
async function* decode(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true }); // Drops a byte order mark.
  for await (const chunk of createReadStream(path)) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

function header(path: string, record: readonly string[]): readonly string[] {
  const columns = record.map((name) => name.trim());
  const missing = NEEDED.filter((name) => !columns.includes(name));
  if (missing.length === 0) return columns;
  throw new ImportStopped(
    `${path} is not a file of 311 requests: it has no column ${missing.join(", ")}.`,
    'Export "311 Service Requests" from NYC Open Data as CSV.',
  );
}

function toRecord(
  columns: readonly string[],
  record: readonly string[],
  { lines, bytes }: Parsed["info"],
): FileRecord {
  const cells: Record<string, string> = {};
  for (const [at, column] of columns.entries()) cells[column] = record[at] ?? "";
  const inside = record.join("").split("\n").length - 1;
  const found = { line: lines - inside, bytes, cells };
  if (record.length === columns.length) return found;
  return { ...found, problem: `it has ${record.length} columns instead of ${columns.length}` };
}

function unreadable(path: string, line: number, error: unknown): unknown {
  const after = `after line ${line}`;
  const repeat = "Then run the same command again; what is there already is left alone.";
  if (error instanceof CsvError) {
    const fix = `Close the quote that opens on line ${line + 1} or soon after. ${repeat}`;
    return new ImportStopped(`${path} is not CSV ${after}: ${error.message}.`, fix, {
      cause: error,
    });
  }
  if (
    error instanceof TypeError &&
    "code" in error &&
    error.code === "ERR_ENCODING_INVALID_ENCODED_DATA"
  ) {
    return new ImportStopped(`${path} is not UTF-8 ${after}.`, `Convert it to UTF-8. ${repeat}`);
  }
  return error;
}
