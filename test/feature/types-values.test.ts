// Values of PostgreSQL's less common types on their way in and out: what is not one is refused by
// its field's name with 400; what is one comes back exactly and goes in again. Filters and sorts
// where the comparison is leakproof.
//
// Planted faults, each red before it was taken out again:
// - bits cast without a length (PostgreSQL cuts in silence) -> bits
// - ISO durations handed to PostgreSQL as they are -> PT9223372036854.775807S loses microseconds
// - base64 with bits that belong to no byte taken -> bytes
// - isCidr without the test of the bits to the right -> network (422 without a name)
// - an enum's values not looked at -> mood
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEPT } from "../fixtures/kept-values.ts";
import { expectRefusal, namedFields } from "../fixtures/refusals.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let admin: Person;
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/types");
  backend = await startTestBackend("types", { directory });
  const id = crypto.randomUUID();
  admin = await backend.person(await backend.tenant("Acme"), "admin", id);
});
afterAll(async () => {
  const failures = backend.log.filter((line) => line.message === "request failed");
  await backend.close();
  expect(failures).toEqual([]); // Not one reply of 500 or above in the whole file.
});

const request = (path: string, body?: unknown, method?: string): Promise<Reply> =>
  backend.request(path, {
    key: admin.key,
    ...(body === undefined ? {} : { body }),
    ...(method === undefined ? {} : { method }),
  });
const specimen = (field: string, value: unknown): Promise<Reply> =>
  request("/v1/specimens", { [field]: value });

const NEVER = [{}, [], true, 7, "", "x\u0000", "now", "NULL", "infinity"];
const REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  code: ["12345", "a\u0000", 7, true, {}],
  bits: ["10", "1010", "102", "0b1", ...NEVER],
  flags: ["1".repeat(13), "2", "B1", 7, {}, "x"],
  mood: ["Calm", "calm ", ...NEVER],
  clock: ["25:00", "10:60", "10:00:60", "24:00:01", "10:00:00.1234567", "10", "10:00Z", ...NEVER],
  zoned: ["10:00", "10:00+16:00", "10:00+01:60", "10:00 +01", "24:01Z", "10:00z", ...NEVER],
  lasts: [
    "P",
    "PT",
    "P1DT",
    "1 day",
    "P1.5D",
    "PT1.1234567S",
    "P2147483648D",
    "P178956970Y8M",
    "PT2562047789H",
    "PT9223372036854.775808S",
    "PT-9223372036854.775809S",
    "P99999999999999999999D",
    ...NEVER,
  ],
  host: ["192.0.2", "192.0.2.256", "192.0.2.1/33", "::1/129", "::1%eth0", "010.0.0.1", ...NEVER],
  network: ["192.0.2.1/24", "192.0.2.0", "::1/64", "10.0.0.0/33", "10/8", ...NEVER],
  device: ["08:00:2b:01:02", "08:00:2b:01:02:0g", "08:00-2b:01:02:03", "08002b010203", ...NEVER],
  device8: ["08:00:2b:01:02:03", "08:00:2b:01:02:03:04:05:06", ...NEVER],
  bytes: ["a", "a===", "aGVsbG8", "aGVsbG9=", "aGVs\nbG8=", "-_-_", 7, {}, true],
  place: [[1], [1, 2, 3], ["1", "2"], [1, null], { x: 1, y: 2 }, "(1,2)", true],
  border: [[0, 0, 1], [1e-7, 1e-7, 3], [1, 2], "{1,2,3}", true],
  during: [
    "[2026-12-01,2027-01-01)",
    "[2026-12-01T00:00:00,)",
    "2026-12-01T00:00:00Z",
    "[2026-12-01T00:00:00Z,2026-13-01T00:00:00Z)",
    ...NEVER,
  ],
  numbers: ["[a,b]", "[1,2", "(1;2)", "[1e5,]", "[NaN,]", ...NEVER],
  days: ["[2026-02-30,)", "[2026-12-01T00:00:00Z,)", ...NEVER],
  spans: ["[1,2)", "{[1,2)", "{[1,2),}", "{[1,2147483648)}", "{1,2}", ...NEVER],
  locals: ["[2026-12-01T00:00:00Z,)", "[2026-12-01,)", ...NEVER],
  counter: ["1", 2_147_483_648],
  asDate: ["2026-02-30"],
  codes: [["abc"], "ab", [7]],
  bitLists: [["1"], ["111"]],
  moods: [["angry"], [null]],
  durations: [["1 day"]],
  hosts: [["x"]],
  blobs: [["a"]],
  places: [[1, 2], [[1]]],
};

