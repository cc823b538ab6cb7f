// Reliability check 1: kill -9 of the API at each step of a write. Acknowledged writes are there,
// once, with their event and audit entry, and a repeated key is answered with the same bytes. The
// planted faults stand in write-judge.test.ts.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { COMMITTED_AT, type KillRun, killInLanes, STEPS } from "./kill-steps.ts";
import { judge } from "./write-judge.ts";

const LANES = 2;
const KILLS_A_STEP = 5; // In each lane: 100 kills in all.
const KILLS = LANES * KILLS_A_STEP * STEPS.length;
// A start costs a third of a second of one core; a machine with other work takes longer.
const PATIENCE_MS = 300_000;

const seed = Math.floor(Math.random() * 1_000_000);
let backend: TestBackend;
let run: KillRun;
beforeAll(async () => {
  backend = await startTestBackend("kill_api");
  run = await killInLanes({ backend, seed, lanes: LANES, killsAStep: KILLS_A_STEP });
}, PATIENCE_MS);
afterAll(() => backend?.close());

test(`${KILLS} kills meet each write where they should`, () => {
  for (const [step, { kills, committed }] of run.outcomes) {
    expect([step, kills]).toEqual([step, LANES * KILLS_A_STEP]);
    const expected = COMMITTED_AT[step];
    if (expected !== undefined) expect([step, committed]).toEqual([step, expected ? kills : 0]);
  }
});

test(`${KILLS} kills lose, double and tear no write`, async () => {
  const { writes } = run;
  console.info(`seed ${seed}: ${KILLS} kills, ${writes.length} writes`);
  expect(writes.length).toBeGreaterThanOrEqual(KILLS * 3);
  expect(writes.filter((write) => write.acknowledgements.length === 0)).toEqual([]);
  expect(await judge(backend.database.ownerUrl, writes), `seed ${seed}`).toEqual([]);
});
