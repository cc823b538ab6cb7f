// The form of replies: envelope, headers, and that the same question has the same answer however it
// is spelled. What is refused stands in errors-*.test.ts.
//
// Planted faults, each red before it was taken out again:
// - percent-encoded brackets not decoded -> spellings
// - filters kept in the order of the request (no canonical order) -> spellings: cursors differ
// - the id of the address compared as it is written -> an id in capitals
// - a reply that a shared cache may keep -> headers
// - x-request-id taken whatever it is -> request ids
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FIELDS } from "../fixtures/work-orders-access.ts";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("replies");
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
});
afterAll(() => backend?.close());

const get = (path: string, headers = {}): Promise<Reply> => backend.request(path, { key, headers });
const leak = (): string => `/v1/work-orders/${acme.rows["work-orders"].leak}`;

describe("the envelope", () => {
  test("of a list is data and meta.pagination, with links that lead there and back", async () => {
    const first = await get("/v1/work-orders?page[size]=3&sort=-id");
    expect(Object.keys(first.json)).toEqual(["data", "meta"]);
    expect(first.json.meta).toEqual({
      pagination: { size: 3, next: expect.any(String), prev: null, hasMore: true },
    });
    const { next } = first.json.meta.pagination;
    const second = await get(`/v1/work-orders?page[size]=3&sort=-id&page[after]=${next}`);
    expect(second.json.data).toHaveLength(1);
    const { pagination } = second.json.meta;
    expect(pagination).toEqual({ size: 3, next: null, prev: expect.any(String), hasMore: false });
    const back = await get(`/v1/work-orders?page[size]=3&sort=-id&page[before]=${pagination.prev}`);
    expect(back.json.data).toEqual(first.json.data);
    const none = await get("/v1/work-orders?filter[status]=done");
    expect(none.json).toEqual({
      data: [],
      meta: { pagination: { size: 25, next: null, prev: null, hasMore: false } },
    });
  });

  test("of a record is data alone, its fields in the order of the table", async () => {
    const reply = await get(leak());
    expect(Object.keys(reply.json)).toEqual(["data"]);
    expect(Object.keys(reply.json.data)).toEqual(FIELDS["work-orders"]);
    const chosen = await get(`${leak()}?fields=version,title,id,title`);
    expect(chosen.text).toBe(
      `{"data":{"id":"${acme.rows["work-orders"].leak}","title":"Leak","version":1}}`,
    );
  });

  test("carries instants in UTC with microseconds, whatever their offset was", async () => {
    const body = { dueAt: "2026-12-01T02:03:04.5+02:00" };
    const reply = await backend.request(leak(), { key, method: "PATCH", body });
    expect(reply.json.data.dueAt).toBe("2026-12-01T00:03:04.500000Z");
    for (const field of ["createdAt", "updatedAt", "reportedAt"]) {
      expect(reply.json.data[field]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
  });
});

describe("the same question", () => {
  test("has the same answer and cursor in every spelling", async () => {
    const plain = "filter[status]=open&filter[dueAt][isNull]=true&sort=dueAt&page[size]=1";
    const spellings = [
      plain,
      plain.split("&").reverse().join("&"),
      plain.replaceAll("[", "%5B").replaceAll("]", "%5d"),
      plain.replace("filter[status]", "filter[status][eq]"),
      plain.replace("open", "%6fpen"),
      `${plain}&fields=${FIELDS["work-orders"].join(",")}`,
      `${plain}&fields=${FIELDS["work-orders"].toReversed().join(",")}`,
    ];
    const replies = await Promise.all(spellings.map((one) => get(`/v1/work-orders?${one}`)));
    for (const reply of replies) expect(reply.text).toBe(replies[0]?.text);
    expect(replies[0]?.json.meta.pagination.next).toEqual(expect.any(String));
    const includes = ["site,asset", "asset,site", "asset,site,asset"];
    const included = await Promise.all(includes.map((one) => get(`${leak()}?include=${one}`)));
    for (const reply of included) expect(reply.text).toBe(included[0]?.text);
  });

  test("about an id in capitals or with escapes is the same, and so is its key", async () => {
    const id = acme.rows["work-orders"].leak ?? "";
    const plain = await get(leak());
    for (const one of [id.toUpperCase(), id.replace("-", "%2D"), `%3${id[0]}${id.slice(1)}`]) {
      const reply = await get(`/v1/work-orders/${one}`);
      expect([reply.status, reply.text]).toEqual([200, plain.text]);
    }
    const headers = { "idempotency-key": "capitals" };
    const body = { title: "Once" };
    const ask = { key, method: "PATCH", body, headers };
    const first = await backend.request(leak(), ask);
    const again = await backend.request(`/v1/work-orders/${id.toUpperCase()}`, ask);
    expect(again.text).toBe(first.text);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
  });
});

describe("headers", () => {
  test("keep replies out of shared caches and out of other callers' hands", async () => {
    const read = await get("/v1/sites");
    expect(read.headers.get("cache-control")).toBe("private, no-cache");
    expect(read.headers.get("vary")).toMatch(/\bAuthorization\b/i);
    const made = await backend.request("/v1/sites", { key, body: { name: "Cached" } });
    expect(made.headers.get("cache-control")).toBe("no-store");
    expect(made.headers.get("location")).toBe(`/v1/sites/${made.json.data.id}`);
    for (const reply of [read, made]) {
      expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
      expect(reply.headers.get("set-cookie")).toBeNull();
      expect(reply.headers.get("server")).toBeNull();
      expect(reply.headers.get("x-powered-by")).toBeNull();
    }
  });

  test("repeat a request id that is one, and make one of their own otherwise", async () => {
    for (const given of ["abc-123_X", "x".repeat(64)]) {
      const reply = await get("/v1/sites", { "x-request-id": given });
      expect(reply.headers.get("x-request-id")).toBe(given);
    }
    for (const given of ["", "x".repeat(65), "a b", "a;b", "<x>", "a\tb", "é"]) {
      const reply = await get("/v1/sites", { "x-request-id": given });
      expect(reply.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
