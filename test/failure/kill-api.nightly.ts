// Reliability check 1 at its full number: 1,000 kills. A clean run means "below 3 in 1,000".
// BACKWRIGHT_TEST_SEED=… runs the order of an old one again.
import { expect, test } from "vitest";
import { walkSeed } from "../sql/page-property.ts";
import { startTestBackend } from "../support/backend.ts";
import { nightlyPart } from "../support/nightly-part.ts";
import { COMMITTED_AT, killInLanes, STEPS } from "./kill-steps.ts";
import { judge } from "./write-judge.ts";

const LANES = 2;
const KILLS_A_STEP = nightlyPart(50); // In each lane.

test(`${LANES * KILLS_A_STEP * STEPS.length} kills lose, double and tear no write`, async () => {
  const seed = walkSeed();
  const backend = await startTestBackend("kill_api_nightly");
  try {
    const campaign = { backend, seed, lanes: LANES, killsAStep: KILLS_A_STEP };
    const { writes, outcomes } = await killInLanes(campaign);
    console.info(`seed ${seed}: ${writes.length} writes`);
    for (const [step, { kills, committed }] of outcomes) {
      console.info(`${step}: ${committed} of ${kills} committed`);
      const expected = COMMITTED_AT[step];
      if (expected !== undefined) expect([step, committed]).toEqual([step, expected ? kills : 0]);
    }
    expect(writes.filter((write) => write.acknowledgements.length === 0)).toEqual([]);
    expect(await judge(backend.database.ownerUrl, writes), `seed ${seed}`).toEqual([]);
  } finally {
    await backend.close();
  }
});
