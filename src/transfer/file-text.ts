// The text of a file in pieces, whatever it is: a path or standard input, compressed or not, UTF-8
// or UTF-16. Holds one piece at a time.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { StartError } from "../base/errors.ts";
import { fileFailure } from "../base/file-failure.ts";

/** In place of a path: standard input. */
export const STDIN = "-";

export const NAME_A_FILE = "Name a CSV, NDJSON or JSON file.";

/** The message is the encoding that the file seemed to have. */
export class NotThisEncoding extends Error {}

export interface FileText {
  readonly pieces: AsyncIterable<string>;
  /** How many of its bytes have been read, compressed as they are. */
  bytesRead(): number;
}

/** In bytes; undefined of a pipe. Throws StartError where there is nothing to read. */
export async function sizeOf(path: string): Promise<number | undefined> {
  if (path === STDIN) return undefined;
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
    if (!found.isDirectory()) return undefined;
  } catch (cause) {
    throw fileFailure(path, cause, NAME_A_FILE);
  }
  throw new StartError(`${path} is a folder, not a file.`, { fix: NAME_A_FILE });
}

/** `stop` ends it even where the other end of a pipe says nothing. The pieces throw StartError. */
export function openText(path: string, stop?: AbortSignal): FileText {
  const source: Readable = path === STDIN ? process.stdin : createReadStream(path);
  stop?.addEventListener("abort", () => source.destroy());
  let bytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  return { pieces: decode(unpack(path, counted())), bytesRead: () => bytes };
}

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZIP = Buffer.from("PK\u0003\u0004", "latin1");

async function* unpack(path: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const { start, all } = await startOf(chunks, ZIP.length);
  if (start.indexOf(ZIP) === 0) {
    throw new StartError(`${path} is a zip archive or a spreadsheet.`, {
      fix: "Save its table as CSV in UTF-8, and import that.",
    });
  }
  if (start.indexOf(GZIP) !== 0) yield* all;
  else {
    const unpacked = createGunzip();
    // Its failure is met where the pieces are read.
    pipeline(Readable.from(all), unpacked, () => undefined);
    yield* unpacked as AsyncIterable<Buffer>;
  }
}

/** By the mark at its beginning, if it has one. Not a decoder that puts U+FFFD for what is none. */
async function* decode(chunks: AsyncGenerator<Buffer>): AsyncGenerator<string> {
  const { start, all } = await startOf(chunks, 2);
  const mark = start.subarray(0, 2).toString("hex");
  const encoding = { fffe: "utf-16le", feff: "utf-16be" }[mark] ?? "utf-8";
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const chunk of all) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ERR_ENCODING_INVALID_ENCODED_DATA") throw cause;
    throw new NotThisEncoding(encoding.toUpperCase(), { cause });
  }
}

/** At least as many bytes as are asked for, where there are so many; and everything, from there. */
async function startOf(chunks: AsyncGenerator<Buffer>, length: number) {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < length) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    start = start.length === 0 ? value : Buffer.concat([start, value]);
  }
  const first = start;
  async function* all(): AsyncGenerator<Buffer> {
    yield first;
    yield* chunks;
  }
  return { start, all: all() };
}
