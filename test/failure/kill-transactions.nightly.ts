// Reliability check 1 of the transaction plan in larger number: 400 kills, two writes each.
import { expect, test } from "vitest";
import { startTestBackend } from "../support/backend.ts";
import { nightlyPart } from "../support/nightly-part.ts";
import { killTransactions, TRANSACTION_STEPS, type TransactionStep } from "./kill-transactions.ts";
import { judgeTransactions } from "./transaction-judge.ts";

const LANES = 2;
const KILLS_A_STEP = nightlyPart(25); // In each lane.
const KILLS = LANES * KILLS_A_STEP * Object.keys(TRANSACTION_STEPS).length;

test(`${KILLS} kills lose, double and tear no action and no bulk request`, async () => {
  const backend = await startTestBackend("kill_transactions_nightly");
  const names = Object.keys(TRANSACTION_STEPS) as TransactionStep[];
  const steps = Array.from({ length: KILLS_A_STEP }, () => names).flat();
  try {
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      killTransactions({ backend, steps, name: `lane-${lane}` }),
    );
    const killed = (await Promise.all(lanes)).flat();
    for (const { step, isCommitted } of killed) {
      const wanted = TRANSACTION_STEPS[step].isCommitted;
      expect([step, isCommitted]).toEqual([step, { action: wanted, bulk: wanted }]);
    }
    expect(await judgeTransactions(backend, killed)).toEqual([]);
  } finally {
    await backend.close();
  }
});
