// Reliability check 1 of the transaction plan: kill -9 of the API at each step of an action and of
// a bulk request. Both happen once, whole, with their events and audit entries, or not at all.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import {
  type Killed,
  killTransactions,
  TRANSACTION_STEPS,
  type TransactionStep,
} from "./kill-transactions.ts";
import { judgeTransactions } from "./transaction-judge.ts";

const PATIENCE_MS = 300_000;
const steps = Object.keys(TRANSACTION_STEPS) as TransactionStep[];

let backend: TestBackend;
let killed: readonly Killed[];
beforeAll(async () => {
  backend = await startTestBackend("kill_transactions");
  killed = await killTransactions({ backend, steps, name: "kill" });
}, PATIENCE_MS);
afterAll(() => backend?.close());

test("a kill before COMMIT leaves nothing, one after it everything", () => {
  expect(killed).toHaveLength(steps.length);
  for (const { step, isCommitted } of killed) {
    const wanted = TRANSACTION_STEPS[step].isCommitted;
    expect([step, isCommitted]).toEqual([step, { action: wanted, bulk: wanted }]);
  }
});

test("no step loses, doubles or tears an action or a bulk request", async () => {
  expect(await judgeTransactions(backend, killed)).toEqual([]);
});

// Without this, a clean run would say nothing.
test(
  "a reply that is stored after the commit is found by the judge",
  async () => {
    const planted = await killTransactions({
      backend,
      steps: ["committed, nothing answered"],
      name: "planted",
      environment: { PLANTED_FAULT: "reply apart" },
    });
    const problems = await judgeTransactions(backend, planted);
    expect(problems).toContain("planted-0-bulk (committed, nothing answered): 6 orders, not 3");
  },
  PATIENCE_MS,
);
