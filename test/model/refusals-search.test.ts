// Declarations of search and of tests of a part of a value that could not be served as written:
// each is told with the line that mends it, and the line that is told is taken.
//
// Planted faults: each check of compile-search.ts, of compileMatch and of compilePartIndexes
// silenced, one at a time -> a row here is red.
import { index, integer, json, jsonb, text, uuid } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import { state } from "../../src/model/columns.ts";
import { createClaim } from "../../src/model/declare-claims.ts";
import { searchIndex } from "../../src/model/search-index.ts";
import { type Declared, refusalOf, tenantTable } from "./declared.ts";

const columns = () => ({
  title: text().notNull(),
  body: text(),
  kind: state(["a", "b"]).notNull().default("a"),
  tags: text().array(),
  ids: uuid().array(),
  data: jsonb(),
  page: json(),
  count: integer(),
});
const plain = tenantTable("plain", columns());
const searched = tenantTable("searched", columns(), (t) => [
  searchIndex("searched_search", { tenant: t.organizationId, fields: [t.title, t.body] }),
]);

const declared = (table: string, options: Readonly<Record<string, unknown>>): Declared => ({
  schema: { plain, searched },
  resources: { [table]: { scope: "tenant", access: { boss: "all" }, ...options } },
  claims: { words: "text[]", word: "text", mine: "uuid[]" },
});
const rows = (filter: unknown): Declared =>
  declared("plain", { access: { boss: { read: { rows: filter } } } });
const TENANT = "tenant: t.organizationId";
const AT = "plain.access.boss.read.rows";

type Case = readonly [mistake: string, declared: Declared, ...said: string[]];
const CASES: readonly Case[] = [
  [
    "search without its index",
    declared("plain", { search: ["title", "body"] }),
    "  plain.search: no index of plain holds the words of title, body",
    `    write: searchIndex("plain_search", { ${TENANT}, fields: [t.title, t.body] })`,
  ],
  [
    "search in another order or number than the index has",
    declared("searched", { search: ["body", "title"] }),
    "  searched.search: no index of searched holds the words of body, title",
    `    write: searchIndex("searched_search", { ${TENANT}, fields: [t.body, t.title] })`,
  ],
  [
    "search of what is no text, not served, a state, or not there",
    declared("plain", { search: ["count", "kind", "body", "titel"], hidden: ["body"] }),
    '  plain.search: "count" is not a text without states',
    '  plain.search: "kind" is not a text without states',
    '  plain.search: "body" is not a served field',
    '  plain.search: "titel" is not a served field',
  ],
  [
    "search of nothing",
    declared("plain", { search: [] }),
    "  plain.search: names no field, or one twice",
    '    write: search: ["title"]',
  ],
  [
    "a pattern that ends in a lone backslash",
    rows({ title: { like: "a\\" } }),
    `  ${AT}.title.like: ends in a lone backslash; write two for one`,
  ],
  [
    "a test that the type cannot take",
    rows({ kind: { like: "a%" }, count: { contains: "1" }, page: { contains: {} } }),
    `  ${AT}.kind.like: is not a test that kind (text) can take`,
    `  ${AT}.count.contains: is not a test that count (integer) can take`,
    `  ${AT}.page: json cannot be compared, only tested with isNull; jsonb can`,
    `  ${AT}.page.contains: is not a test that page (json) can take`,
  ],
  [
    "a claim where a text stands, and one of another kind",
    rows({
      title: { contains: createClaim("word", "text") },
      ids: { contains: createClaim("words", "text[]") },
    }),
    `  ${AT}.title.contains: takes a text, not a claim`,
    `  ${AT}.ids.contains: me.words is text[], the field needs uuid[]`,
  ],
  [
    "a value that is none",
    rows({ tags: { contains: "a" }, title: { ilike: 7 } }),
    `  ${AT}.tags.contains: is not a value of tags (text[])`,
    `  ${AT}.title.ilike: is not a value of title (text)`,
  ],
];

describe("the start is refused for", () => {
  const cases = CASES.map(([mistake, of, ...said]) => ({ mistake, of, said }));
  test.each(cases)("$mistake", ({ of, said }) => {
    const count = said.filter((line) => !line.startsWith("    ")).length;
    const first = `Backend "test" has ${count === 1 ? "1 problem" : `${count} problems`}:`;
    expect(refusalOf(of)).toEqual([first, ...said]);
  });
});

test("search with its index and tests of parts start", () => {
  expect(refusalOf(declared("searched", { search: ["title", "body"] }))).toEqual([]);
  const filter = {
    title: { ilike: "%a%" },
    tags: { contains: createClaim("words", "text[]") },
    ids: { contains: createClaim("mine", "uuid[]") },
    data: { contains: { a: [1] } },
  };
  expect(refusalOf(rows(filter))).toEqual([]);
});

// An index that spans all tenants would be read as far as their rows go.
test("an index of words without the tenant, or of more beside it, serves no search", () => {
  const shared = tenantTable("shared", columns(), (t) => [
    searchIndex("shared_search", { fields: [t.title] }),
    index().using("gin", t.organizationId, t.count, t.title),
  ]);
  const options = { scope: "tenant", access: { boss: "all" }, search: ["title"] };
  const refusal = refusalOf({ schema: { shared }, resources: { shared: options } });
  expect(refusal[1]).toBe("  shared.search: no index of shared holds the words of title");
});

test("searchIndex is refused without a field, or with a language that is no name", () => {
  expect(() => searchIndex("nothing", { fields: [] })).toThrow("has no field");
  const language = "english') || ''";
  const fields = [plain.title];
  expect(() => searchIndex("injected", { fields, language })).toThrow("a language that is no name");
});
