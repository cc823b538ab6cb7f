// Reliability check 2 at its full number: 1,001 cuts.
import { expect, test } from "vitest";
import { startTestBackend } from "../support/backend.ts";
import { nightlyPart } from "../support/nightly-part.ts";
import { cutAtPoints } from "./cut-steps.ts";
import { judge } from "./write-judge.ts";

const TIMES = nightlyPart(143);

test(`${7 * TIMES} cuts are 503 to the client, and repeats end with one effect each`, async () => {
  const backend = await startTestBackend("cut_nightly");
  try {
    const writes = await cutAtPoints(backend, TIMES);
    expect(await judge(backend.database.ownerUrl, writes)).toEqual([]);
  } finally {
    await backend.close();
  }
});
