// What a query says to PostgreSQL, as one piece of bytes: one write for all of its messages, and
// the form of each column that comes back, which pg's own writer takes for all columns alike.
// (PostgreSQL manual, "Message Formats".)
import type { Value } from "../sql/statement.ts";

const CLOSE = 0x43;
const BIND = 0x42;
const EXECUTE = 0x45;
const PARSE = 0x50;
const SYNC = 0x53;
const USUAL_BYTES = 16 * 1_024;

export class Messages {
  #bytes = Buffer.allocUnsafe(USUAL_BYTES);
  #end = 0;
  #start = 0;

  parse(name: string, text: string): void {
    this.#begin(PARSE);
    this.#name(name);
    this.#name(text);
    this.#int16(0); // PostgreSQL finds the types of the parameters by itself.
    this.#finish();
  }

  /** `binary` says of each column whether it comes as binary; none given: all come as text. */
  bind(name: string, values: readonly Value[], binary: readonly boolean[] = []): void {
    this.#begin(BIND);
    this.#name(""); // The portal.
    this.#name(name);
    this.#int16(0); // All parameters are text.
    this.#int16(values.length);
    for (const value of values) this.#value(value);
    this.#int16(binary.length);
    for (const one of binary) this.#int16(one ? 1 : 0);
    this.#finish();
  }

  /** All rows of what was bound last. */
  execute(): void {
    this.#begin(EXECUTE);
    this.#name("");
    this.#int32(0);
    this.#finish();
  }

  close(name: string): void {
    this.#begin(CLOSE);
    this.#reserve(1);
    this.#bytes[this.#end++] = 0x53; // A statement.
    this.#name(name);
    this.#finish();
  }

  sync(): void {
    this.#begin(SYNC);
    this.#finish();
  }

  clear(): void {
    this.#end = 0;
  }

  /** The messages since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#end));
    this.clear();
    if (this.#bytes.length > USUAL_BYTES) this.#bytes = Buffer.allocUnsafe(USUAL_BYTES);
    return taken;
  }

  #begin(code: number): void {
    this.#reserve(5);
    this.#bytes[this.#end] = code;
    this.#start = this.#end + 1;
    this.#end += 5;
  }

  #finish(): void {
    this.#bytes.writeInt32BE(this.#end - this.#start, this.#start);
  }

  #name(text: string): void {
    this.#reserve(text.length * 3 + 1);
    this.#end += this.#bytes.write(text, this.#end);
    this.#bytes[this.#end++] = 0;
  }

  #value(value: Value): void {
    if (value === null) {
      this.#int32(-1);
      return;
    }
    this.#reserve(value.length * 3 + 4);
    const length = this.#bytes.write(value, this.#end + 4);
    this.#int32(length);
    this.#end += length;
  }

  #int16(value: number): void {
    this.#reserve(2);
    this.#end = this.#bytes.writeUInt16BE(value, this.#end);
  }

  #int32(value: number): void {
    this.#reserve(4);
    this.#end = this.#bytes.writeInt32BE(value, this.#end);
  }

  #reserve(count: number): void {
    const needed = this.#end + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
