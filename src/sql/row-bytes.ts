// A row of a statement as the bytes that PostgreSQL sent, and where its columns stand in them. Rows
// of records become JSON without a string for each value; every other row is read as texts.
import type { Value } from "./statement.ts";

const NULL = -1;
/** Before each column. */
export const LENGTH_BYTES = 4;

export class RowBytes {
  readonly bytes: Buffer;
  /** Where its columns begin: their number, then each behind its length. */
  readonly at: number;
  /** Of the whole message. */
  readonly length: number;

  constructor(bytes: Buffer, at: number, length: number) {
    this.bytes = bytes;
    this.at = at;
    this.length = length;
  }

  /** Of columns that were sent as text. */
  get fields(): Value[] {
    const { bytes } = this;
    const count = (at(bytes, this.at) << 8) | at(bytes, this.at + 1);
    const fields = new Array<Value>(count);
    let place = this.at + 2;
    for (let nth = 0; nth < count; nth += 1) {
      const length = int32(bytes, place);
      place += LENGTH_BYTES;
      if (length === NULL) fields[nth] = null;
      else {
        fields[nth] = bytes.toString("utf8", place, place + length);
        place += length;
      }
    }
    return fields;
  }
}

/** Where the columns of one row stand. Filled anew for each row, so that none is made for each. */
export class Columns {
  bytes: Buffer = Buffer.alloc(0);
  readonly starts: number[] = [];
  /** Below zero: null. */
  readonly lengths: number[] = [];
  #count = 0;

  ofRow({ bytes, at: from }: RowBytes): void {
    this.bytes = bytes;
    const count = (at(bytes, from) << 8) | at(bytes, from + 1);
    this.#find(from + 2, count, 0);
  }

  /** A record within an array: its columns stand behind the numbers of their types. */
  ofRecord(bytes: Buffer, from: number): void {
    this.bytes = bytes;
    this.#find(from + 4, int32(bytes, from), 4);
  }

  isNull(column: number): boolean {
    return this.length(column) < 0;
  }

  start(column: number): number {
    return this.starts[column] ?? 0;
  }

  length(column: number): number {
    return this.lengths[column] ?? NULL;
  }

  /** Columns that were sent as text, from one on. */
  textsFrom(column: number): Value[] {
    const texts: Value[] = [];
    for (let nth = column; nth < this.#count; nth += 1) {
      const start = this.start(nth);
      const end = start + this.length(nth);
      texts.push(this.isNull(nth) ? null : this.bytes.toString("utf8", start, end));
    }
    return texts;
  }

  #find(from: number, count: number, before: number): void {
    const { bytes, starts, lengths } = this;
    this.#count = count;
    let place = from;
    for (let nth = 0; nth < count; nth += 1) {
      const length = int32(bytes, place + before);
      place += before + LENGTH_BYTES;
      starts[nth] = place;
      lengths[nth] = length;
      if (length > 0) place += length;
    }
  }
}

/** The elements of an array that was sent as binary: where each begins. Of one dimension. */
export function elementsOf(bytes: Buffer, from: number): readonly number[] {
  if (int32(bytes, from) === 0) return [];
  const count = int32(bytes, from + 12);
  const starts = new Array<number>(count);
  let place = from + 20;
  for (let nth = 0; nth < count; nth += 1) {
    starts[nth] = place + 4;
    place += 4 + Math.max(0, int32(bytes, place));
  }
  return starts;
}

export function int32(bytes: Uint8Array, from: number): number {
  return (
    (at(bytes, from) << 24) |
    (at(bytes, from + 1) << 16) |
    (at(bytes, from + 2) << 8) |
    at(bytes, from + 3)
  );
}

const at = (bytes: Uint8Array, place: number): number => bytes[place] as number;
