// Check 34: text that is no text, that PostgreSQL cannot hold, or that looks like another. Wherever
// it comes in it is refused with 4xx or kept to the last code unit; never a 500, and no two values
// of a unique key that differ only in how Unicode composes them. Bodies that are not UTF-8 are in
// errors-requests.test.ts, values of JSON and lists in errors-values.test.ts.
//
// Planted, each red before it was taken out again:
// - inOneSpelling gives the type back as it is -> twins
// - isStorableText without isWellFormed, without NUL -> text, filters
// - decodeURIComponent replaced by unescape -> percent encodings that are not UTF-8
// - the id of the address not looked at -> addresses
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal } from "../fixtures/refusals.ts";
import { createOrganization, type Organization, rowCounts } from "../fixtures/work-orders-world.ts";
import { exchange, type RawReply, requestText } from "../server/raw-http.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("unicode");
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
});
afterAll(async () => {
  const failures = backend.log.filter((line) => line.message === "request failed");
  await backend.close();
  expect(failures).toEqual([]);
});

const TABLES = ["sites", "users", "work_orders"];
const site = (name: string, more: object = {}): Promise<Reply> =>
  backend.request("/v1/sites", { key, body: { name, ...more } });
const list = (query: string): Promise<Reply> => backend.request(`/v1/sites?${query}`, { key });
const encode = encodeURIComponent;

/** Kept exactly, by name; none of them composes differently. */
const STRANGE: Readonly<Record<string, string>> = {
  "right to left": "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd \u200f",
  "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff",
  "combining, seven high": `x${"\u0329\u0300\u0301".repeat(7)}`,
  "beyond the first plane": "\u{1d518}\u{1f469}\u200d\u{1f467}\u{e0067}",
  noncharacters: "\ufdd0 \ufffe \uffff \u{1fffe} \u{10ffff}",
  "private use": "\ue000 \u{f0000}",
  controls: "\u0001\u0007\b\u001b[31m\u007f\u0085\u2028\u2029",
  "line ends": "a\r\nSet-Cookie: x=1\r\n\r\nb",
  "signs of other languages": "%00 \\u0000 &#0; ${x} {{7*7}} =1+1 <script> ../ -- ;",
  "a replacement character": "\ufffd",
};

describe("strange but valid text", () => {
  test.each(Object.entries(STRANGE))(
    "%s is kept, found and sorted as it is",
    async (_what, text) => {
      const name = text.normalize("NFC");
      const made = await site(name, { address: text });
      expect(made.status, made.text).toBe(201);
      expect([made.json.data.name, made.json.data.address]).toEqual([name, text]);
      const [stored] = await backend.owner.query("select address from sites where name = $1", [
        name,
      ]);
      expect(stored).toEqual({ address: text });
      const found = await list(`filter[name]=${encode(name)}`);
      expect(found.json.data.map((row: { id: string }) => row.id)).toEqual([made.json.data.id]);
      const page = await list("sort=name&page[size]=1");
      const next = await list(
        `sort=name&page[size]=1&page[after]=${page.json.meta.pagination.next}`,
      );
      expect(next.status, next.text).toBe(200);
      const one = await backend.request(`/v1/sites/${made.json.data.id}`, { key });
      expect(one.json.data.address).toBe(text);
    },
  );
});

/** JSON of what is no text, as it stands in a body. */
const NO_TEXT = {
  NUL: "a\\u0000b",
  "half a pair, high": "a\\ud800",
  "half a pair, low": "\\udc00b",
  "a pair in the wrong order": "\\udc00\\ud800",
  "a high half before a whole pair": "\\ud83d\\ud83d\\ude00",
};

describe.each(Object.entries(NO_TEXT))("%s", (_what, json) => {
  const ask = async (method: string, path: string, body: string): Promise<Reply> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const reply = await fetch(`${backend.url}${path}`, { method, headers, body });
    const text = await reply.text();
    return { status: reply.status, headers: reply.headers, text, json: JSON.parse(text) };
  };

  test("is refused by name in every body", async () => {
    const before = await rowCounts(backend, TABLES);
    const yard = `/v1/sites/${acme.rows.sites.yard}`;
    const leak = `/v1/work-orders/${acme.rows["work-orders"].leak}`;
    for (const [method, path, field, body] of [
      ["POST", "/v1/sites", "name", `{"name":"${json}"}`],
      ["PATCH", yard, "address", `{"address":"${json}"}`],
      ["PATCH", leak, "status", `{"status":"${json}"}`],
      ["PATCH", leak, "siteId", `{"siteId":"${json}"}`],
      ["PATCH", leak, "dueAt", `{"dueAt":"2027-01-01T00:00:00Z${json}"}`],
      ["POST", `${leak}/assign`, "technicianId", `{"technicianId":"${json}"}`],
    ] as const) {
      expectRefusal(await ask(method, path, body), 400, "VALIDATION_ERROR", field);
    }
    // As a name it is one more field that nobody may write.
    const named = await ask("POST", "/v1/sites", `{"name":"x","${json}":1}`);
    expectRefusal(named, 400, "VALIDATION_ERROR");
    expect(await rowCounts(backend, TABLES)).toEqual(before);
  });
});

/** Percent encodings that are no UTF-8, or that are UTF-8 of what PostgreSQL cannot hold. */
const NO_UTF8 = {
  "a lone continuation": "%80",
  "a byte that never occurs": "%ff",
  "a cut sequence": "%e2%82",
  "an overlong NUL": "%c0%80",
  "an overlong slash": "%c0%af",
  "an overlong slash of three bytes": "%e0%80%af",
  "half a pair": "%ed%a0%80",
  "a pair in CESU-8": "%ed%a0%bd%ed%b8%80",
  "beyond the last plane": "%f4%90%80%80",
  "a cut escape": "%e",
  "no escape": "%zz",
  "an old escape": "%u0041",
};

