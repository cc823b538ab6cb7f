// The less common types, random and at their extremes: a record has the same bytes whether a write
// made its JSON in PostgreSQL or a read made it in Node, also where only SQL can write the value.
//
// Planted faults, each seen red: base64 with PostgreSQL's line breaks; coordinates() with NaN bare;
// infinity sliced like an instant; `inet` as `::text` (which adds /32).
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { jsonSource, jsonSourceAsText } from "../../src/model/json-text.ts";
import { columnName } from "../../src/sql/names.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let admin: Person;
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/types");
  backend = await startTestBackend("types_bytes", { directory });
  admin = await backend.person(await backend.tenant("Acme"), "admin", newId());
});
afterAll(() => backend?.close());

async function expectOneSpelling(written: string): Promise<void> {
  const { id } = JSON.parse(written).data as { id: string };
  const one = await backend.request(`/v1/specimens/${id}`, { key: admin.key });
  const list = await backend.request(`/v1/specimens?filter[id]=${id}`, { key: admin.key });
  expect(one.text).toBe(written);
  expect(`{"data":${/^\{"data":\[(.*)\],"meta"/s.exec(list.text)?.[1]}}`).toBe(written);
}

const bits = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom("0", "1"), minLength: least, maxLength: most });
const two = (value: number): string => String(value).padStart(2, "0");
const clock = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999_999))
  .map(([h, m, s, u]) => `${two(h)}:${two(m)}:${two(s)}.${String(u).padStart(6, "0")}`);
const offset = fc
  .tuple(fc.constantFrom("+", "-"), fc.nat(15), fc.nat(59))
  .map(([sign, h, m]) => `${sign}${two(h)}:${two(m)}`);
const duration = fc
  .tuple(
    fc.integer({ min: -178_956_969, max: 178_956_969 }),
    fc.integer({ min: -11, max: 11 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: -2_562_047_787, max: 2_562_047_787 }),
    fc.integer({ min: -59, max: 59 }),
    fc.nat(999_999),
  )
  .map(([y, mo, d, h, m, u]) => `P${y}Y${mo}M${d}DT${h}H${m}M1.${String(u).padStart(6, "0")}S`);
const bytes = fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b).toString("base64"));
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const device = (count: number) =>
  fc
    .uint8Array({ minLength: count, maxLength: count })
    .map((all) => [...all].map((one) => one.toString(16).padStart(2, "0")).join(":"));
const range = fc
  .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(1e6), fc.constantFrom("[", "("))
  .map(([from, length, open]) => `${open}${from},${from + length}]`);
const point = fc.tuple(finite, finite);
const specimen = fc.record(
  {
    code: fc
      .string({ maxLength: 4, unit: "grapheme" })
      .filter((text) => text.isWellFormed() && !text.includes("\u0000") && [...text].length <= 4),
    bits: bits(3, 3),
    flags: bits(0, 12),
    mood: fc.constantFrom("calm", "it's", "loud"),
    clock,
    zoned: fc.tuple(clock, offset).map((parts) => parts.join("")),
    lasts: duration,
    host: fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV4Extended().filter((ip) => /^[\d.]+$/.test(ip)),
    ),
    device: device(6),
    device8: device(8),
    bytes,
    place: point,
    border: fc.tuple(fc.integer({ min: 1 }), finite, finite),
    numbers: range,
    codes: fc.array(fc.constantFrom("a", "é", '"', "\\"), { maxLength: 3 }),
    durations: fc.array(duration, { maxLength: 3 }),
    blobs: fc.array(bytes, { maxLength: 3 }),
    places: fc.array(point, { maxLength: 3 }),
    clocks: fc.array(clock, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

test("a record of any values has the same bytes from a write, a get and a list", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(specimen, async (body) => {
      const made = await backend.request("/v1/specimens", { key: admin.key, body });
      if (made.status !== 201) return; // What cannot be stored is refused; others test that.
      await expectOneSpelling(made.text);
      compared += 1;
    }),
    { numRuns: 120, seed: 18 },
  );
  expect(compared).toBeGreaterThan(80);
});

