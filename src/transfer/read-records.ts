// Reads a file of records, however large, one after the other: CSV, NDJSON or a JSON array. Knows
// nothing of what a record means.
import { extname } from "node:path";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { StartError } from "../base/errors.ts";
import { isDeeperThan, parseExactly, repeatedName } from "../base/exact-json.ts";
import { fileFailure } from "../base/file-failure.ts";
import { REQUEST_LIMITS } from "../base/limits.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type Cells, quoted } from "./evaluate.ts";
import { type FileText, NAME_A_FILE, NotThisEncoding, openText } from "./file-text.ts";
import { JsonElements } from "./json-elements.ts";

export const FORMATS = ["csv", "ndjson", "json"] as const;
export type Format = (typeof FORMATS)[number];

export interface FileRecord {
  /** Where it starts, counted from 1; of a JSON array its place. */
  readonly line: number;
  /** How far the file has been read by now; the reading is a little ahead. */
  readonly bytes: number;
  readonly cells: Cells;
  /** Of CSV: what stands behind the last column. */
  readonly surplus?: readonly string[];
  /** Why it cannot be taken, where that shows already. */
  readonly problem?: string;
}

// LIMIT: in characters; a longer record is refused alone, and what it says is not kept.
const RECORD_LENGTH_MAX = 1_048_576;
const TOO_LONG = "is longer than a megabyte, and so left out here";
// LIMIT: of CSV, where a quote that is never closed would read the rest of the file into memory.
const CSV_RECORD_BYTES_MAX = 16 * 1_048_576;
const DEPTH_MAX = REQUEST_LIMITS.jsonDepthMax;
const DELIMITERS = [",", ";", "\t", "|"];
const REPEAT = "Then run the same command again; what is there already is left alone.";

/** What is known of a file before it is read. */
export interface FileShape {
  /** The columns that a CSV file must have. */
  readonly columns: ReadonlySet<string>;
  /** Between the cells of CSV. */
  readonly delimiter: string;
  /** Whether an empty cell of CSV is null, and `""` a text. */
  readonly exact: boolean;
}

const ANY: FileShape = { columns: new Set(), delimiter: ",", exact: false };

/** By the name's ending; `.gz` may follow. Throws StartError. */
export function formatOf(path: string): Format {
  const name = path.toLowerCase().replace(/\.gz$/, "");
  const ending = extname(name).slice(1);
  const format = ending === "jsonl" ? "ndjson" : FORMATS.find((one) => one === ending);
  if (format !== undefined) return format;
  throw new StartError(`What ${path} holds cannot be told by its name.`, {
    fix: `--format ${FORMATS.join(" | ")}`,
  });
}

/**
 * Yields the records in order; `-` is standard input. Throws StartError where the file cannot be
 * read any further, or is CSV without one of the columns. LIMIT: records of JSON may leave members
 * out, so they are not asked for there.
 */
export async function* readRecords(
  path: string,
  format: Format,
  shape: FileShape = ANY,
  stop?: AbortSignal,
): AsyncGenerator<FileRecord> {
  const reading = { line: 0 };
  const readers = { csv: readCsv, ndjson: readLines, json: readArray };
  const text = openText(path, stop);
  try {
    for await (const record of readers[format](text, path, shape)) {
      reading.line = record.line;
      yield record;
    }
  } catch (error) {
    throw unreadable(path, reading.line, error);
  }
}

interface ParsedCsv {
  readonly info: { readonly lines: number };
  /** Null: an empty cell, where the file is taken exactly. */
  readonly record: readonly (string | null)[];
}

async function* readCsv(
  text: FileText,
  path: string,
  { columns: wanted, delimiter, exact }: FileShape,
): AsyncGenerator<FileRecord> {
  const parser = parse({
    info: true,
    delimiter,
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true, // A short record is refused alone, with its line.
    relax_quotes: true, // `5" pipe` without quotes around it.
    skip_empty_lines: true,
    max_record_size: CSV_RECORD_BYTES_MAX,
    cast: exact && ((cell, { quoting }) => (cell === "" && !quoting ? null : cell)),
  });
  const source = Readable.from(text.pieces);
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  let columns: readonly string[] | undefined;
  try {
    for await (const { info, record } of parser as AsyncIterable<ParsedCsv>) {
      if (columns !== undefined) {
        yield { ...csvRecord(columns, record, info), bytes: text.bytesRead() };
      } else {
        columns = record.map((name) => name?.trim() ?? "");
        requireColumns(path, columns, wanted);
      }
    }
    if (columns === undefined) requireColumns(path, [], wanted);
  } finally {
    source.destroy();
  }
}