describe.each(Object.entries(REFUSED))("%s", (field, values) => {
  test("refuses by its name what it cannot be, and says what it could be", async () => {
    for (const value of values) {
      const reply = await specimen(field, value);
      expectRefusal(reply, 400, "VALIDATION_ERROR");
      expect(namedFields(reply)[0], JSON.stringify(value)).toMatch(
        new RegExp(`^${field}(\\[\\d+\\])?$`),
      );
      expect(reply.json.error.details[0].message).toMatch(/must /);
    }
  });
});

const kept = KEPT.map(([field, value, reply = value]) => ({ field, value, reply }));
test.each(kept)("$field keeps $value", async ({ field, value, reply }) => {
  const made = await specimen(field, value);
  expect(made.status, made.text).toBe(201);
  expect(made.json.data[field]).toEqual(reply);
  const path = `/v1/specimens/${made.json.data.id}`;
  const read = await request(path);
  expect(read.json.data[field]).toEqual(reply);
  // What came out goes in again.
  const again = await request(path, { [field]: reply }, "PATCH");
  expect(again.status, again.text).toBe(200);
  expect(again.json.data[field]).toEqual(reply);
});

test("many records of one request keep every type as one record does", async () => {
  const records = KEPT.map(([field, value]) => ({ [field]: value }));
  const made = await request("/v1/specimens/bulk-create", { records });
  expect(made.status, made.text).toBe(200);
  for (const [at, [field, value, reply = value]] of KEPT.entries()) {
    expect(made.json.data[at].data?.[field]).toEqual(reply);
  }
});

test("a default of the table or of Node stands where a create gives none", async () => {
  const made = await request("/v1/specimens", { code: "dflt" });
  expect(made.json.data).toMatchObject({ lasts: "P1DT2H", mood: "calm", made: "bWFkZQ==" });
  expect(made.json.data.counter).toBeTypeOf("number");
});

test("what Drizzle reads in an action can be written back by change()", async () => {
  const values = Object.fromEntries(KEPT.map(([field, value]) => [field, value]));
  const made = await request("/v1/specimens", values);
  expect(made.status, made.text).toBe(201);
  const { id } = made.json.data as { id: string };
  const again = await request(`/v1/specimens/${id}/rewrite`, undefined, "POST");
  expect(again.status, again.text).toBe(200);
  const { updatedAt: _, version: __, ...rest } = made.json.data;
  expect(again.json.data).toMatchObject(rest);
});

const ORDERED: readonly (readonly [field: string, values: readonly string[]])[] = [
  ["code", ["aa  ", "ab  ", "b   "]],
  ["bits", ["001", "010", "100"]],
  ["flags", ["0", "01", "1"]],
  ["clock", ["08:00:00", "10:00:00.5", "24:00:00"]],
  ["zoned", ["10:00:00+02", "10:00:00+00", "12:00:00+00"]],
  ["lasts", ["PT-1H", "P1D", "P1M", "P1Y"]],
  ["host", ["192.0.2.1/24", "192.0.2.1", "192.0.2.10", "::1"]],
  ["network", ["10.0.0.0/8", "10.0.0.0/16", "::/0"]],
  ["device", ["08:00:2b:01:02:03", "08:00:2b:01:02:04"]],
  ["device8", ["08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:06"]],
  ["bytes", ["AAEC", "aGVsbG8=", "//79"]],
];

