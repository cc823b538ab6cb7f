// Random bodies, queries, ids and headers: never a reply of 500 or above, never a word of the
// inside, and every change that is there was answered with 2xx. fast-check prints a failure's seed.
//
// Planted faults, each red before it was taken out again:
// - lone surrogates let through -> bodies: PostgreSQL stores another text than the one sent
// - integers not bounded, and class 22 of PostgreSQL's errors not understood -> bodies
// - uuids of filters not looked at -> queries
// - a cursor's bytes parsed before they are verified -> queries
// - the id of the address not looked at, class 22 not understood -> ids
// - a refusal after the row was written -> every test that writes
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectNothingInside } from "../fixtures/refusals.ts";
import { rowCounts } from "../fixtures/work-orders-world.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let admin: Person;
let sampleId: string;
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/corners");
  backend = await startTestBackend("fuzz", { directory });
  admin = await backend.person(await backend.tenant("Acme"), "admin");
  for (let at = 0; at < 30; at += 1) {
    const body = { plain: `p${at % 7}`, at: `2026-01-${10 + (at % 20)}T00:00:00Z` };
    const options = { key: admin.key, body: at % 3 === 0 ? {} : body };
    sampleId = (await backend.request("/v1/samples", options)).json.data.id;
  }
});
afterAll(() => backend?.close());

const TABLES = ["samples", "tickets", "groups", "users", "notes", "organizations"];
const counts = () => rowCounts(backend, TABLES);

