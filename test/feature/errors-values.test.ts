// Values of every type on their way in and out: what is not one is refused by its field's name with
// 400 and changes nothing; what is one comes back exactly, or with the precision that is promised.
// Also what no column of ours can hold, and what PostgreSQL alone can tell (422).
//
// Planted faults, each red before it was taken out again:
// - integers not bounded -> whole 2147483648 (422 without a name)
// - NUL let through -> plain
// - instants taken that no reply can show (the year not looked at) -> at 9999…-14:00
// - JSON looked at by z.json() -> a member named __proto__ is lost
// - elements of arrays rendered by row_to_json -> bigs lose their digits
// - an index entry that is too long not understood (54000) -> long names
// - details without end -> a hundred thousand unknown fields
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, namedFields } from "../fixtures/refusals.ts";
import { rowCounts } from "../fixtures/work-orders-world.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let admin: Person;
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/corners");
  backend = await startTestBackend("values", { directory });
  admin = await backend.person(await backend.tenant("Acme"), "admin");
});
afterAll(async () => {
  const failures = backend.log.filter((line) => line.message === "request failed");
  await backend.close();
  expect(failures).toEqual([]); // Not one reply of 500 or above in the whole file.
});

const counts = () => rowCounts(backend, ["samples", "groups", "tickets"]);
/** JSON as text, because some of it is none that JSON.stringify would write. */
async function post(path: string, json: string): Promise<Reply> {
  const reply = await fetch(`${backend.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${admin.key}`, "content-type": "application/json" },
    body: json,
  });
  const text = await reply.text();
  return { status: reply.status, headers: reply.headers, text, json: JSON.parse(text) };
}
const sample = (field: string, json: string): Promise<Reply> =>
  post("/v1/samples", `{${JSON.stringify(field)}:${json}}`);

/** Of no type but text and JSON, and of some not even that. */
const NEVER = ["{}", "[]", "[[]]", '{"a":1}'];
const NO_TEXT = ["7", "true", "1.5", ...NEVER];
const NO_NUMBER = ['"7"', '""', "true", '"x"', "1e400", "-1e400", ...NEVER];
const NO_INTEGER = ["1.5", "0.1", "1e-3", ...NO_NUMBER];
const NO_STRING = ['"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"x\\udc00"', '"\\udc00\\ud800"'];

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  small: ["32768", "-32769", "1e5", ...NO_INTEGER],
  whole: ["2147483648", "-2147483649", "9007199254740993", "1e10", "1e308", ...NO_INTEGER],
  big: [
    "9007199254740993",
    "9007199254740992",
    "1.5",
    '"9223372036854775808"',
    '"-9223372036854775809"',
    '"1.0"',
    '"1e3"',
    '"0x10"',
    '" 1"',
    '"+1"',
    '""',
    "true",
    ...NEVER,
  ],
  single: NO_NUMBER,
  double: NO_NUMBER,
  amount: ["1", "1.5", '"1e5"', '"NaN"', '"Infinity"', '"1,5"', '".5"', '"5."', '"--1"', ...NEVER],
  flag: ['"true"', "0", "1", '""', '"f"', ...NEVER],
  day: ['"2026-02-30"', '"2026-13-01"', '"0000-01-01"', '"2026-1-1"', '"26-01-01"', ...NO_TEXT],
  at: [
    '"2026-12-01"',
    '"2026-12-01T00:00:00"',
    '"2026-12-01T00:00:00+02"',
    '"2026-12-01T00:00:00+02:99"',
    '"2026-12-01T00:00:00+15:00"',
    '"2026-12-01T24:00:00Z"',
    '"2026-12-01T00:00:60Z"',
    '"2026-02-29T00:00:00Z"',
    '"2026-12-01 00:00:00Z"',
    '"2026-12-01T00:00:00.1234567Z"',
    '"2026-12-01T00:00:00z"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-14:00"',
    '"now"',
    '"infinity"',
    '"2026-12-01T00:00:00Z\\u0000"',
    "1796083200",
    ...NO_TEXT,
  ],
  localAt: ['"2026-12-01T00:00:00Z"', '"2026-12-01"', '"2026-12-01T25:00"', '"now"', ...NO_TEXT],
  plain: [...NO_STRING, ...NO_TEXT],
  code: ['"123456789"', `"${"😀".repeat(9)}"`, ...NO_STRING, ...NO_TEXT],
  link: ['"x"', `"${randomUUID()}0"`, `"{${randomUUID()}}"`, `"${"0".repeat(32)}"`, ...NO_TEXT],
  kind: ['"c"', '"A"', '""', '"a "', '"constructor"', ...NO_TEXT],
  document: ["1e400", '{"a":-1e400}', ...NO_STRING, '{"a":["\\u0000"]}', '{"\\ud800":1}'],
  data: ["1e400", '{"a":-1e400}', ...NO_STRING, '{"a":["\\u0000"]}', '{"\\u0000":1}'],
  tags: [
    '"a"',
    "{}",
    "[1]",
    "[null]",
    '["a",["b"]]',
    '["\\u0000"]',
    `[${'"x",'.repeat(1_000)}"x"]`,
  ],
  bigs: ['["9223372036854775808"]', "[1.5]", '["x"]', "[[]]", "[9007199254740993]"],
  amounts: ["[1]", '["1e5"]', '["NaN"]'],
  instants: ['["2026-12-01"]', '["2026-12-01T00:00:00"]', "[0]"],
};

