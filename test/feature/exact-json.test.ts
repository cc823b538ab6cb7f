// JSON as it was sent: numbers that no double holds keep their digits in json and jsonb fields, and
// an object that names a member twice is refused, because one of the two would be lost.
//
// Planted faults, each seen red: JSON.parse alone; names compared as they are spelled ("\u0061").
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { expectRefusal, namedFields } from "../fixtures/refusals.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let admin: Person;
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/corners");
  backend = await startTestBackend("exact_json", { directory });
  admin = await backend.person(await backend.tenant("Acme"), "admin", newId());
});
afterAll(() => backend?.close());

async function post(body: string): Promise<Reply> {
  const headers = { authorization: `Bearer ${admin.key}`, "content-type": "application/json" };
  const reply = await fetch(`${backend.url}/v1/samples`, { method: "POST", headers, body });
  const text = await reply.text();
  return { status: reply.status, headers: reply.headers, text, json: JSON.parse(text) };
}

describe("a number of a json or jsonb field", () => {
  test.each([
    "9007199254740993",
    "-123456789012345678901234567890",
    "0.12345678901234567890123",
    "12345678901234567890.5",
    "1e-400",
    "45035996273704961e-1",
    "2.5e-330",
  ])("keeps %s", async (number) => {
    const made = await post(`{"document":{"n":[${number}]},"data":{"n":[${number}],"b":1}}`);
    expect(made.status, made.text).toBe(201);
    expect(made.text).toContain(`"document":{"n":[${number}]}`);
    const { rows } = await stored(made.json.data.id, number);
    expect(rows).toBe(true);
  });

  /** Whether PostgreSQL holds this very number in `data`. */
  async function stored(id: string, number: string): Promise<{ rows: boolean | undefined }> {
    const text =
      "select (data #>> '{n,0}')::numeric = $2::numeric as same from samples where id = $1";
    const [row] = await backend.owner.query<{ same: boolean }>(text, [id, number]);
    return { rows: row?.same };
  }

  test("of any digits and exponent comes out as the same number", async () => {
    const digits = fc.stringMatching(/^-?[1-9][0-9]{0,40}(\.[0-9]{1,40})?(e-?[0-9]{1,2})?$/);
    await fc.assert(
      fc.asyncProperty(digits, async (number) => {
        const made = await post(`{"data":{"n":[${number}]}}`);
        expect(made.status, made.text).toBe(201);
        expect(await stored(made.json.data.id, number)).toEqual({ rows: true });
      }),
      { numRuns: 40, seed: 53 },
    );
  });

  // Planted: no bound of the exponents -> 201 with a reply a thousand times as long, red.
  test("of jsonb is refused where exponents would make a small body a huge row", async () => {
    const many = (exponent: string, count: number): string => {
      return `[${Array.from({ length: count }, () => exponent).join()}]`;
    };
    for (const numbers of [many("1e-16383", 7), many("1e-400", 260), many("1e300", 340)]) {
      const refused = await post(`{"data":${numbers}}`);
      expectRefusal(refused, 400, "VALIDATION_ERROR", "data");
      expect(refused.json.error.details[0].message).toContain("100000 noughts at most");
      // The type json keeps the text as it came.
      expect((await post(`{"document":${numbers}}`)).status).toBe(201);
    }
    const taken = await post(`{"data":${many("1e-400", 240)}}`);
    expect(taken.status).toBe(201);
    expect(taken.text.length).toBeLessThan(110_000);
  });

  test("of a field that is a double is rounded, one that is an integer refused", async () => {
    const made = await post('{"double":0.12345678901234567890123,"single":1.00000000000000000001}');
    expect(made.json.data).toMatchObject({ double: 0.12345678901234568, single: 1 });
    for (const field of ["whole", "small", "big"]) {
      const reply = await post(`{"${field}":9007199254740993}`);
      expectRefusal(reply, 400, "VALIDATION_ERROR", field);
    }
  });

  test("sent under one key twice is one request, with other digits another", async () => {
    const send = (number: string) =>
      fetch(`${backend.url}/v1/samples`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${admin.key}`,
          "content-type": "application/json",
          "idempotency-key": "digits",
        },
        body: `{"data":${number}}`,
      });
    expect((await send("9007199254740993")).status).toBe(201);
    expect((await send("9007199254740993")).headers.get("idempotency-replayed")).toBe("true");
    expect((await send("9007199254740992")).status).toBe(422);
  });
});

describe("a name that stands twice in one object", () => {
  test.each([
    ['{"plain":"a","plain":"b"}', "plain"],
    ['{"plain":"a","pl\\u0061in":"b"}', "plain"],
    ['{"data":[{"x":{"a":1,"b":[{"c":1,"c":2}]}}]}', "c"],
    ['{"data":{"":1,"":2}}', ""],
    ['{"data":{"__proto__":1,"__proto__":2}}', "__proto__"],
    ['{"data":{"a\\"":1 ,"x":"}", "a\\"" : 2}}', 'a"'],
  ])("is refused: %s", async (body, name) => {
    const reply = await post(body);
    expectRefusal(reply, 400, "REQUEST_INVALID");
    expect(namedFields(reply)).toEqual([name]);
  });

  test.each([
    '{"data":[{"a":1},{"a":2},"a",{"b":{"a":1}}]}',
    '{"data":{"a":"a","b":"a\\":1,\\"a"}}',
    '{"data":["a","a"],"plain":"a:a"}',
  ])("is not seen where none does: %s", async (body) => {
    expect((await post(body)).status).toBe(201);
  });
});
