// Takes the rows out of what PostgreSQL sends before pg makes a string of each of their values. All
// other messages go on to pg, whole and in order.
import type { EventEmitter } from "node:events";
import { int32, RowBytes } from "../sql/row-bytes.ts";

const DATA_ROW = 0x44;
const HEADER_BYTES = 5;

type Take = (chunk: Buffer) => void;

export class RowStream {
  readonly #rest: Take;
  readonly #row: (row: RowBytes) => void;
  /** The beginning of a message that is not whole yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #neededBytes = 0;

  constructor(rest: Take, row: (row: RowBytes) => void) {
    this.#rest = rest;
    this.#row = row;
  }

  take(chunk: Buffer): void {
    const bytes = this.#withHeld(chunk);
    if (bytes === undefined) return;
    let others = 0; // Where messages begin that go on together.
    let at = 0;
    let needed = HEADER_BYTES;
    while (at + HEADER_BYTES <= bytes.length) {
      const length = int32(bytes, at + 1) >>> 0; // Of a broken stream it may be anything.
      needed = length + 1;
      if (at + needed > bytes.length) break;
      if (bytes[at] === DATA_ROW) {
        if (others < at) this.#rest(bytes.subarray(others, at));
        this.#row(new RowBytes(bytes, at + HEADER_BYTES, length));
        others = at + needed;
      }
      at += needed;
      needed = HEADER_BYTES;
    }
    if (others < at) this.#rest(bytes.subarray(others, at));
    if (at === bytes.length) return;
    this.#held = [bytes.subarray(at)];
    this.#heldBytes = bytes.length - at;
    this.#neededBytes = needed;
  }

  /** Undefined while a message is not whole: a large one is joined once, not at every part. */
  #withHeld(chunk: Buffer): Buffer | undefined {
    if (this.#heldBytes === 0) return chunk;
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#neededBytes) return undefined;
    const bytes = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    return bytes;
  }
}

/** pg's connection as far as it is changed here; its typings leave this out. */
interface Connection extends EventEmitter {
  readonly stream: EventEmitter;
}

/**
 * From now on the connection's queries are handed RowBytes. Between two answers only: pg must hold
 * no part of a message. Throws where pg does not read its stream as it did.
 */
export function takeRows(connection: Connection): void {
  const { stream } = connection;
  const [read, ...more] = stream.listeners("data");
  if (read === undefined || more.length > 0) throw new Error("pg reads its stream in another way");
  const rows = new RowStream(
    (chunk) => read.call(stream, chunk),
    (row) => connection.emit("dataRow", row),
  );
  stream.removeListener("data", read as Take);
  stream.on("data", (chunk: Buffer) => rows.take(chunk));
}
