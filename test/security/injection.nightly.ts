// Check 38 in full: every place × every operator × 60 texts, on the example and on the corners.
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXAMPLE, startTestBackend } from "../support/backend.ts";
import { nightlySample } from "../support/nightly-part.ts";
import { InjectionJudge } from "./injection-judge.ts";
import { PAYLOADS } from "./injection-payloads.ts";

const CORNERS = join(import.meta.dirname, "../fixtures/corners");
const HARMLESS = ["plain", "open", "a", "1", "1.5", "true", "2026-01-01", "2026-01-01T00:00:00Z"];

test.each([
  ["the example", EXAMPLE, "manager"],
  ["the corners", CORNERS, "admin"],
])("no text of a caller becomes SQL in %s", async (_what, directory, role) => {
  const backend = await startTestBackend("injection", { directory });
  const { key } = await backend.person(await backend.tenant("Acme"), role);
  const judge = await InjectionJudge.start(backend, key);
  try {
    const id = "01890a5d-ac96-774b-bcce-b302099a8057";
    await judge.run([...HARMLESS, "2026-01-01T00:00:00", id], { every: true });
    const harmless = await judge.shapes();
    const verdict = await judge.run(nightlySample(PAYLOADS), { every: true });
    expect(verdict.faults).toEqual([]);
    expect([...(await judge.shapes())].filter(([shape]) => !harmless.has(shape))).toEqual([]);
    expect(await judge.loggedErrors()).toEqual([]);
  } finally {
    await judge.close();
    await backend.close();
  }
});