describe("a list", () => {
  test.each(ORDERED)(
    "sorts and filters by %s through an index, page by page",
    async (field, values) => {
      const key = (
        await backend.person(await backend.tenant(`Sorts ${field}`), "admin", crypto.randomUUID())
      ).key;
      const get = (query: string) => backend.request(`/v1/specimens?${query}`, { key });
      const base = Object.fromEntries(ORDERED.map(([name]) => [name, null]));
      for (const value of values.toReversed()) {
        const body = { ...base, [field]: value };
        expect((await backend.request("/v1/specimens", { key, body })).status).toBe(201);
      }
      const seen: unknown[] = [];
      let after: string | null = "";
      while (after !== null) {
        const cursor: string = after === "" ? "" : `&page[after]=${encodeURIComponent(after)}`;
        const page: Reply = await get(`sort=${field}&page[size]=1${cursor}`);
        expect(page.status, page.text).toBe(200);
        seen.push(...page.json.data.map((one: Record<string, unknown>) => one[field]));
        after = page.json.meta.pagination.next;
      }
      expect(seen).toEqual(values);
      const [first = "", second = ""] = values.map(encodeURIComponent);
      const found = async (test: string) => {
        const reply = await get(`filter[${field}]${test}&sort=${field}`);
        expect(reply.status, reply.text).toBe(200);
        return reply.json.data.map((one: Record<string, unknown>) => one[field]);
      };
      expect(await found(`=${second}`)).toEqual([values[1]]);
      expect(await found(`[gt]=${first}`)).toEqual(values.slice(1));
      expect(await found(`[in]=${first},${second}`)).toEqual(values.slice(0, 2));
      expectRefusal(await get(`filter[${field}]=%00`), 400, "PARAMETER_INVALID");
    },
  );

  test("takes no filter and no sort where comparing is not leakproof", async () => {
    for (const field of ["mood", "place", "border", "during", "spans", "asNumber", "hosts"]) {
      expectRefusal(await request(`/v1/specimens?filter[${field}]=x`), 400, "PARAMETER_INVALID");
      expectRefusal(await request(`/v1/specimens?sort=${field}`), 400, "PARAMETER_INVALID");
    }
  });

  // Planted: `comparable` set for enums -> red.
  test("offers a type where and only where PostgreSQL calls its comparison leakproof", async () => {
    const rows = await backend.owner.query<{ column_name: string; leakproof: boolean }>(
      `select a.attname as column_name, bool_and(p.proleakproof) as leakproof
         from pg_attribute a
         join pg_type t on t.oid = a.atttypid
         join pg_opclass c on c.opcdefault and c.opcmethod =
              (select oid from pg_am where amname = 'btree')
          and c.opcintype = case when t.typtype = 'e' then 'anyenum'::regtype
                when t.typtype = 'r' then 'anyrange'::regtype
                when t.typtype = 'm' then 'anymultirange'::regtype
                when t.typname = 'cidr' then 'inet'::regtype
                when t.typname = 'varchar' then 'text'::regtype else t.oid end
         join pg_amop o on o.amopfamily = c.opcfamily and o.amoplefttype = c.opcintype
          and o.amoprighttype = c.opcintype
         join pg_operator op on op.oid = o.amopopr
         join pg_proc p on p.oid = op.oprcode
        where a.attrelid = 'specimens'::regclass and a.attnum > 0 group by 1`,
    );
    const leakproof = new Map(rows.map((row) => [row.column_name, row.leakproof]));
    const { fields } = backend.project.model.resources.get("specimens")?.table ?? {};
    for (const field of fields?.values() ?? []) {
      expect(field.type?.comparable, field.name).toBe(leakproof.get(field.column) ?? false);
    }
  });
});

test("the contract says what each type looks like", async () => {
  const { json } = await request("/openapi.json");
  const { properties } = json.components.schemas.Specimens;
  expect(properties.mood).toEqual({
    type: ["string", "null"],
    enum: ["calm", "it's", "loud", null],
  });
  expect(properties.bits).toMatchObject({ type: ["string", "null"], pattern: "^[01]{3}$" });
  expect(properties.lasts).toMatchObject({ type: ["string", "null"], format: "duration" });
  expect(properties.bytes).toMatchObject({ type: ["string", "null"], contentEncoding: "base64" });
  expect(properties.code).toMatchObject({ type: ["string", "null"], maxLength: 4 });
  expect(properties.place).toMatchObject({ type: ["array", "null"], minItems: 2, maxItems: 2 });
});
