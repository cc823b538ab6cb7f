// The grammar of lists through HTTP: sorts of several fields, nin, counts, offsets, filters on
// related records. Which page a list has is proved by the walks of paging-walk.test.ts.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let manager: Person;
let member: Person;

interface Row {
  readonly id: string;
  readonly title: string;
}

const BOARDS = { open: newId(), closed: newId() };

beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/boards");
  backend = await startTestBackend("list_grammar", { directory });
  const tenantId = await backend.tenant("Ours");
  const other = await backend.tenant("Theirs");
  for (const [name, id] of Object.entries(BOARDS)) {
    await backend.owner.query(
      `insert into boards (organization_id, id, name, is_public, budget)
       values ($1, $2, $3, $4, 7)`,
      [tenantId, id, name, name === "open"],
    );
  }
  const fill = `
    insert into cards (organization_id, id, title, lane, points, rank, board_id)
    select $1, gen_random_uuid(), n::text, (array['a', 'b', 'c'])[n % 3 + 1], n % 4,
      nullif(n % 5, 0), (array[$2, $3, null, null]::uuid[])[n % 4 + 1]
    from generate_series(1, 60) n`;
  await backend.owner.query(fill, [tenantId, BOARDS.open, BOARDS.closed]);
  await backend.owner.query(fill, [other, null, null]);
  manager = await backend.person(tenantId, "manager", newId());
  member = await backend.person(tenantId, "member", newId());
});
afterAll(() => backend?.close());

const ask = (query: string, by = manager): Promise<Reply> =>
  backend.request(`/v1/cards?${query}`, { key: by.key });
async function titles(query: string, by = manager): Promise<string[]> {
  const reply = await ask(query, by);
  expect(reply.status, reply.text).toBe(200);
  return (reply.json.data as Row[]).map(({ title }) => title);
}
async function refusal(query: string, by = manager): Promise<string> {
  const reply = await ask(query, by);
  expect(reply.status, reply.text).toBe(400);
  const { message, details } = reply.json.error;
  return [message, ...details.map((one: { message: string }) => one.message)].join(" ");
}
const numbers = Array.from({ length: 60 }, (_, at) => at + 1);
const where = (holds: (n: number) => boolean): string[] => numbers.filter(holds).map(String);
const sorted = (list: readonly string[]): string[] => [...list].sort();

describe("nin", () => {
  test("finds what has another value, and no row without one", async () => {
    const found = await titles("sort=rank&filter[rank][nin]=1,3&page[size]=100");
    expect(sorted(found)).toEqual(sorted(where((n) => [2, 4].includes(n % 5))));
  });

  test("of states is the others", async () => {
    const found = await titles("filter[stage][nin]=doing,done&page[size]=100");
    expect(found).toHaveLength(60);
    expect(await titles("filter[stage][nin]=waiting,doing,done")).toEqual([]);
  });

  // Planted fault: every ne and nin on the sort taken for a split, of which one is read -> red.
  test("beside ne leaves out what either does", async () => {
    const query = "sort=rank&filter[rank][nin]=1,2&filter[rank][ne]=3&page[size]=100";
    expect(sorted(await titles(query))).toEqual(sorted(where((n) => n % 5 === 4)));
  });

  test("in a policy follows the same logic", async () => {
    const guest = await backend.person(manager.tenantId, "guest", newId());
    const found = await titles("page[size]=100", guest);
    expect(sorted(found)).toEqual(sorted(where((n) => [3, 4].includes(n % 5))));
  });

  test("where no index orders by the field is refused, and so are 21 values", async () => {
    expect(await refusal("filter[title][nin]=1,2")).toMatch(
      /No index serves filter\[title\]\[nin\]/,
    );
    const many = Array.from({ length: 21 }, (_, at) => at).join();
    expect(await refusal(`sort=rank&filter[rank][nin]=${many}`)).toMatch(/takes at most 20/);
  });
});

