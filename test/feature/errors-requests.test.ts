// Requests that are wrong in their address, query, headers or body: each has its status, its code,
// the name of what is wrong, and changes nothing. Nothing that is wrong is ignored.
//
// Planted faults, each red before it was taken out again:
// - an unknown parameter skipped -> parameters
// - a parameter given twice: the last one taken -> parameters
// - the number of values of `in` not limited -> parameters
// - a pair of filter and sort without an index served anyway -> pairs
// - the body's depth not limited -> bodies
// - bytes that are not UTF-8 replaced instead of refused -> bodies
// - an address that exists answers a wrong method with 404 -> methods
// - query parameters of a write ignored -> methods and addresses
import { randomUUID } from "node:crypto";
import { request as rawRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectNothingInside, expectRefusal } from "../fixtures/refusals.ts";
import { createOrganization, type Organization, rowCounts } from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("requests");
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
});
afterAll(async () => {
  const failures = backend.log.filter((line) => line.message === "request failed");
  await backend.close();
  expect(failures).toEqual([]); // Not one reply of 500 or above in the whole file.
});

const TABLES = ["work_orders", "sites", "assets", "categories", "teams", "users"];
const list = (query: string): Promise<Reply> =>
  backend.request(`/v1/work-orders?${query}`, { key });

