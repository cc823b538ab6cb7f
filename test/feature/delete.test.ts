// Deleting for good and marking as deleted, through HTTP.
// Planted faults, each seen red: the mark left out of livingCondition; the delete grant's rows left
// out of the WHERE; the version not raised on a removal (event sequence repeats).
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let librarian: Person;
let reader: Person;

beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/library");
  backend = await startTestBackend("delete", { directory });
});
afterAll(() => backend?.close());
beforeEach(async () => {
  const tenantId = await backend.tenant("Town");
  librarian = await backend.person(tenantId, "librarian", newId());
  reader = await backend.person(tenantId, "reader", newId());
});

const create = async (path: string, body: object, by = librarian): Promise<string> => {
  const made = await backend.request(path, { key: by.key, body });
  expect(made.status, made.text).toBe(201);
  return made.headers.get("location") ?? "";
};
const remove = (path: string, by = librarian, headers: Record<string, string> = {}) =>
  backend.request(path, { key: by.key, method: "DELETE", headers });
const restore = (path: string, by = librarian) =>
  backend.request(`${path}/restore`, { key: by.key, method: "POST" });
const get = (path: string, by = librarian): Promise<Reply> =>
  backend.request(path, { key: by.key });
const eventsOf = (path: string) =>
  backend.owner.query<{ type: string; sequence: number }>(
    "select type, sequence from backwright.events where key = $1 order by position",
    [path.split("/").at(-1)],
  );

describe("a deletion for good", () => {
  test("replies 204 and leaves the whole row in the audit log, and an event", async () => {
    const path = await create("/v1/books", { title: "Ulysses" });
    const gone = await remove(path);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    expect((await get(path)).status).toBe(404);
    expect((await remove(path)).status).toBe(404);
    expect(await eventsOf(path)).toEqual([
      { type: "books.created", sequence: 1 },
      { type: "books.deleted", sequence: 2 },
    ]);
    const [entry] = await backend.owner.query<{ before: { title: string }; after: null }>(
      "select before, after from backwright.audit where record_id = $1 and operation = 'deleted'",
      [path.split("/").at(-1)],
    );
    expect(entry).toMatchObject({ before: { title: "Ulysses" }, after: null });
  });

  test("needs the grant: 403 without the verb, 403 for a row that is not one's own", async () => {
    const others = await create("/v1/books", { title: "Emma" });
    const own = await create("/v1/books", { title: "Dune" }, reader);
    const guest = await backend.person(librarian.tenantId, "guest", newId());
    expect((await remove(own, guest)).status).toBe(403);
    expect((await remove(others, reader)).status).toBe(403);
    expect((await remove(own, reader)).status).toBe(204);
    const elsewhere = await backend.person(await backend.tenant("Other"), "librarian", newId());
    expect((await remove(others, elsewhere)).status).toBe(404);
    expect((await get(others)).status).toBe(200);
  });

  test("under If-Match happens only to that version", async () => {
    const path = await create("/v1/books", { title: "Middlemarch" });
    const etag = (await get(path)).headers.get("etag") ?? "";
    await backend.request(path, { key: librarian.key, method: "PATCH", body: { title: "M" } });
    expect((await remove(path, librarian, { "if-match": etag })).status).toBe(412);
    const now = (await get(path)).headers.get("etag") ?? "";
    expect((await remove(path, librarian, { "if-match": now })).status).toBe(204);
  });

  test("repeated under its Idempotency-Key is one deletion and the same reply", async () => {
    const path = await create("/v1/books", { title: "Beloved" });
    const headers = { "idempotency-key": newId() };
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => remove(path, librarian, headers)),
    );
    const done = replies.filter((reply) => reply.status === 204);
    expect(done.length).toBeGreaterThan(0);
    expect(replies.filter((reply) => ![204, 409].includes(reply.status))).toEqual([]);
    const again = await remove(path, librarian, headers);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([204, "true"]);
    expect(await eventsOf(path)).toHaveLength(2);
  });

  test("of a record that others refer to is 409 and changes nothing", async () => {
    const path = await create("/v1/books", { title: "One" });
    const id = path.split("/").at(-1);
    await create("/v1/books", { title: "Two", sequelOf: id });
    const refused = await remove(path);
    expect([refused.status, refused.json.error.code]).toEqual([409, "CONFLICT"]);
    expect((await get(path)).status).toBe(200);
  });
});

describe("a record that is marked as deleted", () => {
  test("is in no reply: get, list, filter, include", async () => {
    const path = await create("/v1/shelves", { name: "A" });
    const shelfId = path.split("/").at(-1);
    const book = await create("/v1/books", { title: "On A", shelfId });
    expect((await get(`${book}?include=shelf`)).json.data.shelf.name).toBe("A");
    expect((await remove(path)).status).toBe(204);
    expect((await get(path)).status).toBe(404);
    expect((await get("/v1/shelves?filter[name]=A")).json.data).toEqual([]);
    expect((await get(`${book}?include=shelf`)).json.data).toMatchObject({ shelfId, shelf: null });
  });

  test("cannot be changed, deleted again or referred to", async () => {
    const path = await create("/v1/shelves", { name: "B" });
    const shelfId = path.split("/").at(-1);
    await remove(path);
    const patch = { key: librarian.key, method: "PATCH", body: { name: "C" } };
    expect((await backend.request(path, patch)).status).toBe(404);
    expect((await remove(path)).status).toBe(404);
    const body = { title: "Lost", shelfId };
    const lost = await backend.request("/v1/books", { key: librarian.key, body });
    expect([lost.status, lost.json.error.details[0].field]).toEqual([422, "shelfId"]);
  });

  test("comes back as it was, for who may delete", async () => {
    const path = await create("/v1/shelves", { name: "D" });
    expect((await restore(path)).status).toBe(404);
    await remove(path);
    expect((await restore(path, reader)).status).toBe(403);
    const back = await restore(path);
    expect([back.status, back.json.data.name, back.json.data.version]).toEqual([200, "D", 3]);
    expect((await eventsOf(path)).map((event) => event.type)).toEqual([
      "shelves.created",
      "shelves.deleted",
      "shelves.restored",
    ]);
  });

  test("frees its unique name, and cannot come back while the name is taken", async () => {
    const path = await create("/v1/shelves", { name: "E" });
    await remove(path);
    await create("/v1/shelves", { name: "E" });
    const refused = await restore(path);
    expect([refused.status, refused.json.error.details[0].field]).toEqual([409, "name"]);
  });
});
