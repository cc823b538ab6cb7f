// `q` through HTTP: words in order of rank, pages both ways, highlights, and what a caller may not
// see: neither rows nor fields change what is found, counted, ranked, refused or marked.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { FINDER_MATCHES_MAX } from "../../src/base/limits.ts";
import { roleNames } from "../../src/database/roles.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { findersOf } from "../../src/sql/finder.ts";
import { seededRandom } from "../failure/seeded-random.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let tenantId: string;
const people = {} as Record<"editor" | "reader" | "author" | "clerk", Person>;

interface Paper {
  readonly title: string;
  readonly body?: string;
  readonly note?: string;
  readonly status?: string;
  readonly authorId?: string;
}

async function file(papers: readonly Paper[], tenant = tenantId): Promise<void> {
  for (const { title, body, note, status = "draft", authorId } of papers) {
    await backend.owner.query(
      `insert into papers (organization_id, id, title, body, note, status, author_id)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [tenant, newId(), title, body ?? null, note ?? null, status, authorId ?? null],
    );
  }
}

beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/papers");
  backend = await startTestBackend("search", { directory });
  tenantId = await backend.tenant("Ours");
  for (const role of ["editor", "reader", "author", "clerk"] as const) {
    people[role] = await backend.person(tenantId, role, newId());
  }
  await file([
    { title: "Pump house", body: "The leak is behind the pump." },
    { title: "Leak", body: "A leak, and another leak.", status: "final" },
    { title: "Roof", body: "One leak in the roof", note: "urgent" },
    { title: "Door", body: "Stuck", note: "no water here", authorId: people.author.id },
    { title: "A <b>bold</b> leak & more", body: `<script>alert("leak")</script>` },
  ]);
  const theirs = await backend.tenant("Theirs");
  await file([{ title: "Leak of theirs", body: "theirsalone" }], theirs);
});
afterAll(() => backend?.close());

type Query = Readonly<Record<string, string>>;
const ask = (query: Query, by = people.editor): Promise<Reply> =>
  backend.request(`/v1/papers?${new URLSearchParams(query)}`, { key: by.key });
async function titles(query: Query, by = people.editor): Promise<string[]> {
  const reply = await ask(query, by);
  expect(reply.status, reply.text).toBe(200);
  return reply.json.data.map((row: { title: string }) => row.title);
}
async function refusal(query: Query, by = people.editor): Promise<string> {
  const reply = await ask(query, by);
  expect(reply.status, reply.text).toBe(400);
  const { message, details } = reply.json.error;
  return [message, ...details.map((one: Reply["json"]) => `${one.field}: ${one.message}`)].join(
    "\n",
  );
}

describe("q", () => {
  test("finds words in any of the fields, those of the first before others", async () => {
    expect((await titles({ q: "leak" }))[0]).toBe("Leak");
    expect(await titles({ q: "leak" })).toHaveLength(4);
    expect(await titles({ q: "leak pump" })).toEqual(["Pump house"]);
    expect(await titles({ q: "leak -pump -bold" })).toEqual(["Leak", "Roof"]);
    expect(await titles({ q: '"another leak"' })).toEqual(["Leak"]);
    expect(await titles({ q: '"leak another"' })).toEqual([]);
    expect((await titles({ q: "stuck or urgent" })).sort()).toEqual(["Door", "Roof"]);
    expect(await titles({ q: "theirsalone" })).toEqual([]);
  });

  test.each([
    "&|!():*<->",
    "'; drop table papers; --",
    "\\",
    '"unclosed',
    "a:b:A*",
    "<1> <-> <0>",
    "%' or 1=1",
    "💧",
    "T",
    "' | 'leak",
  ])("means %s as it stands: never an error, never more than it says", async (q) => {
    const reply = await ask({ q });
    expect(reply.status, reply.text).toBe(200);
    expect(reply.json.data.length).toBeLessThanOrEqual(q.includes("leak") ? 4 : 0);
  });

  // Queries are taken apart and put together again as text for roles that read fewer fields.
  // Planted: to_tsquery instead of websearch_to_tsquery -> red.
  test("is no error whatever is typed, for any role", { timeout: 30_000 }, async () => {
    const pieces = [
      ..."'\\\"<>-&|!():* \t,.;/@#%_aZé1ß漢💧\uE000",
      " or ",
      " -",
      '" "',
      "<->",
      "<2>",
    ];
    const words = ["leak", "o'neil", "a<->b", "x&y", "http://a.b/c<2>d?e='f'", "-5.2e3", "a\\'b"];
    const random = seededRandom(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    for (let at = 0; at < 150; at += 1) {
      const q = Array.from({ length: 1 + (at % 12) }, () => pick(pick([pieces, words]))).join("");
      if (q.trim() === "") continue;
      for (const by of [people.editor, people.reader]) {
        const reply = await ask({ q, highlight: "true" }, by);
        const isRead = reply.status === 200 || reply.text.includes("must name a word to find");
        expect(isRead, `${JSON.stringify(q)}: ${reply.text}`).toBe(true);
      }
    }
  });

  test("is refused empty, too long, without a word, and where nothing is searched", async () => {
    for (const q of ["", "  ", "a".repeat(257), "a\u0000"]) {
      expect(await refusal({ q })).toContain("q: must be 1 to 256 characters");
    }
    for (const q of ["-leak", "roof or -leak"]) {
      expect(await refusal({ q })).toContain("q: must name a word to find");
    }
    expect(await refusal({ q: "leak" }, people.clerk)).toContain("no field that you may search");
    expect(await refusal({ highlight: "true" })).toContain("highlight: marks what q has found");
    expect(await refusal({ q: "leak", highlight: "yes" })).toContain("must be true or false");
    const { key } = people.editor;
    const folders = await backend.request("/v1/folders?q=leak", { key });
    expect(folders.json.error.details[0].message).toBe("folders has no field that you may search");
  });

  test("goes with filters, counts and every sort", async () => {
    expect(await titles({ q: "leak", "filter[status]": "final" })).toEqual(["Leak"]);
    expect(await titles({ q: "leak", sort: "title" })).toEqual([
      "A <b>bold</b> leak & more",
      "Leak",
      "Pump house",
      "Roof",
    ]);
    expect(await titles({ q: "leak", "filter[title][like]": "R%" })).toEqual(["Roof"]);
    const counted = await ask({ q: "leak", "page[size]": "1", "page[count]": "exact" });
    expect(counted.json.meta.pagination).toMatchObject({ total: 4, totalIs: "exact" });
    const marked = await ask({ q: "leak", sort: "title", "page[size]": "2", highlight: "true" });
    expect(Object.keys(marked.json.meta.highlights)).toHaveLength(2);
  });

  test("is walked page by page, both ways and from an offset, in the order of rank", async () => {
    const many = Array.from({ length: 30 }, (_, at) => ({
      title: `walk ${"walk ".repeat(at % 4)}${at}`,
    }));
    await file(many);
    const whole = await titles({ q: "walk", "page[size]": "100" });
    expect(whole).toHaveLength(30);
    for (const size of ["7", "30", "4"]) {
      const there: string[] = [];
      let page = await ask({ q: "walk", "page[size]": size });
      for (;;) {
        there.push(...page.json.data.map((row: { title: string }) => row.title));
        const { next } = page.json.meta.pagination;
        if (next === null) break;
        page = await ask({ q: "walk", "page[size]": size, "page[after]": next });
      }
      expect(there).toEqual(whole);
      const back: string[] = page.json.data.map((row: { title: string }) => row.title);
      for (;;) {
        const { prev } = page.json.meta.pagination;
        if (prev === null) break;
        page = await ask({ q: "walk", "page[size]": size, "page[before]": prev });
        back.unshift(...page.json.data.map((row: { title: string }) => row.title));
      }
      expect(back).toEqual(whole);
    }
    expect(await titles({ q: "walk", "page[offset]": "25" })).toEqual(whole.slice(25));
    const { next } = (await ask({ q: "walk", "page[size]": "5" })).json.meta.pagination;
    const other = await ask({ q: "leak", "page[size]": "5", "page[after]": next });
    expect(other.json.error.code).toBe("CURSOR_INVALID");
  });
});

describe("highlights", () => {
  test("mark what was found, by id and field, and escape all else", async () => {
    const reply = await ask({ q: "leak bold", highlight: "true" });
    const [{ id }] = reply.json.data;
    expect(reply.json.meta.highlights).toEqual({
      [id]: {
        title: "A &lt;b&gt;<mark>bold</mark>&lt;/b&gt; <mark>leak</mark> &amp; more",
        body: "&lt;script&gt;alert(&quot;<mark>leak</mark>&quot;)&lt;/script&gt;",
      },
    });
    expect((await ask({ q: "leak" })).json.meta.highlights).toBeUndefined();
  });

  test("take marks that are in the text out, so that tags are always closed", async () => {
    await file([{ title: "forged \uE000 mark \uE001\uE001 <mark>", note: "\uE001" }]);
    const reply = await ask({ q: "forged", highlight: "true" });
    const [marked] = Object.values(reply.json.meta.highlights);
    expect(marked).toEqual({ title: "<mark>forged</mark>  mark  &lt;mark&gt;" });
  });

  test("of a long field are its best parts", async () => {
    const body = `${"filler ".repeat(200)}longish needle ${"filler ".repeat(200)}`;
    await file([{ title: "Long", body }]);
    const reply = await ask({ q: "needle", highlight: "true" });
    const [{ body: marked }] = Object.values(reply.json.meta.highlights) as [{ body: string }];
    expect(marked).toMatch(/^filler .*longish <mark>needle<\/mark> filler/);
    expect(marked.length).toBeLessThan(400);
  });

  test("are of the shown records and readable fields alone", async () => {
    const reply = await ask({ q: "urgent", highlight: "true" }, people.reader);
    expect(Object.values(reply.json.meta.highlights)).toEqual([{ note: "<mark>urgent</mark>" }]);
    const page = await ask({ q: "leak", highlight: "true", "page[size]": "1" });
    expect(Object.keys(page.json.meta.highlights)).toEqual([page.json.data[0].id]);
  });
});

describe("a field that the role may not read", () => {
  /** All that a reader can learn of a search. */
  const learned = async (query: Query): Promise<unknown> => {
    const reply = await ask({ ...query, highlight: "true", "page[count]": "exact" }, people.reader);
    return [reply.status, reply.text];
  };

  // A reader sees title and note, not the body between them.
  // Planted, each red: the role's words tested by the index's expression; the rank of all fields;
  // a phrase tested by the index's expression (the body moves the places of the note's words).
  test("changes neither matches, counts, order nor marks", async () => {
    await file([
      { title: "oracle first", note: "second third", status: "final" },
      { title: "oracle", note: "oracle" },
    ]);
    const questions = [
      "oracle",
      "secret",
      "oracle -secret",
      "oracle secret",
      '"first second"',
      '"oracle secret"',
      "oracle or secret",
      "second -first",
    ];
    const bodies = [null, "secret", "oracle secret ".repeat(400), "x ".repeat(17_000)];
    for (const q of questions) {
      const answers = new Set<string>();
      // In both of the papers, and in either, so that their order would change.
      const places = bodies.flatMap((body) =>
        ["oracle%", "oracle", "oracle first"].map((of) => [body, of]),
      );
      for (const [body, of] of places) {
        await backend.owner.query(
          `update papers set body = case when title like $2 then $1 end
           where organization_id = $3 and title like 'oracle%'`,
          [body, of, tenantId],
        );
        answers.add(JSON.stringify(await learned({ q })));
      }
      expect([...answers], q).toHaveLength(1);
    }
    expect(await titles({ q: "first" }, people.reader)).toEqual(["oracle first"]);
    expect(await titles({ q: "secret" }, people.reader)).toEqual([]);
  });
});

test("a process whose finders are gone says that it cannot search now, and can again", async () => {
  expect(await titles({ q: "stuck" })).toEqual(["Door"]);
  const finders = await backend.owner.query<{ name: string }>(
    "select oid::regprocedure::text as name from pg_proc where proname like 'finder\\_%'",
  );
  expect(finders.length).toBeGreaterThan(0);
  for (const { name } of finders) await backend.owner.query(`drop function ${name}`);
  const refused = await ask({ q: "stuck" });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(refused.text).not.toMatch(/finder|function|select/i);
  expect((await ask({ "filter[status]": "final" })).status).toBe(200);
  await migrateUp({
    ownerUrl: backend.database.ownerUrl,
    appRole: roleNames(backend.database.database).app,
    directory: backend.project.migrations,
    system: SYSTEM_MIGRATIONS,
    finders: findersOf(backend.project.model),
  });
  expect(await titles({ q: "stuck" })).toEqual(["Door"]);
});

describe("rows that the role may not see", () => {
  // Planted: finders without the role's rows -> red, the author learns that very many match.
  test("change neither what is found nor what is refused", { timeout: 60_000 }, async () => {
    await file([{ title: "flood of mine", authorId: people.author.id }]);
    const queries: Query[] = [
      { q: "flood" },
      { q: "flood", "page[count]": "exact" },
      { "filter[title][ilike]": "%flood%" },
      { "filter[title][contains]": "flood", "page[count]": "exact", sort: "-title" },
    ];
    const before = await Promise.all(queries.map((query) => ask(query, people.author)));
    await backend.owner.query(
      `insert into papers (organization_id, id, title)
       select $1, gen_random_uuid(), 'flood ' || n from generate_series(1, $2) n`,
      [tenantId, FINDER_MATCHES_MAX],
    );
    const after = await Promise.all(queries.map((query) => ask(query, people.author)));
    expect(after.map(({ text }) => text)).toEqual(before.map(({ text }) => text));
    for (const reply of after) expect(reply.json.data).toHaveLength(1);
    // Who sees them all is told that they are too many, in the same words for each way to ask.
    for (const query of queries) {
      const [asked = ""] = Object.keys(query);
      const said = await refusal(query);
      expect(said).toContain("More than 10000 records match");
      expect(said).toContain(`${asked}: finds too many records`);
    }
    expect(await titles({ q: "flood of" })).toEqual(["flood of mine"]);
  });
});
