// Fifty times the random walks of paging-walk.test.ts.
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { cardPagesMeetEveryRowOnce } from "../sql/card-property.ts";
import { pagesMeetEveryRowOnce, walkSeed } from "../sql/page-property.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { nightlyPart } from "../support/nightly-part.ts";

let backend: TestBackend;
let boards: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("paging_nightly");
  const directory = join(import.meta.dirname, "../fixtures/boards");
  boards = await startTestBackend("paging_cards_nightly", { directory });
});
afterAll(async () => {
  await backend?.close();
  await boards?.close();
});

const WALKS = nightlyPart(7_500);
const CARD_WALKS = nightlyPart(10_000);

test(`every unchanged row is met exactly once in ${WALKS} walks`, async () => {
  await fc.assert(pagesMeetEveryRowOnce(backend), { numRuns: WALKS, seed: walkSeed() });
});

test(`so it is in ${CARD_WALKS} walks over lists with several sort keys`, async () => {
  await fc.assert(cardPagesMeetEveryRowOnce(boards), { numRuns: CARD_WALKS, seed: walkSeed() });
});
