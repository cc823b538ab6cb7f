// Reads make JSON in Node, writes in PostgreSQL: the same record has the same bytes either way.
// Planted faults, each seen red: microseconds() without padding; string() that escapes no control
// characters; instant() by one division of all the microseconds; float() that writes NaN bare.
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let admin: Person;

beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/corners");
  backend = await startTestBackend("json_bytes", { directory });
  admin = await backend.person(await backend.tenant("Acme"), "admin", newId());
});
afterAll(() => backend?.close());

/** The bytes of one record by every way to read it, the writer's first. */
async function spellings(written: string): Promise<string[]> {
  const { id } = JSON.parse(written).data as { id: string };
  const one = await backend.request(`/v1/samples/${id}`, { key: admin.key });
  const list = await backend.request(`/v1/samples?filter[id]=${id}`, { key: admin.key });
  const inList = /^\{"data":\[(.*)\],"meta"/s.exec(list.text)?.[1] ?? "";
  return [written, one.text, `{"data":${inList}}`];
}

const text = fc
  .string({ unit: "binary", maxLength: 40 })
  .filter((value) => value.isWellFormed() && !value.includes("\u0000"));
const instant = fc
  .tuple(fc.date({ min: new Date("0002-01-01"), max: new Date("9998-01-01") }), fc.nat(999))
  .filter(([date]) => !Number.isNaN(date.getTime()))
  .map(([date, micros]) => date.toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`));
const sample = fc.record(
  {
    small: fc.integer({ min: -32_768, max: 32_767 }),
    whole: fc.integer(),
    big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    single: fc.float({ noNaN: true, noDefaultInfinity: true }),
    double: fc.double({ noNaN: true, noDefaultInfinity: true }),
    amount: fc.integer({ min: -99_999, max: 99_999 }).map((cents) => (cents / 100).toFixed(2)),
    flag: fc.boolean(),
    at: instant,
    localAt: instant.map((value) => value.slice(0, -1)),
    plain: text,
    document: fc.json().map((value) => JSON.parse(value) as unknown),
    data: fc.json().map((value) => JSON.parse(value) as unknown),
    tags: fc.array(text, { maxLength: 4 }),
    instants: fc.array(instant, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

test("a record of any values has the same bytes from a write, a get and a list", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(sample, async (body) => {
      const made = await backend.request("/v1/samples", { key: admin.key, body });
      if (made.status !== 201) return; // What cannot be stored is refused; others test that.
      const [written, ...read] = await spellings(made.text);
      for (const one of read) expect(one).toBe(written);
      compared += 1;
    }),
    { numRuns: 150, seed: 311 },
  );
  expect(compared).toBeGreaterThan(100);
});

test("values that only SQL can write have the same bytes too", async () => {
  const made = await backend.request("/v1/samples", { key: admin.key, body: { flag: false } });
  const path = made.headers.get("location") ?? "";
  const id = path.split("/").at(-1);
  for (const [single, double, big] of [
    ["NaN", "Infinity", "-1"],
    ["-Infinity", "1e300", "0"],
    ["1e-40", "-0", "9223372036854775807"],
  ]) {
    const values = [id, single, double, big];
    const set = "single = $2, double = $3, big = $4, bigs = array[$4::bigint, null]";
    await backend.owner.query(`update samples set ${set} where id = $1`, values);
    const patch = { key: admin.key, method: "PATCH", body: { flag: true } };
    const [written, ...read] = await spellings((await backend.request(path, patch)).text);
    for (const one of read) expect(one).toBe(written);
  }
});
