// A hundred times the random groups of groups.test.ts.
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { groupsMeanWhatSqlSays, type Tally } from "../sql/group-property.ts";
import { walkSeed } from "../sql/page-property.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { nightlyPart } from "../support/nightly-part.ts";

let backend: TestBackend;
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/boards");
  backend = await startTestBackend("groups_nightly", { directory });
});
afterAll(() => backend?.close());

const RUNS = nightlyPart(6_000);

test(`a list of any groups is what plain SQL says, in ${4 * RUNS} questions`, async () => {
  const tally: Tally = { served: 0, refused: 0, groups: 0 };
  await fc.assert(groupsMeanWhatSqlSays(backend, tally), { numRuns: RUNS, seed: walkSeed() });
  expect(tally.groups).toBeGreaterThan((RUNS * 2) / 3);
});