const ONLY_SQL: Readonly<Record<string, readonly string[]>> = {
  at: ["'infinity'", "'-infinity'", "'0044-03-15 00:00:00.5+00 BC'", "'10000-01-01+00'"],
  local_at: ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'294276-12-31 23:59:59.999999'"],
  day: ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'"],
  lasts: ["'infinity'", "'-infinity'", "'-178956970 years -8 months -2147483648 days'"],
  as_number: ["'NaN'", "'-Infinity'", "1e300"],
  amount: ["'NaN'"],
  place: ["'(NaN,Infinity)'", "'(-0,-Infinity)'"],
  spot: ["'(1e-320,5)'"],
  border: ["'{NaN,1,-Infinity}'"],
  zoned: ["'24:00:00-15:59:59'"],
  code: ["''"],
  during: ["'[-infinity,infinity]'"],
  days: ["'[0044-03-15 BC,infinity)'"],
  host: ["'192.0.2.7/0'"],
  bytes: ["decode(repeat('00ff', 600), 'hex')"],
  blobs: ["array[decode(repeat('00ff', 600), 'hex'), null]"],
  places: ["array[point '(NaN,1)', null]"],
  durations: ["array[interval 'infinity', null]"],
  codes: ["array['a', null]"],
  moods: ["array['it''s', null]::\"Mood of it\"[]"],
};

test.each(Object.entries(ONLY_SQL))(
  "what only SQL can write to %s reads the same",
  async (column, values) => {
    const made = await backend.request("/v1/specimens", { key: admin.key, body: { whole: 1 } });
    const { id } = made.json.data as { id: string };
    for (const value of values) {
      await backend.owner.query(`update specimens set ${column} = ${value} where id = $1`, [id]);
      const patch = { key: admin.key, method: "PATCH", body: { whole: 2 } };
      const written = await backend.request(`/v1/specimens/${id}`, patch);
      expect(written.status, written.text).toBe(200);
      await expectOneSpelling(written.text);
    }
  },
);

test("an infinite time is told as PostgreSQL spells it, and refused in a request", async () => {
  const made = await backend.request("/v1/specimens", { key: admin.key, body: { whole: 1 } });
  const { id } = made.json.data as { id: string };
  const set = "at = 'infinity', local_at = '-infinity', day = 'infinity', lasts = 'infinity'";
  await backend.owner.query(`update specimens set ${set} where id = $1`, [id]);
  const { json } = await backend.request(`/v1/specimens/${id}`, { key: admin.key });
  const infinite = { at: "infinity", localAt: "-infinity", day: "infinity", lasts: "infinity" };
  expect(json.data).toMatchObject(infinite);
  for (const [field, value] of Object.entries(infinite)) {
    const reply = await backend.request("/v1/specimens", {
      key: admin.key,
      body: { [field]: value },
    });
    expect(reply.status).toBe(400);
  }
});

// Included records of a relation to many are lists of texts. Planted fault: `inet`, `bpchar` or
// `boolean` by a cast alone -> red.
test("a column as text is what PostgreSQL sends for it, of every type", async () => {
  const specimens = backend.project.model.resources.get("specimens");
  if (specimens === undefined) throw new Error("the fixture serves specimens");
  const [rows] = await backend.owner.query<{ all: string }>(
    'select count(*)::text as "all" from specimens',
  );
  expect(Number(rows?.all)).toBeGreaterThan(10);
  for (const field of specimens.served) {
    const [column, own] = [columnName(field), jsonSource(field, columnName(field))];
    const [other] = await backend.owner.query<{ id: string }>(
      `select id::text from specimens where ${jsonSourceAsText(field, column)} is distinct from
         case when ${column} is not null then format('%s', ${own}) end`,
    );
    expect(other, field.name).toBeUndefined();
  }
});
