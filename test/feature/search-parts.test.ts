// Filters on a part of a value through HTTP: like, ilike and contains, as tests beside another
// filter and as what finds the rows; in policies; with patterns that mean themselves.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let tenantId: string;
const people = {} as Record<"editor" | "reader" | "author" | "press" | "clerk", Person>;

/** Title → what else is in the paper. The other tenant has the same papers. */
const PAPERS: readonly (readonly [title: string, more?: Readonly<Record<string, unknown>>])[] = [
  ["Leak in the roof", { tags: ["water", "open"], status: "final" }],
  ["leaking pump", { tags: ["water"], attributes: { colour: "red", size: { w: 1 } } }],
  ["100% done", { tags: ["open"] }],
  ["100%_sure", { attributes: { public: true, colour: "red" } }],
  ["1000 done"],
  ["50% off", { tags: ["open", "sale"] }],
  ["500 off", { tags: ["open"] }],
  ["back\\slash", { status: "final" }],
  ["it's 'quoted'; drop table papers; --", { tags: ["a,b", 'c"d'] }],
  ["straße größer", { status: "final" }],
];

beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/papers");
  backend = await startTestBackend("search_parts", { directory });
  tenantId = await backend.tenant("Ours");
  const other = await backend.tenant("Theirs");
  for (const role of ["editor", "reader", "author", "press", "clerk"] as const) {
    people[role] = await backend.person(tenantId, role, newId());
  }
  for (const tenant of [tenantId, other]) {
    const folder = newId();
    await backend.owner.query(
      "insert into folders (organization_id, id, name) values ($1, $2, 'Cellar')",
      [tenant, folder],
    );
    for (const [at, [title, more = {}]] of PAPERS.entries()) {
      const { tags, attributes, status = "draft" } = more;
      await backend.owner.query(
        `insert into papers (organization_id, id, title, tags, attributes, status, folder_id)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [tenant, newId(), title, tags ?? null, attributes ?? null, status, at < 2 ? folder : null],
      );
    }
  }
});
afterAll(() => backend?.close());

type Query = Readonly<Record<string, string>>;
const ask = (query: Query, by = people.editor, path = "papers"): Promise<Reply> =>
  backend.request(`/v1/${path}?${new URLSearchParams(query)}`, { key: by.key });
async function titles(query: Query, by = people.editor): Promise<string[]> {
  const reply = await ask(query, by);
  expect(reply.status, reply.text).toBe(200);
  return reply.json.data.map((row: { title: string }) => row.title).sort();
}
async function refusal(query: Query, by = people.editor): Promise<string> {
  const reply = await ask(query, by);
  expect(reply.status, reply.text).toBe(400);
  const { message, details } = reply.json.error;
  return [message, ...details.map((one: Reply["json"]) => `${one.field}: ${one.message}`)].join(
    "\n",
  );
}

describe("a pattern", () => {
  // Planted: `contains` without its escapes -> red; `@>` for like -> red; the finder's ids not
  // joined back under the other filters -> red.
  test.each([
    ["ilike", "%leak%", ["Leak in the roof", "leaking pump"]],
    ["like", "%leak%", ["leaking pump"]],
    ["like", "Leak%", ["Leak in the roof"]],
    ["like", "100%done", ["100% done", "1000 done"]],
    ["like", "100\\%%", ["100% done", "100%_sure"]],
    ["like", "100_ done", ["100% done", "1000 done"]],
    ["like", "%back\\\\slash", ["back\\slash"]],
    ["contains", "100%_", ["100%_sure"]],
    ["contains", "\\slash", ["back\\slash"]],
    ["contains", "Leak", ["Leak in the roof"]],
    ["contains", "'quoted'; drop table", ["it's 'quoted'; drop table papers; --"]],
    ["ilike", "%GRÖSSER%", []],
    ["ilike", "%GRÖßER", ["straße größer"]],
    ["contains", "nothing like it", []],
  ])("%s %s finds what PostgreSQL says that it is", async (operator, value, found) => {
    expect(await titles({ [`filter[title][${operator}]`]: value })).toEqual([...found].sort());
    // Beside a filter that an index serves, it is a test of the rows that are read.
    for (const status of ["draft", "final"]) {
      const beside = await titles({
        [`filter[title][${operator}]`]: value,
        "filter[status]": status,
      });
      const own = PAPERS.filter(([, more]) => (more?.status ?? "draft") === status);
      expect(beside).toEqual(
        own
          .map(([title]) => title)
          .filter((title) => found.includes(title))
          .sort(),
      );
    }
    const counted = await ask({ [`filter[title][${operator}]`]: value, "page[count]": "exact" });
    expect(counted.json.meta.pagination).toMatchObject({ total: found.length, totalIs: "exact" });
  });

  test("that finds rows goes with every order and every other filter, page by page", async () => {
    const query = { "filter[title][ilike]": "%0%off%", "page[size]": "1" };
    expect(await titles({ ...query, sort: "title" })).toEqual(["50% off"]);
    const seen: string[] = [];
    let after = "";
    for (;;) {
      const by: Query = { "filter[title][like]": "%off", sort: "-title", "page[size]": "1" };
      const page = await ask(after === "" ? by : { ...by, "page[after]": after });
      expect(page.status, page.text).toBe(200);
      seen.push(...page.json.data.map((row: { title: string }) => row.title));
      after = page.json.meta.pagination.next ?? "";
      if (after === "") break;
    }
    expect(seen).toEqual(["500 off", "50% off"]);
    expect(await titles({ "filter[title][like]": "%off", "filter[version]": "2" })).toEqual([]);
  });

  test("ends in no lone backslash, is short, not empty and found by three letters", async () => {
    expect(await refusal({ "filter[title][like]": "leak\\" })).toContain(
      "filter[title][like]: ends in a lone backslash; write two for one",
    );
    expect(await refusal({ "filter[title][ilike]": "%le%ak%" })).toContain(
      "filter[title][ilike]: needs three letters or digits in a row",
    );
    expect(await titles({ "filter[title][ilike]": "%le%ak%", "filter[status]": "final" })).toEqual([
      "Leak in the roof",
    ]);
    expect(await refusal({ "filter[title][contains]": "" })).toContain("must not be empty");
    expect(await refusal({ "filter[title][contains]": "a".repeat(257) })).toContain(
      "takes at most 256 characters",
    );
    expect(await refusal({ "filter[title][contains]": "a\u0000b" })).toContain("NUL");
  });

  test("on a field without an index is refused with the line to write", async () => {
    expect(await refusal({ "filter[memo][ilike]": "%leak%" })).toContain(
      'declare in the table: index().using("gin", t.organizationId, t.memo.op("gin_trgm_ops")).',
    );
    expect(await titles({ "filter[memo][ilike]": "%leak%", "filter[status]": "draft" })).toEqual(
      [],
    );
  });

  test("on a state, a number or a field that one may not read is refused", async () => {
    expect(await refusal({ "filter[status][like]": "dra%" })).toContain("there is no operator");
    expect(await refusal({ "filter[version][like]": "1%" })).toContain(
      'no operator "like" for version; allowed: eq, ne, lt, lte, gt, gte, in, nin, isNull',
    );
    expect(await refusal({ "filter[body][like]": "%leak%" }, people.reader)).toContain(
      "cannot be filtered by; allowed: id, title, note, status",
    );
  });

  test("on a related record goes beside a filter that an index serves", async () => {
    const query = { "filter[folder.name][ilike]": "cell%" };
    expect(await titles({ ...query, "filter[status]": "final" })).toEqual(["Leak in the roof"]);
    expect(await titles({ ...query, "filter[title][ilike]": "%leak%" })).toHaveLength(2);
    expect(await refusal(query)).toContain("is tested on one row after the other");
  });
});

describe("contains", () => {
  test("of a list finds rows with all these members", async () => {
    expect(await titles({ "filter[tags][contains]": "open" })).toHaveLength(4);
    expect(await titles({ "filter[tags][contains]": "open,sale" })).toEqual(["50% off"]);
    expect(await titles({ "filter[tags][contains]": 'c"d,a\\,b' })).toHaveLength(1);
    expect(await titles({ "filter[tags][contains]": "a,b" })).toEqual([]);
    expect(await titles({ "filter[tags][contains]": "{open}" })).toEqual([]);
    expect(await refusal({ "filter[tags][contains]": "a,".repeat(21) })).toContain("at most 20");
    expect(await refusal({ "filter[tags]": "open" })).toContain("allowed: contains");
  });

  test("of JSON finds rows with these members, however deep", async () => {
    const by = (value: unknown): Query => ({
      "filter[attributes][contains]": JSON.stringify(value),
    });
    expect(await titles(by({ colour: "red" }))).toEqual(["100%_sure", "leaking pump"]);
    expect(await titles(by({ size: { w: 1 } }))).toEqual(["leaking pump"]);
    expect(await titles(by({ colour: "blue" }))).toEqual([]);
    for (const wrong of ['{"a":', "[]", "1", '{"a":"\\u0000"}', ""]) {
      expect(await refusal({ "filter[attributes][contains]": wrong })).toContain("a JSON object");
    }
  });
});

describe("in groups, such a test", () => {
  test("is an alternative that its own index finds, beside others that theirs find", async () => {
    const either = {
      "filter[or][0][title][ilike]": "%leak%",
      "filter[or][1][tags][contains]": "sale",
    };
    const found = ["50% off", "Leak in the roof", "leaking pump"];
    expect(await titles(either)).toEqual(found);
    expect(await titles({ ...either, sort: "-title", "page[size]": "2" })).toHaveLength(2);
    const counted = await ask({ ...either, "page[count]": "exact" });
    expect(counted.json.meta.pagination).toMatchObject({ total: 3, totalIs: "exact" });
    const third = { ...either, "filter[or][2][id]": newId() };
    expect(await titles(third)).toEqual(found);
    const unserved = { ...either, "filter[or][2][memo][like]": "%leak%" };
    expect(await refusal(unserved)).toContain('t.memo.op("gin_trgm_ops")');
  });

  test("under not leaves rows out, beside what finds them", async () => {
    const not = { "filter[not][title][ilike]": "%leak%" };
    expect(await titles({ ...not, "filter[status]": "final" })).toEqual([
      "back\\slash",
      "straße größer",
    ]);
    expect(await titles({ ...not, q: "roof or off" })).toEqual(["50% off", "500 off"]);
    expect(await refusal(not)).toContain("No index serves not filter[title][ilike].");
  });

  test("goes with a search, best first and sorted", async () => {
    const query = { q: "off or done", "filter[or][0][title][like]": "50%" };
    const found = ["1000 done", "50% off", "500 off"];
    const more = { ...query, "filter[or][1][title]": "1000 done" };
    expect(await titles(more)).toEqual(found);
    expect(await titles({ ...more, sort: "title" })).toEqual(found);
    const next = await ask({ ...more, "page[size]": "2" });
    const { next: after } = next.json.meta.pagination;
    expect(await titles({ ...more, "page[size]": "2", "page[after]": after })).toHaveLength(1);
  });
});

describe("a policy with such tests", () => {
  test("shows what they say, and its finders no more", async () => {
    const seen = ["100%_sure", "50% off"];
    expect(await titles({}, people.press)).toEqual(seen);
    expect(await titles({ "filter[title][like]": "%100%" }, people.press)).toEqual(["100%_sure"]);
    expect(await titles({ q: "off" }, people.press)).toEqual(["50% off"]);
  });
});

test("rows that belong to nobody are searched by everybody", async () => {
  await backend.owner.query("insert into laws (id, title) values ($1, 'The law of leaks')", [
    newId(),
  ]);
  for (const query of [{ "filter[title][ilike]": "%LEAK%" }, { q: "leaking law" }]) {
    const reply = await ask(query, people.reader, "laws");
    expect(reply.json.data, reply.text).toHaveLength(1);
  }
});

test("rows that are marked as deleted are found by nobody", async () => {
  await backend.owner.query(
    `insert into papers (organization_id, id, title, deleted_at)
     values ($1, $2, 'Gone leak', now())`,
    [tenantId, newId()],
  );
  expect(await titles({ "filter[title][contains]": "Gone" })).toEqual([]);
  expect(await titles({ q: "gone" })).toEqual([]);
});