describe.each(Object.entries(REFUSED))("%s", (field, values) => {
  test("refuses by its name what it cannot be, and changes nothing", async () => {
    const before = await counts();
    for (const json of values) {
      const reply = await sample(field, json);
      expectRefusal(reply, 400, "VALIDATION_ERROR");
      expect(namedFields(reply)[0], json).toMatch(new RegExp(`^${field}(\\[\\d+\\])?$`));
    }
    expect(await counts()).toEqual(before);
  });
});

type Kept = readonly [field: string, json: string, reply?: unknown];
const KEPT: readonly Kept[] = [
  ["small", "-32768"],
  ["whole", "2147483647"],
  ["whole", "1e3", 1_000],
  ["whole", "-0", 0],
  ["big", '"9223372036854775807"'],
  ["big", '"-9223372036854775808"'],
  ["big", "9007199254740991", "9007199254740991"],
  ["single", "0.5"],
  ["double", "1.7976931348623157e308"],
  ["double", "5e-324"],
  ["amount", '"9999999999.99"'],
  ["amount", '"-0.01"'],
  ["amount", '"7"', "7.00"],
  ["flag", "false"],
  ["day", '"0001-01-01"'],
  ["day", '"9999-12-31"'],
  ["day", '"2024-02-29"'],
  ["at", '"2026-12-01T02:00:00.123456+02:00"', "2026-12-01T00:00:00.123456Z"],
  ["at", '"2026-12-01T00:00Z"', "2026-12-01T00:00:00.000000Z"],
  ["at", '"0001-01-01T00:00:00Z"', "0001-01-01T00:00:00.000000Z"],
  ["at", '"9999-12-31T23:59:59.999999Z"'],
  ["localAt", '"2026-03-29T02:30:00"', "2026-03-29T02:30:00.000000"],
  ["plain", '""'],
  ["plain", '"\\u202e \\ufeff \\u0001 \\\\ \' \\" ; -- % _"'],
  ["plain", '"😀 e\\u0301 é"'],
  ["plain", '"__proto__"'],
  ["code", `"${"😀".repeat(8)}"`],
  ["link", '"01890A5D-AC96-774B-BCCE-B302099A8057"', "01890a5d-ac96-774b-bcce-b302099a8057"],
  ["kind", '"b"'],
  ["document", '{"b":1,"a":[true,null,"x"],"":{}}'],
  ["document", '"\\\\u0000"'],
  ["data", '[1,"😀",{"a":1.5}]'],
  ["data", '"text"'],
  ["tags", '["a,b","{}","\\"","\\\\","","NULL","😀"]'],
  ["tags", "[]"],
  ["bigs", '["9007199254740993","-1"]'],
  ["bigs", "[]"],
  ["amounts", '["1.50","-0.001"]'],
  ["instants", '["2026-12-01T02:00:00+02:00"]', ["2026-12-01T00:00:00.000000Z"]],
];