describe("parameters", () => {
  const id = "01890a5d-ac96-774b-bcce-b302099a8057";
  const many = Array.from({ length: 21 }, (_, at) => id.slice(0, -2) + (10 + at)).join(",");
  const wrong: readonly (readonly [query: string, field: string])[] = [
    ["nothing=1", "nothing"],
    ["Sort=dueAt", "Sort"],
    ["limit=1", "limit"],
    ["filter=1", "filter"],
    ["filter[]=1", "filter[]"],
    ["filter[status", "filter[status"],
    ["filter[status]x=open", "filter[status]x"],
    ["filter[status][eq][x]=open", "filter[status][eq][x]"],
    ["filter.status=open", "filter.status"],
    ["filter[a b]=1", "filter[a b]"],
    ["filter[status']=open", "filter[status']"],
    ["=1", "query"],
    ["&", "query"],
    ["status=open", "status"],
    ["%FF=1", "query"],
    ["filter[status]=%E0%A4", "filter[status]"],
    ["filter[status]=%", "filter[status]"],
    ["filter[status]=open&filter[status]=open", "filter[status]"],
    ["filter[status]=open&filter[status][eq]=done", "filter[status]"],
    ["sort=dueAt&sort=dueAt", "sort"],
    ["fields=id&fields=title", "fields"],
    ["include=site&include=asset", "include"],
    ["page[size]=1&page[size]=2", "page[size]"],
    ["filter[status]=opened", "filter[status]"],
    ["filter[status]=", "filter[status]"],
    ["filter[status]=Open", "filter[status]"],
    ["filter[status]=open%00", "filter[status]"],
    ["filter[status][in]=open,opened", "filter[status][in]"],
    ["filter[status][in]=open,,done", "filter[status][in]"],
    [`filter[siteId][in]=${many}`, "filter[siteId][in]"],
    ["filter[siteId]=x", "filter[siteId]"],
    [`filter[siteId]=${id}'`, "filter[siteId]"],
    [`filter[siteId]={${id}}`, "filter[siteId]"],
    ["filter[status][like]=o%25", "filter[status][like]"],
    ["filter[status][nin]=open,opened", "filter[status][nin]"],
    [`filter[siteId][nin]=${many}`, "filter[siteId][nin]"],
    ["filter[status]=open&filter[site.nothing]=1", "filter[site.nothing]"],
    ["filter[status]=open&filter[site.isPublic]=yes", "filter[site.isPublic]"],
    ["filter[status]=open&filter[site.isPublic][like]=t", "filter[site.isPublic][like]"],
    ["filter[status]=open&filter[nothing.name]=1", "filter[nothing.name]"],
    ["filter[site.]=1", "filter[site.]"],
    ["filter[.name]=1", "filter[.name]"],
    ["filter[site..name]=1", "filter[site..name]"],
    ["filter[asset.site.name]=1", "filter[asset.site.name]"],
    ["filter[site.name]=Yard", "filter[site.name][eq]"], // Nothing that an index finds.
    ["filter[status][EQ]=open", "filter[status][EQ]"],
    ["filter[status][constructor]=1", "filter[status][constructor]"],
    ["filter[status][isNull]=yes", "filter[status][isNull]"],
    ["filter[status][isNull]=", "filter[status][isNull]"],
    ["filter[dueAt]=2026-12-01", "filter[dueAt]"],
    ["filter[dueAt][gt]=2026-12-01T00:00:00", "filter[dueAt][gt]"],
    ["filter[dueAt][gt]=2026-12-01T00:00:00+02:00", "filter[dueAt][gt]"], // The + is a space.
    ["filter[dueAt][gt]=now", "filter[dueAt][gt]"],
    ["filter[version]=1.5", "filter[version]"],
    ["filter[version]=99999999999", "filter[version]"],
    ["filter[and]=1", "filter[and]"],
    ["filter[or][0]=1", "filter[or][0]"],
    ["sort=", "sort"],
    ["sort=-", "sort"],
    ["sort=--dueAt", "sort"],
    ["sort=+dueAt", "sort"],
    ["sort=dueAt,title", "sort"],
    ["sort=dueAt desc", "sort"],
    ["sort=dueAt,dueAt", "sort"],
    ["sort=dueAt,-dueAt", "sort"],
    ["sort=,dueAt", "sort"],
    ["sort=site.name", "sort"],
    [`sort=${"status,".repeat(50)}id`, "sort"],
    ["sort[dueAt]=asc", "sort[dueAt]"],
    ["sort=dueAt%00", "sort"],
    ["fields=", "fields"],
    ["fields=id,", "fields"],
    ["fields=*", "fields"],
    ["fields=count(id)", "fields"],
    ["fields[]=id", "fields[]"],
    ["fields[site]=id", "fields[site]"],
    ["fields[site][id]=1", "fields[site][id]"],
    ["fields[nothing]=id", "fields[nothing]"],
    ["include=", "include"],
    ["include=sites", "include"],
    ["include=site,", "include"],
    ["include[site]=1", "include[site]"],
    ["page=1", "page"],
    ["page[size]=0", "page[size]"],
    ["page[size]=101", "page[size]"],
    ["page[size]=-1", "page[size]"],
    ["page[size]=1e1", "page[size]"],
    ["page[size]=", "page[size]"],
    ["page[size]=ten", "page[size]"],
    ["page[number]=2", "page[number]"],
    ["page[offset]=-1", "page[offset]"],
    ["page[offset]=10001", "page[offset]"],
    ["page[offset]=1e3", "page[offset]"],
    ["page[offset]=", "page[offset]"],
    ["page[count]=yes", "page[count]"],
    ["page[count]=", "page[count]"],
    ["page[count]=exact&page[count]=exact", "page[count]"],
    ["page[after][x]=2", "page[after][x]"],
    ["page[__proto__]=2", "page[__proto__]"],
    ["page[after]=x&page[before]=x", "page"],
  ];
  test.each(wrong)("%s is refused", async (query, field) => {
    const reply = await list(query);
    expectRefusal(reply, 400, "PARAMETER_INVALID", field);
  });

  test("of lists are refused for a record, and several wrong ones are told at once", async () => {
    const path = `/v1/work-orders/${acme.rows["work-orders"].leak}`;
    for (const query of ["filter[status]=open", "sort=dueAt", "page[size]=1", "nothing=1"]) {
      const reply = await backend.request(`${path}?${query}`, { key });
      expectRefusal(reply, 400, "PARAMETER_INVALID", query.split("=")[0]);
    }
    const reply = await list("filter[status]=x&filter[siteId]=y&sort=z&page[size]=0&fields=q");
    const named = reply.json.error.details.map((detail: { field: string }) => detail.field);
    expect(named.toSorted()).toEqual(
      ["fields", "filter[siteId]", "filter[status]", "page[size]", "sort"].toSorted(),
    );
  });

  // Planted: the query's own problems thrown before its values are read -> red, and a filter whose
  // operator is not looked at where its field is unknown -> red.
  test("of names and of values are told at once, with what was meant", async () => {
    const wrong: readonly (readonly [parameter: string, message: RegExp])[] = [
      ["filtr[status]", /^is not a parameter; allowed: .*; did you mean filter\?$/],
      ["limit", /; did you mean page\[size\]\?$/],
      ["orderBy", /; did you mean sort\?$/],
      ["status", /; did you mean filter\[status\]\?$/],
      ["filter[titel][foo]", /^cannot be filtered by; allowed: .*; did you mean title\?$/],
      ["filter[titel][foo]", /^there is no operator "foo" for titel; allowed: eq, .*$/],
      ["filter[status][equals]", /^there is no operator "equals" for status; allowed: eq, ne/],
      ["filter[priority]", /^is not valid; allowed: low, .*; did you mean high\?$/],
      ["filter[assett.name]", /; allowed: .*asset.*; did you mean asset\?$/],
      ["fields", /^"titel" is not a field; allowed: .*; did you mean title\?$/],
      ["sort", /^"due_at" cannot be sorted by, .*; did you mean dueAt\?$/],
      ["include", /^cannot include "assets"; allowed: .*; did you mean asset\?$/],
    ];
    const reply = await list(
      "filtr[status]=open&filter[titel][foo]=1&filter[status][equals]=open&filter[priority]=hihg" +
        "&filter[assett.name]=x&fields=titel&sort=due_at&include=assets" +
        "&limit=3&orderBy=dueAt&status=open",
    );
    expectRefusal(reply, 400, "PARAMETER_INVALID");
    for (const [field, message] of wrong) {
      expect(reply.json.error.details).toContainEqual({
        field,
        message: expect.stringMatching(message),
      });
    }
    expect(reply.json.error.details).toHaveLength(wrong.length);
    const path = `/v1/work-orders/${acme.rows["work-orders"].leak}?nothing=1&fields=x`;
    const record = await backend.request(path, { key });
    expect(record.json.error.message).toBe("Not valid: nothing, fields.");
  });

  test("in thousands are answered in a short reply", async () => {
    const reply = await list("a&".repeat(3_900));
    expect(reply.status).toBe(400);
    expect(reply.text.length).toBeLessThan(25_000);
  });
});