const FIELDS = [
  ...["small", "whole", "big", "single", "double", "amount", "flag", "day", "at", "localAt"],
  ...["plain", "code", "link", "kind", "document", "data", "tags", "bigs", "amounts", "instants"],
  ...["id", "version", "createdAt", "organizationId", "__proto__", "constructor", "toString", ""],
];
const NASTY = [
  ...["'", '"', "\\", ";--", "' or '1'='1", "$1", "$$", "%", "_", "\u0000", "\ud800", "\ufeff"],
  ...["NaN", "Infinity", "-0", "1e999", "0x10", "9223372036854775808", "null", "true", "[]", "{}"],
  ...["2026-02-30", "2026-01-01T00:00:00Z", "infinity", "epoch", "0001-01-01T00:00:00+14:00"],
  ...["01890a5d-ac96-774b-bcce-b302099a8057", "../..", "🜏".repeat(40), "a,b,,c", "{1,2}", "-id"],
];
const text = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.constantFrom(...NASTY));
const scalar = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: false }),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 5 }), fc.jsonValue());
const object = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...FIELDS), text), value), { maxLength: 5 })
  .map((pairs) => pairs.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`))
  .map((members) => `{${members.join(",")}}`);
/** Mostly of the right types, often out of their range. */
const right = fc
  .record(
    {
      whole: fc.oneof(fc.integer(), fc.maxSafeInteger()),
      small: fc.oneof(fc.integer({ min: -40_000, max: 40_000 }), fc.constant(null)),
      double: fc.double({ noNaN: true, noDefaultInfinity: true }),
      flag: fc.boolean(),
      plain: text,
      code: fc.string({ maxLength: 8 }),
      document: fc.jsonValue(),
      data: fc.jsonValue(),
      tags: fc.array(text, { maxLength: 4 }),
      kind: fc.constantFrom("a", "b", null),
    },
    { requiredKeys: [] },
  )
  .map((one) => JSON.stringify(one));
const body = fc.oneof(
  { weight: 4, arbitrary: right },
  { weight: 6, arbitrary: object },
  { weight: 2, arbitrary: value.map((one) => JSON.stringify(one) ?? "") },
  { weight: 1, arbitrary: text },
);

const writes = { created: 0, changed: 0 };
async function send(method: string, path: string, json: string, headers = {}): Promise<Reply> {
  const reply = await fetch(`${backend.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${admin.key}`,
      "content-type": "application/json",
      ...headers,
    },
    ...(method === "GET" ? {} : { body: json }),
  });
  const said = await reply.text();
  const { status } = reply;
  const result = { status, headers: reply.headers, text: said, json: parse(said) };
  expect(status, said).toBeLessThan(500);
  if (status >= 400) expectNothingInside({ ...result, text: withoutEcho(said) });
  const isReplay = reply.headers.get("idempotency-replayed") === "true";
  if (method !== "GET" && reply.ok && !isReplay)
    writes[status === 201 ? "created" : "changed"] += 1;
  return result;
}

function parse(said: string): unknown {
  return said === "" ? undefined : JSON.parse(said);
}

/** Details repeat the caller's own names, which may be anything. */
function withoutEcho(said: string): string {
  return JSON.stringify(JSON.parse(said), (key, one) =>
    key === "field" ? undefined : one,
  ).replace(/"message":"Not valid: [^"]*"/, "");
}

/** Runs a property; afterwards the rows, entries and events are those that were answered 2xx. */
async function everyChangeWasAnswered(run: () => Promise<void>): Promise<void> {
  const before = await counts();
  Object.assign(writes, { created: 0, changed: 0 });
  await run();
  const after = await counts();
  const grown = (table: string): number => Number(after[table]) - Number(before[table]);
  const rows = TABLES.reduce((sum, table) => sum + grown(table), 0);
  const effects = writes.created + writes.changed;
  expect([rows, grown("backwright.audit"), grown("backwright.events")]).toEqual([
    writes.created,
    effects,
    effects,
  ]);
}

test("random bodies are stored as they are or refused", { timeout: 60_000 }, async () => {
  await everyChangeWasAnswered(async () => {
    const samples = fc.constant("/v1/samples");
    const others = fc.constantFrom("/v1/groups", "/v1/tickets", "/v1/users");
    const path = fc.oneof({ weight: 3, arbitrary: samples }, others);
    await fc.assert(
      fc.asyncProperty(path, body, fc.boolean(), async (resource, json, isPatch) => {
        const where = isPatch ? `/v1/samples/${sampleId}` : resource;
        const reply = await send(isPatch ? "PATCH" : "POST", where, json);
        if (reply.status >= 300 || !where.startsWith("/v1/samples")) return;
        const sent = JSON.parse(json) as Record<string, unknown>;
        const stored = (parse(reply.text) as { data: Record<string, unknown> }).data;
        // Text and JSON come back as they were sent (JSON itself turns -0 into 0).
        for (const field of ["plain", "code", "document", "data", "tags"]) {
          const last = sent[field];
          if (last !== undefined) expect(plain(stored[field])).toEqual(plain(last));
        }
      }),
      { numRuns: 400 },
    );
  });
  expect(writes.created).toBeGreaterThan(10);
});

const plain = (one: unknown): unknown => JSON.parse(JSON.stringify(one).replaceAll("-0", "0"));

const GROUPS = ["[or][0]", "[or][1]", "[and][0]", "[not]", "[or]", "[and][007]", "[not][1]", "[x]"];
const parameter = fc.tuple(
  fc.oneof(
    fc.constantFrom("sort", "fields", "include", "page[size]", "page[after]", "page[before]"),
    fc.constantFrom(...FIELDS).map((field) => `filter[${field}]`),
    fc
      .tuple(
        fc.constantFrom(...FIELDS),
        fc.constantFrom("eq", "ne", "lt", "lte", "gt", "gte", "in", "isNull", "like", "x"),
      )
      .map(([field, operator]) => `filter[${field}][${operator}]`),
    fc
      .tuple(fc.array(fc.constantFrom(...GROUPS), { maxLength: 4 }), fc.constantFrom(...FIELDS))
      .map(([groups, field]) => `filter${groups.join("")}[${field}]`),
    fc.constantFrom("fields[owner]", "fields[group]", "filter", "filter[", "page", "q"),
    fc.constantFrom("page[owner][size]", "page[tickets][after]", "fields[owner.group]"),
    text,
  ),
  fc.oneof(
    fc.constantFrom(...FIELDS),
    fc.constantFrom(...FIELDS).map((field) => `-${field}`),
    fc.constantFrom("owner.tickets", "group.owner", "country.x.y.z", ".", "owner..group"),
    fc.constantFrom("owner", "group", "country", "1", "50", "true", "false", "p1", "p1,p2", "a"),
    text,
  ),
);
const query = fc.array(parameter, { maxLength: 4 }).map((pairs) =>
  pairs
    .map(([name, one]) => `${percent(name)}=${percent(one)}`)
    .join("&")
    .slice(0, 7_000),
);
/** Percent encoding of whatever it is, halves of surrogates too. */
function percent(one: string): string {
  return [...Buffer.from(one.replaceAll("\ud800", "%ED%A0%80"))]
    .map((byte) => {
      const isPlain = /[A-Za-z0-9[\]_,-]/.test(String.fromCharCode(byte));
      return isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

test("random queries are answered or refused, and change nothing", {
  timeout: 60_000,
}, async () => {
  let answered = 0;
  await everyChangeWasAnswered(async () => {
    const path = fc.constantFrom(
      ...["samples", "samples", "tickets", "notes", "countries", "organizations"],
    );
    await fc.assert(
      fc.asyncProperty(path, query, async (resource, asked) => {
        const reply = await send("GET", `/v1/${resource}?${asked}`, "");
        expect([200, 400, 414]).toContain(reply.status);
        if (reply.status === 200) answered += 1;
      }),
      { numRuns: 600 },
    );
  });
  expect(answered).toBeGreaterThan(20);
});

test("queries of the right form are answered, whatever they combine", {
  timeout: 60_000,
}, async () => {
  const right = fc.tuple(
    fc.constantFrom("plain", "at", "id"),
    fc.boolean(),
    fc.subarray(["plain", "at", "id"] as const),
    fc.constantFrom("eq", "ne", "lt", "lte", "gt", "gte", "in", "isNull"),
    fc.integer({ min: 1, max: 100 }),
  );
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(right, async ([sort, descending, fields, operator, size]) => {
      const of = { plain: "p1", at: "2026-01-15T00:00:00Z", id: sampleId };
      const filters = fields.map(
        (field) => `filter[${field}][${operator}]=${operator === "isNull" ? "true" : of[field]}`,
      );
      const parts = [`sort=${descending ? "-" : ""}${sort}`, `page[size]=${size}`, ...filters];
      const first = await send("GET", `/v1/samples?${parts.join("&")}`, "");
      if (first.status !== 200) return;
      answered += 1;
      const { next } = (first.json as { meta: { pagination: { next: string | null } } }).meta
        .pagination;
      if (next === null) return;
      const second = await send("GET", `/v1/samples?${parts.join("&")}&page[after]=${next}`, "");
      expect(second.status, second.text).toBe(200);
    }),
    { numRuns: 250 },
  );
  expect(answered).toBeGreaterThan(50);
});

test("random ids and headers are refused or do what they say", { timeout: 60_000 }, async () => {
  const latin = fc.string({ unit: "grapheme-ascii", maxLength: 300 });
  const tag = fc.oneof(
    latin,
    fc.nat().map((n) => `"${n}-x"`),
    fc.bigInt().map((n) => `"${n}-x"`),
  );
  await everyChangeWasAnswered(async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(text, fc.constant(sampleId), fc.uuid()),
        tag,
        latin,
        fc.constantFrom("GET", "PATCH", "DELETE"),
        async (id, ifMatch, key, method) => {
          const headers = { "if-match": ifMatch, "idempotency-key": key, "x-request-id": key };
          const path = `/v1/samples/${percent(id).slice(0, 400)}`;
          const target = method === "DELETE" && id === sampleId ? `${path}x` : path;
          await send(method, target, '{"flag":true}', headers);
        },
      ),
      { numRuns: 300 },
    );
  });
});