describe.each(Object.entries(NO_UTF8))("%s in an address", (_what, bytes) => {
  const ask = (path: string): Promise<RawReply> =>
    exchange(backend.url, requestText({ path, headers: { authorization: `Bearer ${key}` } }));

  test("is 400 in names, values and ids", async () => {
    for (const path of [
      `/v1/sites?filter[name]=${bytes}`,
      `/v1/sites?filter[name][in]=a,${bytes}`,
      `/v1/sites?filter[${bytes}]=a`,
      `/v1/sites?${bytes}=a`,
      `/v1/sites?sort=${bytes}`,
      `/v1/sites?fields=id,${bytes}`,
      `/v1/sites?include=${bytes}`,
      `/v1/sites?page[after]=${bytes}`,
      `/v1/sites?page[size]=1${bytes}`,
      `/v1/sites/${bytes}`,
      `/v1/sites/${acme.rows.sites.yard}${bytes}`,
    ]) {
      const reply = await ask(path);
      expect(reply.status, `${path} ${reply.body}`).toBe(400);
      expect(JSON.parse(reply.body).error.code).toMatch(/^(PARAMETER|REQUEST|CURSOR)_INVALID$/);
    }
    expect([400, 404]).toContain((await ask(`/v1/${bytes}`)).status);
  });
});

test("NUL is refused in every place of an address and in every header", async () => {
  const yard = acme.rows.sites.yard;
  for (const query of ["filter[name]=a%00", "filter[name][in]=a,%00", "sort=name%00", "%00=1"]) {
    expectRefusal(await list(query), 400, "PARAMETER_INVALID");
  }
  const reply = await backend.request(`/v1/sites/${yard}%00`, { key });
  expectRefusal(reply, 400, "PARAMETER_INVALID", "id");
  for (const header of ["authorization", "idempotency-key", "if-match", "accept", "x-request-id"]) {
    for (const value of ["a\0b", "a\u0001b", "a\x7fb"]) {
      const text = `GET /v1/sites HTTP/1.1\r\nhost: x\r\n${header}: ${value}\r\n\r\n`;
      expect([400, 401]).toContain((await exchange(backend.url, text)).status);
    }
  }
});

test("headers beyond ASCII are refused where they mean something", async () => {
  const body = '{"name":"Header"}';
  const before = await rowCounts(backend, TABLES);
  for (const [header, status] of [
    ["authorization: Bearer bw_\xe9\xe9", 401],
    ["idempotency-key: cl\xe9", 400],
    ["idempotency-key: \xc3\x28", 400],
    ['if-match: "\xe9"', 400],
  ] as const) {
    const auth = header.startsWith("auth") ? "" : `authorization: Bearer ${key}\r\n`;
    const path = header.startsWith("if")
      ? `PATCH /v1/sites/${acme.rows.sites.yard}`
      : "POST /v1/sites";
    const head = `${path} HTTP/1.1\r\nhost: x\r\n${auth}${header}\r\n`;
    const type = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    const text = head + type + body;
    const reply = await exchange(backend.url, Buffer.from(text, "latin1"));
    expect(reply.status, header).toBe(status);
  }
  expect(await rowCounts(backend, TABLES)).toEqual(before);
  const strange = await exchange(
    backend.url,
    Buffer.from("GET /health HTTP/1.1\r\nhost: x\r\nx-request-id: \xe9\r\n\r\n", "latin1"),
  );
  expect(strange.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
});

describe("twins of one text", () => {
  const TWINS: readonly (readonly [composed: string, other: string])[] = [
    ["Caf\u00e9", "Cafe\u0301"],
    ["\u00c5", "\u212b"],
    ["\u00c5", "A\u030a"],
    ["\uac01", "\u1100\u1161\u11a8"],
    ["\u1ee3", "o\u031b\u0323"],
    ["q\u0323\u0307", "q\u0307\u0323"],
  ];

  test.each(TWINS)(
    "%s has one spelling in a unique field, and is 400 in another",
    async (one, two) => {
      expect(one).not.toBe(two);
      expect(one.normalize("NFC")).toBe(two.normalize("NFC"));
      await backend.owner.query("delete from sites where name = $1", [one]);
      expect((await site(one)).status).toBe(201);
      expectRefusal(await site(two), 400, "VALIDATION_ERROR", "name");
      expectRefusal(await site(one), 409, "CONFLICT", "name");
      const path = `/v1/sites/${acme.rows.sites.vault}`;
      const change = { key, method: "PATCH", body: { name: two } };
      expectRefusal(await backend.request(path, change), 400, "VALIDATION_ERROR", "name");
      const person = { name: two, email: `${two}@example.org` };
      const made = await backend.request("/v1/users", { key, body: person });
      expectRefusal(made, 400, "VALIDATION_ERROR", "email");
    },
  );

  test("in fields that are not unique both are kept as they came", async () => {
    for (const [at, [one, two]] of TWINS.entries()) {
      const made = await site(`Twin ${at}`, { address: `${one} ${two}` });
      expect(made.json.data.address).toBe(`${one} ${two}`);
    }
  });

  test("are each sought by their own code points", async () => {
    await site("Zo\u00e9");
    const count = async (name: string): Promise<number> =>
      (await list(`filter[name]=${encode(name)}`)).json.data.length;
    expect([await count("Zo\u00e9"), await count("Zoe\u0301")]).toEqual([1, 0]);
  });
});
