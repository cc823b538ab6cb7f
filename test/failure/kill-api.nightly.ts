// Reliability check 1 at its full number: 1,000 kills. A clean run means "below 3 in 1,000".
import { expect, test } from "vitest";
import { startTestBackend } from "../support/backend.ts";
import { COMMITTED_AT, killInLanes } from "./kill-steps.ts";
import { judge } from "./write-judge.ts";

test("1,000 kills lose, double and tear no write", async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const backend = await startTestBackend("kill_api_nightly");
  try {
    const { writes, outcomes } = await killInLanes({ backend, seed, lanes: 2, killsAStep: 50 });
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
