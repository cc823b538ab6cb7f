// Reliability check 2, at a small number: the connection to PostgreSQL is cut at each point of a
// write. The planted faults of the judge stand in write-judge.test.ts.
import { expect, test } from "vitest";
import { startTestBackend } from "../support/backend.ts";
import { cutAtPoints } from "./cut-steps.ts";
import { judge } from "./write-judge.ts";

// Planted fault: publicError without `unavailable` -> red, 500. Planted fault: WalledQuery done at
// CommandComplete, before the proof of the commit -> red, 201.
const PATIENCE = { timeout: 120_000 };
test("56 cuts are 503 to the client, then one effect each", PATIENCE, async () => {
  const backend = await startTestBackend("cut");
  try {
    const writes = await cutAtPoints(backend, 8);
    expect(writes.filter((write) => write.acknowledgements.length === 0)).toEqual([]);
    expect(await judge(backend.database.ownerUrl, writes)).toEqual([]);
  } finally {
    await backend.close();
  }
});