test.each([
  "sort=title",
  "filter[title]=x",
  "filter[description]=x",
  "filter[priority]=high",
  "filter[status]=open&sort=reportedAt",
  "filter[assetId]=01890a5d-ac96-774b-bcce-b302099a8057&sort=dueAt",
  "filter[dueAt][isNull]=true&sort=title",
  "filter[createdAt][gt]=2026-01-01T00:00:00Z",
])("the pair %s, which no index serves, is refused and says what is served", async (query) => {
  const reply = await list(query);
  expectRefusal(reply, 400, "PARAMETER_INVALID");
  expect(reply.json.error.message).toContain("No index serves");
  expect(reply.json.error.details[0].message).toContain("sort=dueAt");
});

interface Raw {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** Bytes as they are, with the key. */
function raw({ method, path, headers = {}, body }: Raw): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(backend.url);
    const given = { authorization: `Bearer ${key}`, ...headers };
    const request = rawRequest({ hostname, port, method, path, headers: given }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => chunks.push(chunk));
      reply.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const pairs = Object.entries(reply.headers).map(([name, value]) => [name, String(value)]);
        const json = text.startsWith("{") ? JSON.parse(text) : undefined;
        const status = reply.statusCode ?? 0;
        resolve({ status, headers: new Headers(pairs as [string, string][]), text, json });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

describe("bodies", () => {
  const json = { "content-type": "application/json" };
  const good = '{"name":"Good"}';
  const post = (body: string | Buffer | undefined, headers: Record<string, string> = json) =>
    raw({ method: "POST", path: "/v1/sites", headers, ...(body === undefined ? {} : { body }) });

  const cases: readonly (readonly [string, string | Buffer | undefined, number, string])[] = [
    ["none", undefined, 400, "REQUEST_INVALID"],
    ["empty", "", 400, "REQUEST_INVALID"],
    ["cut off", '{"name":"x"', 400, "REQUEST_INVALID"],
    ["not JSON", "name=x", 400, "REQUEST_INVALID"],
    ["JSON with a comment", '{"name":"x"}//', 400, "REQUEST_INVALID"],
    ["two documents", `${good}${good}`, 400, "REQUEST_INVALID"],
    ["single quotes", "{'name':'x'}", 400, "REQUEST_INVALID"],
    ["NaN", '{"name":NaN}', 400, "REQUEST_INVALID"],
    ["a raw control character", '{"name":"a\u0000b"}', 400, "REQUEST_INVALID"],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22]), 400, "REQUEST_INVALID"],
    ["overlong UTF-8", Buffer.from([0x22, 0xc0, 0x80, 0x22]), 400, "REQUEST_INVALID"],
    ["a surrogate in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 400, "REQUEST_INVALID"],
    ["UTF-16", Buffer.from(good, "utf16le"), 400, "REQUEST_INVALID"],
    ["33 levels", `${"[".repeat(33)}${"]".repeat(33)}`, 400, "REQUEST_INVALID"],
    ["100,000 levels", "[".repeat(100_000), 400, "REQUEST_INVALID"],
    ["a list", `[${good}]`, 400, "VALIDATION_ERROR"],
    ["null", "null", 400, "VALIDATION_ERROR"],
    ["a string", '"name"', 400, "VALIDATION_ERROR"],
    ["a number", "1", 400, "VALIDATION_ERROR"],
    ["an empty object", "{}", 400, "VALIDATION_ERROR"],
    ["an envelope", `{"data":${good}}`, 400, "VALIDATION_ERROR"],
    ["a megabyte and more", `{"name":"${"x".repeat(1_048_576)}"}`, 413, "BODY_TOO_LARGE"],
  ];
  test.each(cases)("%s", async (_name, body, status, code) => {
    const before = await rowCounts(backend, TABLES);
    expectRefusal(await post(body), status, code);
    expect(await rowCounts(backend, TABLES)).toEqual(before);
  });