const kept = KEPT.map(([field, json, reply = JSON.parse(json)]) => ({ field, json, reply }));
test.each(kept)("$field keeps $json", async ({ field, json, reply }) => {
  const made = await sample(field, json);
  expect(made.status, made.text).toBe(201);
  expect(made.json.data[field]).toEqual(reply);
  const path = `/v1/samples/${made.json.data.id}`;
  const read = await backend.request(path, { key: admin.key });
  expect(read.json.data[field]).toEqual(reply);
  // What came out goes in again.
  const again = await backend.request(path, {
    key: admin.key,
    method: "PATCH",
    body: { [field]: read.json.data[field] },
  });
  expect(again.status, again.text).toBe(200);
  expect(again.json.data[field]).toEqual(reply);
});

test("a member named __proto__ is data, and pollutes nothing", async () => {
  const json = '{"document":{"__proto__":{"polluted":1}},"data":{"constructor":{"prototype":{}}}}';
  const made = await post("/v1/samples", json);
  expect(made.text).toContain('"document":{"__proto__":{"polluted":1}}');
  for (const body of [
    '{"__proto__":{"polluted":1}}',
    '{"plain":"x","__proto__":{"plain":"y"}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"prototype":1}',
    '{"toString":"x"}',
    '{"hasOwnProperty":1}',
  ]) {
    expectRefusal(await post("/v1/samples", body), 400, "VALIDATION_ERROR");
  }
  expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(PROTOTYPE);
  expect("polluted" in {}).toBe(false);
});
const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype).toSorted();

describe("what only PostgreSQL can tell", () => {
  test("a value that fits no column or index entry is 422, no failure", async () => {
    const before = await counts();
    const long = randomBytes(6_000).toString("base64");
    const cases: readonly (readonly [path: string, body: object])[] = [
      ["/v1/samples", { amount: "99999999999999" }],
      ["/v1/samples", { single: 1e300 }],
      ["/v1/samples", { plain: long }],
      ["/v1/groups", { name: long }],
    ];
    for (const [path, body] of cases) {
      const reply = await backend.request(path, { key: admin.key, body });
      expectRefusal(reply, 422, "UNPROCESSABLE");
    }
    expect(await counts()).toEqual(before);
  });

  test("a taken unique value is 409 and names its field", async () => {
    const body = { name: "Taken" };
    expect((await backend.request("/v1/groups", { key: admin.key, body })).status).toBe(201);
    const before = await counts();
    const reply = await backend.request("/v1/groups", { key: admin.key, body });
    expectRefusal(reply, 409, "CONFLICT", "name");
    expect(namedFields(reply)).toEqual(["name"]);
    expect(await counts()).toEqual(before);
  });
});

describe("a body of unreasonable size", () => {
  test("with a hundred thousand unknown fields is refused in a short reply", async () => {
    const fields = Array.from({ length: 100_000 }, (_, at) => `"x${at.toString(36)}":1`);
    const reply = await post("/v1/samples", `{${fields.join(",")}}`);
    expectRefusal(reply, 400, "VALIDATION_ERROR", "x0");
    expect(reply.text.length).toBeLessThan(20_000);
  });

  test("with half a million list entries is refused or stored, not choked on", async () => {
    const list = `[${"1,".repeat(500_000)}1]`;
    const tags = await post("/v1/samples", `{"tags":${list}}`);
    expectRefusal(tags, 400, "VALIDATION_ERROR", "tags");
    const data = await post("/v1/samples", `{"amounts":null,"data":${list}}`);
    expect(data.status).toBe(201);
    expect(data.json.data.data).toHaveLength(500_001);
  });
});
