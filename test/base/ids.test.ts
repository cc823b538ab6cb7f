import { afterEach, describe, expect, test, vi } from "vitest";
import { createIdSource, newId } from "../../src/base/ids.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
/** The 32-bit counter: rand_a and the first 20 bits of rand_b (RFC 9562, section 5.7). */
function counterOf(id: string): number {
  const text = id.replaceAll("-", "");
  const randA = BigInt(`0x${text.slice(13, 16)}`);
  const randB = BigInt(`0x${text.slice(16)}`) & ((1n << 62n) - 1n);
  return Number((randA << 20n) | (randB >> 42n));
}
const randomOf = (id: string): bigint =>
  BigInt(`0x${id.replaceAll("-", "").slice(16)}`) & ((1n << 42n) - 1n);

function ids(count: number, next: () => string = newId): readonly string[] {
  return Array.from({ length: count }, next);
}

function expectAscending(made: readonly string[]): void {
  const fallen = made.findIndex((id, index) => index > 0 && id <= (made[index - 1] ?? ""));
  expect(fallen).toBe(-1);
}

describe("newId", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  // Planted fault: 0x40 instead of 0x80 for the variant -> red.
  test("makes UUIDs of version 7 in lower case", () => {
    for (const id of ids(10_000)) expect(id).toMatch(UUID_V7);
  });

  // Planted fault: the timestamp shifted by a digit -> red.
  test("carries the milliseconds of its making", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2040, 0, 2, 3, 4, 5, 678) });
    expect(timeOf(createIdSource()())).toBe(Date.UTC(2040, 0, 2, 3, 4, 5, 678));
  });

  // Planted fault: bits of the counter written to the wrong bytes -> red.
  test("rises with every id within a millisecond, by one in its counter", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const made = ids(100_000, createIdSource());
    expectAscending(made);
    expect(new Set(made.map(timeOf)).size).toBe(1);
    const first = counterOf(made[0] ?? "");
    expect(made.every((id, index) => counterOf(id) === first + index)).toBe(true);
  });

  // Planted fault: `ms !== timestampMs` instead of `ms > timestampMs` -> red.
  test("keeps rising when the clock steps back", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 2_000_000_000_000 });
    const next = createIdSource();
    const before = ids(10, next);
    vi.setSystemTime(1_999_999_000_000);
    const during = ids(10, next);
    vi.setSystemTime(2_000_000_000_001);
    const after = ids(10, next);
    expectAscending([...before, ...during, ...after]);
    expect(timeOf(during[0] ?? "")).toBe(2_000_000_000_000);
    expect(timeOf(after[0] ?? "")).toBe(2_000_000_000_001);
  });

  // Planted fault: the counter wraps to 0 without moving the timestamp -> red.
  test("moves its time ahead of the clock when a millisecond is full", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 2_000_000_000_000 });
    const made = ids(1_000, createIdSource(0xff));
    expectAscending(made);
    expect(timeOf(made.at(-1) ?? "")).toBeGreaterThan(2_000_000_000_000);
    expect(made.every((id) => counterOf(id) <= 0xff)).toBe(true);
  });

  // Planted fault: poolOffset never moved -> red.
  test("fills the 42 bits after its counter, and each first counter, at random", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tails = ids(10_000, createIdSource()).map(randomOf);
    expect(new Set(tails).size).toBe(tails.length);
    for (let bit = 0n; bit < 42n; bit += 1n) {
      const ones = tails.filter((tail) => ((tail >> bit) & 1n) === 1n).length;
      expect(ones, `bit ${bit} of 10,000 ids`).toBeGreaterThan(4_600);
      expect(ones, `bit ${bit} of 10,000 ids`).toBeLessThan(5_400);
    }
    const seeds = Array.from({ length: 1_000 }, () => counterOf(createIdSource()()));
    expect(new Set(seeds).size).toBeGreaterThan(990);
    expect(Math.max(...seeds)).toBeLessThan(2 ** 31);
  });

  // Planted fault: the counter stands still now and then -> red.
  test("gives every caller of this process an id of its own", () => {
    const made = ids(200_000);
    expectAscending(made);
    expect(new Set(made).size).toBe(made.length);
  });
});
