// Identifiers made in this process: UUID version 7 (RFC 9562), so that new rows land at the right
// edge of an index and sort by age. No I/O, and no promise of order between processes.
import { randomFillSync } from "node:crypto";
import { now } from "./clock.ts";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const hex = (byte: number): string => HEX[byte & 0xff] ?? "";

// One call to the operating system serves more than 1,000 ids; a call for each would cost more
// than all the rest of an id.
const pool = new Uint8Array(8_192);
let poolOffset = pool.length;

function randomByte(): number {
  if (poolOffset === pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const byte = pool[poolOffset] ?? 0;
  poolOffset += 1;
  return byte;
}

// LIMIT: rand_a (12 bits) and the first 20 bits of rand_b.
const COUNTER_MAX = 0xffff_ffff;

/**
 * A source of ids of its own order. RFC 9562, section 6.2, method 1: a counter of 32 bits that
 * each new millisecond seeds at random in the lower half, so that at least half of `counterMax`
 * ids fit into one; past that, the timestamp runs ahead of the clock. 42 random bits follow.
 */
export function createIdSource(counterMax = COUNTER_MAX): () => string {
  let timestampMs = -1;
  let timestampText = "";
  let counter = 0;

  function startMillisecond(ms: number): void {
    const text = ms.toString(16).padStart(12, "0");
    timestampMs = ms;
    timestampText = `${text.slice(0, 8)}-${text.slice(8)}-7`;
    const random = (randomByte() << 24) | (randomByte() << 16) | (randomByte() << 8) | randomByte();
    counter = (random & (counterMax >>> 1)) >>> 0;
  }

  return () => {
    const ms = now();
    if (ms > timestampMs) startMillisecond(ms);
    else if (counter < counterMax) counter += 1;
    else startMillisecond(timestampMs + 1);
    return (
      timestampText +
      hex(counter >>> 28).slice(1) +
      hex(counter >>> 20) +
      "-" +
      hex(0x80 | ((counter >>> 14) & 0x3f)) +
      hex(counter >>> 6) +
      "-" +
      hex(((counter & 0x3f) << 2) | (randomByte() & 0x03)) +
      hex(randomByte()) +
      hex(randomByte()) +
      hex(randomByte()) +
      hex(randomByte()) +
      hex(randomByte())
    );
  };
}

/**
 * A new UUID version 7, in lower case. Within this process every id is greater than all ids before
 * it, as text and as bytes, also while the clock stands still or steps back. Ids of several
 * processes interleave as their clocks do. Anybody can read the time of making from an id.
 */
export const newId: () => string = createIdSource();

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Text of a UUID of any version, in letters of either case. */
export function isUuid(given: unknown): given is string {
  return typeof given === "string" && UUID.test(given);
}