function requireColumns(
  path: string,
  columns: readonly string[],
  wanted: ReadonlySet<string>,
): void {
  const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  const repeated = [...wanted].filter((name) => columns.indexOf(name) < columns.lastIndexOf(name));
  if (repeated.length > 0) {
    throw new StartError(`${path} has several columns ${list(repeated)}.`, {
      fix: "Give each a name of its own in the first line of the file.",
    });
  }
  const missing = [...wanted].filter((name) => !columns.includes(name));
  const [first] = missing;
  if (first === undefined) return;
  if (columns.length === 0) {
    throw new StartError(`${path} is empty: it has no line of columns.`, {
      fix: "Name the columns in its first line, as the mapping does.",
    });
  }
  const [only = ""] = columns;
  const other = columns.length === 1 && DELIMITERS.find((one) => only.includes(one));
  const fix =
    typeof other === "string"
      ? `Its cells seem to be divided by ${JSON.stringify(other)}: the mapping's "delimiter".`
      : `It has: ${columns.join(", ")}. Change the names in the mapping.`;
  throw new StartError(`${path} has no column ${list(missing)}.${didYouMean(first, columns)}`, {
    fix,
  });
}

function csvRecord(
  columns: readonly string[],
  record: readonly (string | null)[],
  { lines }: ParsedCsv["info"],
): Omit<FileRecord, "bytes"> {
  const cells = Object.create(null) as Record<string, string | null | undefined>;
  let length = 0;
  let inside = 0;
  for (const cell of record) {
    length += cell?.length ?? 0;
    if (cell?.includes("\n") === true) inside += cell.split("\n").length - 1;
  }
  const isLong = length > RECORD_LENGTH_MAX;
  for (const [at, column] of columns.entries()) cells[column] = isLong ? undefined : record[at];
  const found = { line: lines - inside, cells };
  if (isLong) return { ...found, problem: TOO_LONG };
  if (record.length === columns.length) return found;
  const problem = `has ${record.length} columns instead of ${columns.length}`;
  const surplus = record.slice(columns.length).map((cell) => cell ?? "");
  return { ...found, problem, surplus };
}

async function* readLines(file: FileText): AsyncGenerator<FileRecord> {
  let rest = "";
  let line = 0;
  for await (const piece of file.pieces) {
    // Of a line that is too long no more is held than shows that it is.
    const isLong = rest.length > RECORD_LENGTH_MAX;
    const end = isLong ? piece.indexOf("\n") : 0;
    if (end < 0) continue;
    const lines = (rest + piece.slice(end)).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      line += 1;
      const parsed = parsedLine(text);
      if (parsed !== undefined) yield { line, bytes: file.bytesRead(), ...parsed };
    }
  }
  const parsed = parsedLine(rest);
  if (parsed !== undefined) yield { line: line + 1, bytes: file.bytesRead(), ...parsed };
}

type Parsed = Pick<FileRecord, "cells" | "problem">;

/** Undefined: the line is empty. */
function parsedLine(text: string): Parsed | undefined {
  if (text.trim() === "" && text.length <= RECORD_LENGTH_MAX) return undefined;
  try {
    return recordOf(text);
  } catch {
    // Put aside as it stands, so that nothing of it is lost.
    return { cells: { rejected_text: text }, problem: "is not JSON" };
  }
}

/** As the body of a request is read. Throws SyntaxError. */
function recordOf(text: string): Parsed {
  if (text.length > RECORD_LENGTH_MAX) return { cells: {}, problem: TOO_LONG };
  if (isDeeperThan(text, DEPTH_MAX)) {
    return { cells: {}, problem: `is nested deeper than ${DEPTH_MAX} levels` };
  }
  const value = parseExactly(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { cells: {}, problem: "is not a JSON object" };
  }
  const cells = value as Cells;
  const name = repeatedName(text);
  return name === undefined ? { cells } : { cells, problem: `names ${quoted(name)} twice` };
}

async function* readArray(file: FileText): AsyncGenerator<FileRecord> {
  const elements = new JsonElements(RECORD_LENGTH_MAX);
  let line = 0;
  for await (const piece of file.pieces) {
    for (const text of elements.take(piece)) {
      line += 1;
      yield { line, bytes: file.bytesRead(), ...recordOf(text) };
    }
  }
  elements.end();
}

function unreadable(path: string, line: number, cause: unknown): unknown {
  const after = line === 0 ? "" : ` after line ${line}`;
  if (!(cause instanceof Error)) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (cause instanceof CsvError) {
    const isLong = cause.code === "CSV_MAX_RECORD_SIZE";
    const why = isLong ? "a record is longer than 16 megabytes" : cause.message;
    const fix = `Close the quote that opens on line ${line + 1} or soon after. ${REPEAT}`;
    return new StartError(`${path} is not CSV${after}: ${why}.`, { fix, cause });
  }
  if (cause instanceof NotThisEncoding) {
    const fix = `Convert it to UTF-8. ${REPEAT}`;
    return new StartError(`${path} is not ${cause.message}${after}.`, { fix, cause });
  }
  if (cause instanceof StartError) return cause;
  if (code?.startsWith("Z_") === true) {
    return new StartError(`${path} cannot be unpacked${after}: ${cause.message}.`, {
      fix: `Make or fetch the compressed file again. ${REPEAT}`,
      cause,
    });
  }
  if (code !== undefined) return fileFailure(path, cause, NAME_A_FILE);
  const fix = `Mend the file. ${REPEAT}`;
  return new StartError(`${path} cannot be read${after}: ${cause.message}.`, { fix, cause });
}
