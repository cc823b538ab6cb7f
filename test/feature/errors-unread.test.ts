// What a request says and nobody would read is refused, never passed over: conditions that an
// operation does not check, bodies that it does not take, a second charset, names that only look
// like others. And every status that the server makes by itself is in the catalogue's forms.
//
// Planted faults, each red before it was taken out again:
// - refuseConditions without effect -> conditions
// - mustBeNew not handed to the operation -> upsert
// - refuseBody without effect -> bodies
// - only the first charset looked at -> charset
// - Accept searched for the type as a part of a text -> problem documents
// - the body of an unknown address judged first -> addresses
// - the codes of 408 and 431 left out of ERROR_RESPONSES -> the document
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ERROR_CATALOGUE } from "../../src/base/errors.ts";
import { ERROR_RESPONSES } from "../../src/rest/openapi-errors.ts";
import { expectRefusal } from "../fixtures/refusals.ts";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { exchange, requestText } from "../server/raw-http.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let key: string;
let id: string;
beforeAll(async () => {
  backend = await startTestBackend("unread");
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
  const made = await backend.request("/v1/work-orders", { key, body: leak() });
  ({ id } = made.json.data);
});
afterAll(() => backend?.close());

const leak = (more: object = {}) => ({
  title: "Leak",
  siteId: acme.rows.sites.yard,
  requesterId: acme.people.requester.id,
  ...more,
});

describe("a condition", () => {
  const ETAG = '"1-x"';
  const patch = { method: "PATCH", body: { title: "x" } };
  const CASES: readonly (readonly [
    what: string,
    path: () => string,
    one: object,
    header: string,
  ])[] = [
    ["a create", () => "/v1/work-orders", { body: {} }, "if-match"],
    ["a create", () => "/v1/work-orders", { body: {} }, "if-none-match"],
    ["an update", () => `/v1/work-orders/${id}`, patch, "if-none-match"],
    ["an update", () => `/v1/work-orders/${id}`, patch, "if-unmodified-since"],
    ["a deletion", () => `/v1/work-orders/${id}`, { method: "DELETE" }, "if-none-match"],
    ["an action", () => `/v1/work-orders/${id}/start`, { body: {} }, "if-none-match"],
    [
      "an upsert",
      () => "/v1/work-orders?by=externalId",
      { method: "PUT", body: {} },
      "if-none-match",
    ],
    [
      "a bulk request",
      () => "/v1/work-orders/bulk-create",
      { body: { records: [{}] } },
      "if-match",
    ],
    ["a batch", () => "/v1/batch", { body: { operations: [] } }, "if-match"],
  ];
  test.each(CASES)(
    "that %s does not check is refused by its name",
    async (_, path, one, header) => {
      const reply = await backend.request(path(), { key, ...one, headers: { [header]: ETAG } });
      expectRefusal(reply, 400, "PRECONDITION_INVALID");
      const [detail] = reply.json.error.details as readonly { field: string }[];
      expect(detail?.field.toLowerCase()).toBe(header);
    },
  );

  test.each(['W/"1-x"', '"1-x", "2-x"', '"*"', "1-x", '"-1-"', ""])(
    "If-Match: %s says what it takes",
    async (header) => {
      const headers = { "if-match": header };
      const reply = await backend.request(`/v1/work-orders/${id}`, { key, ...patch, headers });
      expectRefusal(reply, 400, "PRECONDITION_INVALID", "If-Match");
      expect(reply.json.error.details[0].message).toContain("strong ETag");
    },
  );

  test("If-None-Match: * lets an upsert create and never change", async () => {
    const upsert = (title: string) =>
      backend.request("/v1/work-orders?by=externalId", {
        key,
        method: "PUT",
        body: leak({ externalId: "new-1", title }),
        headers: { "if-none-match": "*" },
      });
    expect((await upsert("First")).status).toBe(201);
    const again = await upsert("Second");
    expectRefusal(again, 412, "VERSION_CONFLICT");
    expect(again.json.error.message).toBe("There is a record with this key already.");
    const raced = await Promise.all(
      Array.from({ length: 6 }, () =>
        backend.request("/v1/work-orders?by=externalId", {
          key,
          method: "PUT",
          body: leak({ externalId: "new-2" }),
          headers: { "if-none-match": "*" },
        }),
      ),
    );
    expect(raced.map(({ status }) => status).toSorted()).toEqual([201, 412, 412, 412, 412, 412]);
  });
});

