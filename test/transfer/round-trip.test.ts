// What is exported goes in again and is equal, in every format and of every type: rows of two
// tenants are compared in SQL.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FORMATS, type Format, readRecords } from "../../src/transfer/read-records.ts";
import { compileMapping, resourceOf } from "../../src/transfer/row-plan.ts";
import { exportText } from "../../src/transfer/run-export.ts";
import { runImport } from "../../src/transfer/run-import.ts";
import { KEPT } from "../fixtures/kept-values.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

const folder = mkdtempSync(join(tmpdir(), "backwright-round-trip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

class Trip {
  readonly #backend: TestBackend;
  readonly #name: string;
  #files = 0;

  constructor(backend: TestBackend, name: string) {
    this.#backend = backend;
    this.#name = name;
  }

  /** An administrator of a new tenant. */
  async newcomer(): Promise<Person> {
    const tenant = await this.#backend.tenant("Tenant");
    return this.#backend.person(tenant, "admin", crypto.randomUUID());
  }

  async make(who: Person, records: readonly object[]): Promise<void> {
    const path = `/v1/${this.#name}/bulk-create`;
    for (let at = 0; at < records.length; at += 200) {
      const body = { records: records.slice(at, at + 200) };
      const { text, json } = await this.#backend.request(path, { key: who.key, body });
      expect(json.meta?.bulk?.failed, text).toBe(0);
    }
  }

  async exported(who: Person, format: Format): Promise<string> {
    const { context, authenticator } = this.#backend;
    let text = "";
    for await (const part of exportText({
      context,
      resource: resourceOf(context.model, this.#name),
      query: {},
      actor: () => authenticator.authenticate(`Bearer ${who.key}`),
      format,
      isForSpreadsheet: false,
      onProgress: () => {},
    })) {
      text += part;
    }
    return text;
  }

  /** Every field that the role may write. */
  async imported(who: Person, text: string, format: Format): Promise<void> {
    const { context, authenticator } = this.#backend;
    this.#files += 1;
    const path = join(folder, `${this.#files}.${format}`);
    writeFileSync(path, text);
    const resource = resourceOf(context.model, this.#name);
    const names = resource.access.get("admin")?.create?.fields.map(({ name }) => name) ?? [];
    const fields = Object.fromEntries(names.map((name) => [name, name]));
    const plan = compileMapping({ exact: true, fields }, context.model, this.#name, format);
    const reasons: unknown[] = [];
    await runImport({
      context,
      plan,
      records: readRecords(path, format, plan.file),
      actor: () => authenticator.authenticate(`Bearer ${who.key}`),
      isDryRun: false,
      stop: new AbortController().signal,
      onRejected: async (rejected) => {
        reasons.push(...rejected);
      },
      onProgress: () => {},
    });
    expect(reasons).toEqual([]);
  }

  /** The rows as PostgreSQL has them, without what Backwright writes. */
  async rows({ tenantId }: Person): Promise<readonly string[]> {
    const own = "'{id,organization_id,created_at,updated_at,version}'::text[]";
    const rows = await this.#backend.owner.query<{ row: string }>(
      `select (to_jsonb(t) - ${own})::text as row from ${this.#name} t
       where organization_id = $1 order by 1`,
      [tenantId],
    );
    return rows.map(({ row }) => row);
  }

  async expectEqual(from: Person, format: Format): Promise<void> {
    const to = await this.newcomer();
    await this.imported(to, await this.exported(from, format), format);
    expect(await this.rows(to)).toEqual(await this.rows(from));
  }
}

async function start(name: string, fixture: string, resource: string) {
  const directory = join(import.meta.dirname, "../fixtures", fixture);
  const backend = await startTestBackend(name, { directory });
  return { backend, trip: new Trip(backend, resource) };
}

// Planted: JSON.parse in place of parseExactly; `""` written as an empty cell -> red each.
describe("records of the usual types, of any values", () => {
  let backend: TestBackend;
  let trip: Trip;
  beforeAll(async () => {
    ({ backend, trip } = await start("round_trip", "corners", "samples"));
  });
  afterAll(() => backend?.close());

  const storable = (text: string): boolean => !text.includes("\u0000") && text.isWellFormed();
  const odd = fc.constantFrom(
    "",
    " ",
    "=1+1",
    '"',
    '""',
    "a,b",
    "x\r\ny",
    "\n",
    "null",
    "[1]",
    "é😀",
  );
  const text = fc.oneof(odd, fc.string({ unit: "grapheme" }).filter(storable));
  const day = fc
    .date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
    .map((date) => date.toISOString());
  const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
  const exact = fc.tuple(big, fc.nat(999)).map(([whole, part]) => `${whole}.${part}1`);
  const none = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null, freq: 4 });
  const json = none(
    fc.oneof(
      text,
      fc.jsonValue({ maxDepth: 2 }).filter((value) => storable(JSON.stringify(value))),
    ),
  ).filter((value) => value === null || !JSON.stringify(value).includes("\\u0000"));
  const sample = fc.record({
    small: none(fc.integer({ min: -32_768, max: 32_767 })),
    whole: none(fc.integer()),
    big: none(big),
    single: none(fc.constantFrom(0, 0.5, -1e10, 1.5e-10)),
    double: none(fc.double({ noNaN: true, noDefaultInfinity: true })),
    amount: none(
      fc.integer({ min: -999_999, max: 999_999 }).map((cents) => (cents / 100).toFixed(2)),
    ),
    flag: none(fc.boolean()),
    day: none(day.map((one) => one.slice(0, 10))),
    at: none(day),
    localAt: none(day.map((one) => one.slice(0, 23))),
    plain: none(text),
    code: none(fc.string({ maxLength: 8, unit: "grapheme-ascii" })),
    link: none(fc.uuid()),
    kind: none(fc.constantFrom("a", "b")),
    data: json,
    document: json,
    tags: none(fc.array(text, { maxLength: 3 })),
    bigs: none(fc.array(big, { maxLength: 3 })),
    amounts: none(fc.array(exact, { maxLength: 3 })),
    instants: none(fc.array(day, { maxLength: 3 })),
  });

  test.each(FORMATS)("come back equal as %s", async (format) => {
    const records = fc.array(sample, { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(records, async (some) => {
        const from = await trip.newcomer();
        await trip.make(from, some);
        await trip.expectEqual(from, format);
      }),
      { numRuns: 8 },
    );
  });

  test.each(FORMATS)("keep every digit inside JSON as %s", async (format) => {
    const from = await trip.newcomer();
    await trip.make(from, [{ plain: "digits" }]);
    const text = `update samples set data = $1::text::jsonb, document = $1::text::json
      where organization_id = $2`;
    const json = '{"n": [12345678901234567890.123456789, 1e-300]}';
    await backend.owner.query(text, [json, from.tenantId]);
    await trip.expectEqual(from, format);
  });
});

describe("records of every other type", () => {
  let backend: TestBackend;
  let trip: Trip;
  beforeAll(async () => {
    ({ backend, trip } = await start("round_trip_types", "types", "specimens"));
  });
  afterAll(() => backend?.close());

  test.each(FORMATS)("come back equal as %s", async (format) => {
    const from = await trip.newcomer();
    await trip.make(
      from,
      KEPT.map(([field, value]) => ({ [field]: value })),
    );
    expect(await trip.rows(from)).toHaveLength(KEPT.length);
    await trip.expectEqual(from, format);
  });

  test("are columns and nothing else where there is none", async () => {
    const nobody = await trip.newcomer();
    expect(await trip.exported(nobody, "csv")).toMatch(/^id,code,bits,[A-Za-z0-9,]+\n$/);
    expect(JSON.parse(await trip.exported(nobody, "json"))).toEqual([]);
    expect(await trip.exported(nobody, "ndjson")).toBe("");
  });
});
