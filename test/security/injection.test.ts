// Check 38: every place of the compiled model where a caller's text can stand × 60 texts that mean
// something to SQL. Judged by PostgreSQL: no error of a statement in its log, no shape of statement
// that harmless texts had not brought about, no 5xx, and what is found equals the text literally.
// Nightly: every text at every place with every operator, and the corners' model.
//
// Planted, each red before it was taken out again:
// - a filter's value between quotes in the text of the statement -> 5xx, log, rows found
// - the id of the address not looked at -> log ("invalid input syntax for type uuid")
// - a filter's value not looked at (`accepts` always true) -> log
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrganization, rowCounts, TABLES } from "../fixtures/work-orders-world.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { InjectionJudge } from "./injection-judge.ts";
import { PAYLOADS } from "./injection-payloads.ts";

let backend: TestBackend;
let judge: InjectionJudge;
let key: string;
let harmless: ReadonlyMap<string, string>;
beforeAll(async () => {
  backend = await startTestBackend("injection");
  ({ key } = (await createOrganization(backend, "Acme")).people.manager);
  // Rows whose name is the text itself, so that a literal reading finds exactly one.
  for (const name of PAYLOADS) await backend.request("/v1/sites", { key, body: { name } });
  judge = await InjectionJudge.start(backend, key);
  const values = ["plain", "open", "1", "true", "2026-01-01T00:00:00Z", TYPICAL_ID];
  await judge.run(values, { every: true });
  harmless = await judge.shapes();
});
afterAll(async () => {
  await judge?.close();
  await backend?.close();
});

// A place meets three or four of the texts here, and all sixty every night.
const ONE_IN = 16;
const TYPICAL_ID = "01890a5d-ac96-774b-bcce-b302099a8057";

test("there are sixty texts, all different", () => {
  expect(new Set(PAYLOADS).size).toBe(60);
});

test("no text of a caller becomes SQL, wherever it stands", { timeout: 120_000 }, async ({
  annotate,
}) => {
  const before = await rowCounts(backend, Object.values(TABLES));
  const verdict = await judge.run(PAYLOADS, { oneIn: ONE_IN });
  expect(verdict.faults).toEqual([]);
  const grown = [...(await judge.shapes())].filter(([id]) => !harmless.has(id));
  expect(grown).toEqual([]);
  expect(harmless.size).toBeGreaterThan(50);
  expect(await judge.loggedErrors()).toEqual([]);
  const after = await rowCounts(backend, Object.values(TABLES));
  for (const table of Object.values(TABLES)) {
    expect(after[table], table).toBeGreaterThanOrEqual(before[table] ?? 0);
  }
  await annotate(`${verdict.sent} requests, ${verdict.accepted} answered 2xx`);
});

test("each text finds the one row that is called so", async () => {
  for (const name of PAYLOADS) {
    const reply = await backend.request(`/v1/sites?filter[name]=${encodeURIComponent(name)}`, {
      key,
    });
    expect(reply.json.data.map((row: { name: string }) => row.name)).toEqual([name]);
  }
});