describe("a count", () => {
  // Planted fault: the reader's rows left out of countStatement -> 2 boards for a member, red.
  test("is of the rows that the caller sees, whatever the page", async () => {
    const all = await ask("page[size]=5&page[count]=exact");
    expect(all.json.meta.pagination).toMatchObject({ size: 5, total: 60, totalIs: "exact" });
    const boards = (by: Person) =>
      backend.request("/v1/boards?page[count]=exact", { key: by.key }).then(({ json }) => json);
    expect((await boards(manager)).meta.pagination.total).toBe(2);
    expect((await boards(member)).meta.pagination.total).toBe(1);
  });

  test.each([
    ["filter[lane]=a", 20],
    ["filter[lane][in]=a,b&sort=lane,-points", 40],
    ["filter[rank][nin]=1,2&sort=rank", 24],
    ["filter[rank][isNull]=true", 12],
    ["filter[lane]=a&filter[board.isPublic]=true", 5],
    ["filter[lane][in]=a,b&filter[board.isPublic]=false", 10],
    ["filter[lane]=b&filter[board.budget][isNull]=true", 0],
  ])("of %s is %i, on every page", async (query, total) => {
    for (const kind of ["exact", "estimated"]) {
      const first = await ask(`${query}&page[size]=3&page[count]=${kind}`);
      const { pagination } = first.json.meta;
      expect(pagination).toMatchObject({ total, totalIs: "exact" });
      if (pagination.next === null) continue;
      const next = `${query}&page[size]=3&page[count]=${kind}&page[after]=${pagination.next}`;
      expect((await ask(next)).json.meta.pagination.total).toBe(total);
    }
  });

  test("waits its turn where many are asked for at once", async () => {
    for (let round = 0; round < 2; round += 1) {
      // As many as one tenant may have waiting; what comes beyond is 503 (turns.test.ts).
      const asked = Array.from({ length: 16 }, () => ask("page[size]=1&page[count]=exact"));
      const made = backend.request("/v1/cards", {
        key: manager.key,
        body: { title: "New", lane: "z" },
      });
      const totals = (await Promise.all(asked)).map(({ json }) => json.meta.pagination.total);
      for (const total of totals) expect([60 + round, 61 + round]).toContain(total);
      expect((await made).status).toBe(201);
    }
    await backend.owner.query("delete from cards where lane = 'z'");
  });

  // A new id is smaller than nearly all of the random ones, so it lies beyond what the page reads.
  test("that has changed is no 304, though no record of the page has", async () => {
    const path = "/v1/cards?sort=-id&page[size]=1&page[count]=exact";
    const { key } = manager;
    const first = await backend.request(path, { key });
    const body = { title: "New", lane: "z" };
    expect((await backend.request("/v1/cards", { key, body })).status).toBe(201);
    const headers = { "if-none-match": first.headers.get("etag") ?? "" };
    const again = await backend.request(path, { key, headers });
    expect(again.status).toBe(200);
    const { total } = first.json.meta.pagination;
    expect(again.json.meta.pagination.total).toBe(total + 1);
    await backend.owner.query("delete from cards where lane = 'z'");
  });

  test("is left out unless it is asked for, and never of a list that is refused", async () => {
    const { pagination } = (await ask("page[size]=5")).json.meta;
    expect(Object.keys(pagination)).toEqual(["size", "next", "prev", "hasMore"]);
    expect(await refusal("filter[title]=1&page[count]=exact")).toMatch(/No index serves/);
    expect(await refusal("page[count]=yes")).toMatch(/must be exact or estimated/);
  });
});

describe("an offset", () => {
  test.each([
    "sort=lane,-points",
    "filter[lane][in]=a,c&sort=-points",
    "filter[rank][ne]=2&sort=rank",
  ])("into %s steps over as many records, with cursors on from there", async (query) => {
    const all = await titles(`${query}&page[size]=100`);
    for (const offset of [0, 1, 7, all.length - 1, all.length, 9_999]) {
      const at = `${query}&page[size]=5&page[offset]=${offset}`;
      expect(await titles(at)).toEqual(all.slice(offset, offset + 5));
      const { next, prev, hasMore } = (await ask(at)).json.meta.pagination;
      expect(hasMore).toBe(offset + 5 < all.length);
      if (next !== null) {
        const after = await titles(`${query}&page[size]=5&page[after]=${next}`);
        expect(after).toEqual(all.slice(offset + 5, offset + 10));
      }
      expect(prev === null).toBe(offset === 0 || offset >= all.length);
      if (prev === null) continue;
      const before = await titles(`${query}&page[size]=5&page[before]=${prev}`);
      expect(before).toEqual(all.slice(Math.max(0, offset - 5), offset));
    }
  });

  test("ends at 10,000, and goes with no cursor", async () => {
    expect(await refusal("page[offset]=10001")).toMatch(/from 0 to 10000; further on, follow next/);
    expect(await refusal("page[offset]=-1")).toMatch(/from 0 to 10000/);
    const { next } = (await ask("page[size]=5")).json.meta.pagination;
    expect(await refusal(`page[offset]=5&page[after]=${next}`)).toMatch(/takes no after or before/);
  });
});