  test("of another media type are refused with 415", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/xml",
      "text/json",
      "application/jsonp",
      "application/merge-patch+json",
      "application/json, text/plain",
      "*/*",
      "json",
      "",
    ]) {
      const reply = await post(good, { "content-type": type });
      expectRefusal(reply, 415, "UNSUPPORTED_MEDIA_TYPE");
    }
    expectRefusal(await post(good, {}), 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  test("an update that names nothing is refused", async () => {
    const path = `/v1/sites/${acme.rows.sites.yard}`;
    const reply = await raw({ method: "PATCH", path, headers: json, body: "{}" });
    expectRefusal(reply, 400, "VALIDATION_ERROR");
  });
});

describe("methods and addresses", () => {
  const one = "01890a5d-ac96-774b-bcce-b302099a8057";
  type Case = readonly [method: string, path: string, status: number, code: string, allow?: string];
  const cases: readonly Case[] = [
    ["PUT", "/v1/teams/bulk-create", 405, "METHOD_NOT_ALLOWED", "POST"],
    ["PATCH", "/v1/sites", 405, "METHOD_NOT_ALLOWED", "POST"],
    ["DELETE", "/v1/sites", 405, "METHOD_NOT_ALLOWED", "GET"],
    ["TRACE", "/v1/sites", 405, "METHOD_NOT_ALLOWED", "GET"],
    ["PUT", `/v1/sites/${one}`, 405, "METHOD_NOT_ALLOWED", "PATCH"],
    ["POST", `/v1/sites/${one}`, 405, "METHOD_NOT_ALLOWED", "DELETE"],
    ["OPTIONS", `/v1/sites/${one}`, 405, "METHOD_NOT_ALLOWED", "GET"],
    ["GET", "/", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v2/sites", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/site", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/Sites", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/workOrders", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/work_orders", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/organizations", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/team-members", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/api-keys", 404, "ROUTE_NOT_FOUND"],
    ["GET", `/v1/sites/${one}/assets`, 404, "ROUTE_NOT_FOUND"],
    ["GET", "//v1/sites", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/../v1/sites", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/sites;x=1", 404, "ROUTE_NOT_FOUND"],
    ["POST", `/v1/sites/${one}/restore`, 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v1/sites/", 400, "PARAMETER_INVALID"],
    ["GET", "/v1/sites/x", 400, "PARAMETER_INVALID"],
    ["GET", `/v1/sites/${one}0`, 400, "PARAMETER_INVALID"],
    ["GET", `/v1/sites/%7B${one}%7D`, 400, "PARAMETER_INVALID"],
    ["GET", "/v1/sites/%00", 400, "PARAMETER_INVALID"],
    ["GET", `/v1/sites/${"0".repeat(36)}`, 400, "PARAMETER_INVALID"],
    ["DELETE", "/v1/sites/1", 400, "PARAMETER_INVALID"],
    ["GET", "/v1/sites/%zz", 400, "REQUEST_INVALID"],
    ["GET", `/v1/sites/${"x".repeat(300)}`, 414, "URI_TOO_LONG"],
    ["GET", `/v1/sites?${"x".repeat(8_200)}`, 414, "URI_TOO_LONG"],
    ["DELETE", `/v1/sites/${one}?force=1`, 400, "PARAMETER_INVALID"],
  ];
  const named = cases.map(([method, path, status, code, allow]) => {
    return { method, path, status, code, allowed: allow };
  });
  test.each(named)("$method $path is $status", async (one) => {
    const { method, path, status, code, allowed } = one;
    const reply = await raw({ method, path });
    expectRefusal(reply, status, code);
    const allow = reply.headers.get("allow");
    if (allowed === undefined) expect(allow).toBeNull();
    else expect(allow?.split(", ")).toContain(allowed);
  });

  test("a write takes no query parameters", async () => {
    const headers = { "content-type": "application/json" };
    const body = '{"name":"Asked"}';
    const before = await rowCounts(backend, TABLES);
    const yard = `/v1/sites/${acme.rows.sites.yard}`;
    for (const query of ["fields=id", "include=site", "x", "dryRun=true"]) {
      const made = await raw({ method: "POST", path: `/v1/sites?${query}`, headers, body });
      expectRefusal(made, 400, "PARAMETER_INVALID", "query");
      const changed = await raw({ method: "PATCH", path: `${yard}?${query}`, headers, body });
      expectRefusal(changed, 400, "PARAMETER_INVALID", "query");
    }
    expect(await rowCounts(backend, TABLES)).toEqual(before);
  });

  test("HEAD is decided as GET is, without a body", async () => {
    const ok = await raw({ method: "HEAD", path: "/v1/sites" });
    expect([ok.status, ok.text]).toEqual([200, ""]);
    const viewer = { authorization: `Bearer ${acme.people.viewer.key}` };
    expect((await raw({ method: "HEAD", path: "/v1/users", headers: viewer })).status).toBe(403);
    const nobody = { authorization: "Bearer x" };
    expect((await raw({ method: "HEAD", path: "/v1/sites", headers: nobody })).status).toBe(401);
  });

  test("no header changes the method, the address or the caller", async () => {
    for (const headers of [
      { "x-http-method-override": "DELETE" },
      { "x-original-url": "/v1/users", "x-rewrite-url": "/v1/users" },
      { "x-forwarded-for": "127.0.0.1", "x-tenant-id": randomUUID(), "x-role": "manager" },
    ] as Record<string, string>[]) {
      const path = `/v1/sites/${acme.rows.sites.yard}`;
      const authorization = `Bearer ${acme.people.viewer.key}`;
      const reply = await raw({ method: "GET", path, headers: { ...headers, authorization } });
      expect(reply.json.data).toEqual({ id: acme.rows.sites.yard, name: "Yard" });
      expectNothingInside(reply);
    }
  });
});
