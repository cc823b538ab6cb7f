// Reliability check 1: kill -9 of the API at each step of a write. Acknowledged writes are there,
// once, with their event and audit entry, and a repeated key is answered with the same bytes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { COMMITTED_AT, type KillRun, killAtSteps, STEPS } from "./kill-steps.ts";
import { seededRandom, shuffled } from "./seeded-random.ts";
import { judge } from "./write-judge.ts";

const LANES = 2;
const KILLS_A_STEP = 5; // In each lane: 100 kills in all.

let backend: TestBackend;
beforeAll(async () => {
  backend = await startTestBackend("kill_api");
});
afterAll(() => backend?.close());

describe("100 kills over the steps of a write", () => {
  let runs: readonly KillRun[];
  const seed = Math.floor(Math.random() * 1_000_000);
  beforeAll(async () => {
    const lane = (number: number): Promise<KillRun> => {
      const random = seededRandom(seed + number);
      const steps = shuffled(Array(KILLS_A_STEP).fill(STEPS).flat(), random);
      return killAtSteps({ backend, steps, seed: seed + number });
    };
    runs = await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  }, 300_000);

  test("meet each write where they should", () => {
    for (const step of STEPS) {
      const outcomes = runs.map((run) => run.outcomes.get(step) ?? { kills: 0, committed: 0 });
      const kills = outcomes.reduce((sum, one) => sum + one.kills, 0);
      const committed = outcomes.reduce((sum, one) => sum + one.committed, 0);
      expect(kills).toBe(LANES * KILLS_A_STEP);
      const expected = COMMITTED_AT[step];
      if (expected !== undefined) expect([step, committed]).toEqual([step, expected ? kills : 0]);
      console.info(`${step}: ${committed} of ${kills} committed`);
    }
  });

  test("lose no acknowledged write, double none, and tear none from event and audit", async () => {
    const writes = runs.flatMap((run) => run.writes);
    expect(writes.length).toBeGreaterThan(LANES * KILLS_A_STEP * STEPS.length * 2);
    expect(writes.filter((write) => write.acknowledgements.length === 0)).toEqual([]);
    expect(await judge(backend.database.ownerUrl, writes), `seed ${seed}`).toEqual([]);
  });
});