describe("a filter on a related record", () => {
  const everyLane = "filter[lane][in]=a,b,c&page[size]=100";

  test("finds the rows whose record passes the test", async () => {
    const onOpen = await titles(`${everyLane}&filter[board.isPublic]=true`);
    expect(sorted(onOpen)).toEqual(sorted(where((n) => n % 4 === 0)));
    const query = "sort=rank&filter[rank][gt]=0&filter[board.name][in]=open,closed&page[size]=100";
    expect(sorted(await titles(query))).toEqual(sorted(where((n) => n % 5 > 0 && n % 4 < 2)));
    // Two tests of one relation, and a field of the same name as one of the row's own.
    const both = `${everyLane}&filter[board.isPublic]=false&filter[board.id]=${BOARDS.closed}`;
    expect(sorted(await titles(both))).toEqual(sorted(where((n) => n % 4 === 1)));
  });

  test("finds no row whose record is absent", async () => {
    const notClosed = await titles(`${everyLane}&filter[board.name][ne]=closed`);
    expect(sorted(notClosed)).toEqual(sorted(where((n) => n % 4 === 0)));
    expect(await titles(`${everyLane}&filter[board.name][isNull]=true`)).toEqual([]);
  });

  // Planted faults: the target's rows left out of filterSql -> the member finds 15 cards, red;
  // the grant's fields replaced by all that the target serves -> the budget can be probed, red.
  test("tells nothing of a record or a field that the reader may not see", async () => {
    expect(await titles(`${everyLane}&filter[board.isPublic]=false`)).toHaveLength(15);
    expect(await titles(`${everyLane}&filter[board.isPublic]=false`, member)).toEqual([]);
    expect(await titles(`${everyLane}&filter[board.name]=closed`, member)).toEqual([]);
    expect(await titles(`${everyLane}&filter[board.isPublic]=true`, member)).toHaveLength(15);
    expect(await titles(`${everyLane}&filter[board.budget]=7`)).toHaveLength(30);
    expect(await refusal(`${everyLane}&filter[board.budget]=7`, member)).toMatch(
      /cannot be filtered by; allowed: id, name, isPublic/,
    );
  });

  test("keeps the order of the page and its cursors to itself", async () => {
    const query = "filter[lane][in]=a,b,c&filter[board.isPublic]=true&sort=lane,-points";
    const all = await titles(`${query}&page[size]=100`);
    expect(all).toHaveLength(15);
    const { next } = (await ask(`${query}&page[size]=4`)).json.meta.pagination;
    expect(await titles(`${query}&page[size]=4&page[after]=${next}`)).toEqual(all.slice(4, 8));
    const other = query.replace("isPublic]=true", "isPublic]=false");
    const foreign = await ask(`${other}&page[size]=4&page[after]=${next}`);
    expect(foreign.json.error.code).toBe("CURSOR_INVALID");
  });

  test("is refused alone, and says what it costs", async () => {
    const words = await refusal("filter[board.isPublic]=true&sort=rank");
    expect(words).toMatch(/No index serves filter\[board\.isPublic\]\[eq\] and sort=rank/);
    expect(words).toMatch(/tested on one row after the other, .* such as: .*filter\[lane\]/);
  });

  test.each([
    ["filter[lane]=a&filter[owner.name]=x", /leads through "owner", .*; allowed: board/],
    ["filter[lane]=a&filter[board.colour]=x", /cannot be filtered by; allowed: id, name/],
    ["filter[lane]=a&filter[board.name.x]=x", /cannot be filtered by/],
    ["filter[lane]=a&filter[.name]=x", /leads through ""/],
    ["filter[lane]=a&filter[board.]=x", /cannot be filtered by/],
    ["filter[lane]=a&filter[board.isPublic]=maybe", /is not valid; expected something like/],
    ["filter[lane]=a&filter[board.name][near]=x", /there is no operator "near"/],
    ["filter[lane]=a&filter[board.name]=x&filter[board.name][eq]=y", /is given twice/],
    ["sort=board.name", /"board.name" cannot be sorted by/],
  ])("%s is 400 and says why", async (query, expected) => {
    expect(await refusal(query)).toMatch(expected);
  });
});
