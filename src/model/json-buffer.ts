// JSON text as bytes in the making. One for all replies: each record leaves it as a string.

const USUAL_BYTES = 64 * 1_024;
// LIMIT: what one large record made it grow to is not kept for ever.
const KEPT_BYTES_MAX = 1_024 * 1_024;

const SHORT = 64;

export class JsonBuffer {
  bytes: Buffer = Buffer.allocUnsafe(USUAL_BYTES);
  end = 0;

  clear(): void {
    this.end = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = Buffer.allocUnsafe(USUAL_BYTES);
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    const needed = this.end + count;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }

  /** Bytes as they are. */
  copy(from: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    const { bytes, end } = this;
    // A call costs more than a few bytes.
    if (length > SHORT) bytes.set(from.subarray(start, start + length), end);
    else for (let at = 0; at < length; at += 1) bytes[end + at] = from[start + at] as number;
    this.end = end + length;
  }

  write(text: string): void {
    this.reserve(text.length * 3);
    const { bytes, end } = this;
    // As above: short texts are ASCII but for a few.
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (at === SHORT || code > 0x7f) {
        this.end += bytes.write(text, end);
        return;
      }
      bytes[end + at] = code;
    }
    this.end = end + text.length;
  }

  text(): string {
    return this.bytes.toString("utf8", 0, this.end);
  }

  /** A character for each byte, whatever the bytes mean. */
  bytesAsText(): string {
    return this.bytes.toString("latin1", 0, this.end);
  }
}
