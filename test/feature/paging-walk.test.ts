// Random walks over pages while colleagues write. The long variant is paging-walk.nightly.ts.
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CARD_PLANTS, cardPagesMeetEveryRowOnce } from "../sql/card-property.ts";
import { PLANTS } from "../sql/page-plants.ts";
import { pagesMeetEveryRowOnce, walkSeed } from "../sql/page-property.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let boards: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("paging_walk");
  const directory = join(import.meta.dirname, "../fixtures/boards");
  boards = await startTestBackend("paging_cards", { directory });
});
afterAll(async () => {
  await backend?.close();
  await boards?.close();
});

// A failure prints its seed; BACKWRIGHT_TEST_SEED=… runs it again.
test("every unchanged row is met exactly once, in order, forwards and backwards, under writes", {
  timeout: 120_000,
}, async () => {
  await fc.assert(pagesMeetEveryRowOnce(backend), { numRuns: 150, seed: walkSeed() });
});

// Each plant is found within 30 walks; 400 leave no room for luck.
describe("the walk finds", () => {
  test.each(Object.entries(PLANTS))("%s", { timeout: 120_000 }, async (_fault, plant) => {
    const property = pagesMeetEveryRowOnce(backend, plant);
    const result = await fc.check(property, { numRuns: 400, endOnFailure: true });
    expect(result.failed).toBe(true);
    expect(String(result.errorInstance)).toMatch(/ page |: met /);
  });
});

// Two to four keys, in one direction and in mixed ones, with nulls in any of them.
test("so it is in lists with several sort keys", { timeout: 120_000 }, async () => {
  await fc.assert(cardPagesMeetEveryRowOnce(boards), { numRuns: 200, seed: walkSeed() });
});

describe("the walk over several sort keys finds", () => {
  test.each(Object.entries(CARD_PLANTS))("%s", { timeout: 120_000 }, async (_fault, plant) => {
    const property = cardPagesMeetEveryRowOnce(boards, plant);
    const result = await fc.check(property, { numRuns: 400, endOnFailure: true });
    expect(result.failed).toBe(true);
    expect(String(result.errorInstance)).toMatch(/ page |: met /);
  });
});