describe("a body", () => {
  test("of an operation that reads none is refused, an empty object is not", async () => {
    const path = `/v1/work-orders/${id}`;
    const refused = await backend.request(path, { key, method: "DELETE", body: { title: "x" } });
    expectRefusal(refused, 400, "VALIDATION_ERROR", "title");
    expect(refused.json.error.details[0].message).toBe("is not known here; allowed: nothing");
    expect((await backend.request(path, { key })).status).toBe(200);
    const made = await backend.request("/v1/work-orders", { key, body: leak() });
    const gone = `/v1/work-orders/${made.json.data.id}`;
    expect((await backend.request(gone, { key, method: "DELETE", body: {} })).status).toBe(204);
  });

  test("with a second charset is refused, and says which header it is", async () => {
    for (const type of [
      "application/json; charset=utf-8; charset=utf-16",
      "application/json; charset=latin1",
    ]) {
      const headers = { "content-type": type };
      const reply = await backend.request("/v1/work-orders", { key, body: leak(), headers });
      expectRefusal(reply, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type");
    }
  });

  test("that is not JSON says where, as far as that is known", async () => {
    const post = async (text: string) => {
      const headers = { authorization: `Bearer ${key}` };
      const { url } = backend;
      const reply = await exchange(
        url,
        requestText({ path: "/v1/work-orders", body: text, headers }),
      );
      return JSON.parse(reply.body).error.details;
    };
    const told = (message: string) => [{ field: "body", message }];
    expect(await post("")).toEqual(told("is not JSON: it is empty"));
    expect(await post('{"title":')).toEqual(told("is not JSON: it ends too early"));
    expect(await post('{\n"title" 5}')).toEqual(told("is not JSON at line 2 column 9"));
  });
});

describe("a query", () => {
  const fields = async (query: string) => {
    const reply = await backend.request(`/v1/work-orders?${query}`, { key });
    expectRefusal(reply, 400, "PARAMETER_INVALID");
    return reply.json.error.details.map(({ field }: { field: string }) => field);
  };

  test("names the parameter whose value is no text, and one without a name", async () => {
    expect(await fields("filter[status]=%ff&%ff=1&=x")).toEqual([
      ...["filter[status]", "query", "query"],
    ]);
  });

  test("of an aggregate may encode its names as any other", async () => {
    const path = "/v1/work-orders/aggregate?c%6funt=true";
    expect((await backend.request(path, { key })).status).toBe(200);
  });
});

test.each([
  ["application/problem+json;q=0", "application/json"],
  ["application/problem+jsonx", "application/json"],
  ["application/problem+xml", "application/json"],
  ["image/png", "application/json"],
  ["*/*;q=0", "application/json"],
  ["Application/Problem+JSON", "application/problem+json"],
  ["text/html, application/problem+json; q=0.1", "application/problem+json"],
])("an error for Accept: %s is of the type %s", async (accept, type) => {
  const reply = await backend.request("/v1/sites?nothing=1", { key, headers: { accept } });
  expect([reply.status, reply.headers.get("content-type")]).toEqual([
    400,
    `${type}; charset=utf-8`,
  ]);
});

describe("an address or a method that is not there", () => {
  test("is told before its body is judged", async () => {
    const headers = { "content-type": "text/plain" };
    const ask = (path: string, method: string): Promise<Reply> =>
      backend.request(path, { key, method, body: "x", headers });
    expectRefusal(await ask("/v1/nothing", "POST"), 404, "ROUTE_NOT_FOUND");
    expectRefusal(await ask("/v1/sites", "DELETE"), 405, "METHOD_NOT_ALLOWED");
  });

  test.each(["QUERY", "LINK", "PROPFIND"])(
    "%s is 405 with the methods that there are",
    async (method) => {
      const reply = await exchange(backend.url, requestText({ method, path: "/v1/sites" }));
      expect([reply.status, reply.headers.get("allow")]).toEqual([405, "GET, HEAD, POST, PUT"]);
    },
  );
});

test("the document names every code that an operation may answer with", () => {
  const told = Object.values(ERROR_RESPONSES).flatMap(({ codes }) => [...codes] as string[]);
  const ofNoOperation = ["EXPECTATION_FAILED", "METHOD_NOT_ALLOWED", "ROUTE_NOT_FOUND"];
  expect([...told, ...ofNoOperation].toSorted()).toEqual(Object.keys(ERROR_CATALOGUE).toSorted());
  for (const { status, codes } of Object.values(ERROR_RESPONSES)) {
    for (const code of codes)
      expect(`${code} ${ERROR_CATALOGUE[code].status}`).toBe(`${code} ${status}`);
  }
});
