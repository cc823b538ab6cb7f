// Fifty times the random walks of paging-walk.test.ts.
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { pagesMeetEveryRowOnce, walkSeed } from "../sql/page-property.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("paging_nightly");
});
afterAll(() => backend?.close());

test("every unchanged row is met exactly once in 7,500 walks", async () => {
  await fc.assert(pagesMeetEveryRowOnce(backend), { numRuns: 7_500, seed: walkSeed() });
});
