// Reads a file of records, however large, one after the other: CSV, NDJSON or a JSON array. Knows
// nothing of what a record means.
import { createReadStream } from "node:fs";
import { extname } from "node:path";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { StartError } from "../base/errors.ts";
import { isDeeperThan, parseExactly, repeatedName } from "../base/exact-json.ts";
import { fileFailure } from "../base/file-failure.ts";
import { REQUEST_LIMITS } from "../base/limits.ts";
import { type Cells, quoted } from "./evaluate.ts";
import { JsonElements } from "./json-elements.ts";

export const FORMATS = ["csv", "ndjson", "json"] as const;
export type Format = (typeof FORMATS)[number];

export interface FileRecord {
  /** Where it starts, counted from 1; of a JSON array its place. */
  readonly line: number;
  /** How far the file has been read. */
  readonly bytes: number;
  readonly cells: Cells;
  /** Why it cannot be taken, where that shows already. */
  readonly problem?: string;
}

// LIMIT: a quote that is never closed would otherwise read the rest of the file into memory.
const RECORD_BYTES_MAX = 1_048_576;
const DEPTH_MAX = REQUEST_LIMITS.jsonDepthMax;
const REPEAT = "Then run the same command again; what is there already is left alone.";

/** By the name's ending. Throws StartError. */
export function formatOf(path: string): Format {
  const ending = extname(path).slice(1).toLowerCase();
  const format = ending === "jsonl" ? "ndjson" : FORMATS.find((one) => one === ending);
  if (format !== undefined) return format;
  throw new StartError(`What ${path} holds cannot be told by its name.`, {
    fix: `--format ${FORMATS.join(" | ")}`,
  });
}

/**
 * Yields the records in order. Throws StartError where the file cannot be read any further, or is
 * CSV without one of the columns. LIMIT: records of JSON may leave members out, so they are not
 * asked for there.
 */
export async function* readRecords(
  path: string,
  format: Format,
  columns: ReadonlySet<string> = new Set(),
): AsyncGenerator<FileRecord> {
  const reading = { line: 0 };
  const readers = { csv: readCsv, ndjson: readLines, json: readArray };
  try {
    for await (const record of readers[format](path, columns)) {
      reading.line = record.line;
      yield record;
    }
  } catch (error) {
    throw unreadable(path, reading.line, error);
  }
}

interface ParsedCsv {
  readonly info: { readonly lines: number; readonly bytes: number };
  readonly record: readonly string[];
}

async function* readCsv(path: string, wanted: ReadonlySet<string>): AsyncGenerator<FileRecord> {
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
  try {
    for await (const { info, record } of parser as AsyncIterable<ParsedCsv>) {
      if (columns !== undefined) yield csvRecord(columns, record, info);
      else {
        columns = record.map((name) => name.trim());
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
  const missing = [...wanted].filter((name) => !columns.includes(name));
  if (missing.length === 0) return;
  throw new StartError(`${path} has no column ${missing.map((name) => `"${name}"`).join(", ")}.`, {
    fix: `It has: ${columns.join(", ") || "none"}. Change the names in the mapping.`,
  });
}

function csvRecord(
  columns: readonly string[],
  record: readonly string[],
  { lines, bytes }: ParsedCsv["info"],
): FileRecord {
  const cells: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [at, column] of columns.entries()) cells[column] = record[at] ?? "";
  let inside = 0;
  for (const cell of record) if (cell.includes("\n")) inside += cell.split("\n").length - 1;
  const found = { line: lines - inside, bytes, cells };
  if (record.length === columns.length) return found;
  return { ...found, problem: `has ${record.length} columns instead of ${columns.length}` };
}

async function* readLines(path: string): AsyncGenerator<FileRecord> {
  let rest = "";
  let line = 0;
  let bytes = 0;
  for await (const chunk of decode(path)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > RECORD_BYTES_MAX) throw new RangeError("a line is longer than a megabyte");
    for (const text of lines) {
      line += 1;
      bytes += Buffer.byteLength(text) + 1;
      if (text.trim() !== "") yield { line, bytes, ...parsedLine(text) };
    }
  }
  if (rest.trim() !== "") yield { line: line + 1, bytes: bytes + rest.length, ...parsedLine(rest) };
}

type Parsed = Pick<FileRecord, "cells" | "problem">;

function parsedLine(text: string): Parsed {
  try {
    return recordOf(text);
  } catch {
    return { cells: {}, problem: "is not JSON" };
  }
}

/** As the body of a request is read. Throws SyntaxError. */
function recordOf(text: string): Parsed {
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

async function* readArray(path: string): AsyncGenerator<FileRecord> {
  const elements = new JsonElements(RECORD_BYTES_MAX);
  let line = 0;
  let bytes = 0;
  for await (const chunk of decode(path)) {
    bytes += Buffer.byteLength(chunk);
    for (const text of elements.take(chunk)) {
      line += 1;
      yield { line, bytes, ...recordOf(text) };
    }
  }
  elements.end();
}

/** Not the parsers' own decoding, which would put U+FFFD in place of what is not UTF-8. */
async function* decode(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true }); // Drops a byte order mark.
  for await (const chunk of createReadStream(path)) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

function unreadable(path: string, line: number, cause: unknown): unknown {
  const after = line === 0 ? "" : ` after line ${line}`;
  if (!(cause instanceof Error)) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
    return new StartError(`${path} is not UTF-8${after}.`, {
      fix: `Convert it to UTF-8. ${REPEAT}`,
      cause,
    });
  }
  if (cause instanceof CsvError) {
    const fix = `Close the quote that opens on line ${line + 1} or soon after. ${REPEAT}`;
    return new StartError(`${path} is not CSV${after}: ${cause.message}.`, { fix, cause });
  }
  if (code !== undefined) return fileFailure(path, cause, "Name a CSV, NDJSON or JSON file.");
  if (cause instanceof StartError) return cause;
  const fix = `Mend the file. ${REPEAT}`;
  return new StartError(`${path} cannot be read${after}: ${cause.message}.`, { fix, cause });
}
