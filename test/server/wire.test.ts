// What every reply carries, and what is answered to whoever does not speak HTTP.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Kernel, startKernel } from "./kernel.ts";
import { exchange, type RawReply, requestText } from "./raw-http.ts";

let kernel: Kernel;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(() => kernel?.server.drain(1_000));

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Envelope {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: readonly unknown[];
    readonly requestId: string;
  };
}

const envelopeOf = (reply: RawReply): Envelope => JSON.parse(reply.body) as Envelope;
const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawReply> =>
  exchange(kernel.url, requestText({ path, headers }));

const ERRORS: readonly (readonly [what: string, bytes: string, status: number])[] = [
  ["no route", requestText({ path: "/nothing" }), 404],
  ["another method", requestText({ path: "/v1/things/1", method: "DELETE" }), 405],
  ["a body that is not JSON", requestText({ path: "/v1/echo", body: "{" }), 400],
  ["a bug", requestText({ path: "/v1/bug" }), 500],
  ["an outage", requestText({ path: "/v1/down" }), 503],
  ["an address that cannot be decoded", requestText({ path: "/v1/things/%zz" }), 400],
  ["a parameter too long", requestText({ path: `/v1/things/${"x".repeat(300)}` }), 414],
  ["headers too large", requestText({ path: "/", headers: { "x-a": "x".repeat(5_000) } }), 431],
  ["no HTTP at all", "\u0016\u0003\u0001hello\r\n\r\n", 400],
];

describe.each(ERRORS)("the reply to %s", (_what, bytes, status) => {
  // Planted fault: frameworkErrors without x-request-id -> red for addresses.
  // Planted fault: answerBrokenRequest without x-request-id -> red for headers and no HTTP.
  test("has the envelope, one request id in header, body and log, and is not stored", async () => {
    const reply = await exchange(kernel.url, bytes);
    expect(reply.status).toBe(status);
    expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const { error, ...rest } = envelopeOf(reply);
    expect(rest).toEqual({});
    expect(Object.keys(error)).toEqual(["code", "message", "details", "requestId"]);
    expect(error.code).toMatch(/^[A-Z][A-Z_]+$/);
    expect(error.requestId).toMatch(UUID_V7);
    expect(reply.headers.get("x-request-id")).toBe(error.requestId);
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
    const lines = await kernel.linesOf(error.requestId);
    expect(lines.filter((line) => line.level === "info")).toMatchObject([
      { status, errorCode: error.code },
    ]);
  });

  test("says nothing of the inside", async () => {
    const reply = await exchange(kernel.url, bytes);
    const everything = reply.body + [...reply.headers].flat().join("\n");
    expect(everything).not.toMatch(/private|fastify|node|\bat \/|\.ts:/i);
    expect(reply.headers.has("x-powered-by")).toBe(false);
    expect(reply.headers.has("server")).toBe(false);
  });
});

describe("a request id", () => {
  test.each(["abc-1", "A_b-9", "x".repeat(64)])("of the caller, %s, is kept", async (id) => {
    const reply = await get("/v1/things/1", { "x-request-id": id });
    expect(reply.headers.get("x-request-id")).toBe(id);
    expect(await kernel.linesOf(id)).toHaveLength(1);
  });

  // Planted fault: genReqId that takes any header -> red.
  test.each([
    ["with a space", "a b"],
    ["that is too long", "x".repeat(65)],
    ["that looks like markup", "<script>"],
    ["that forges a log line", 'a","level":"error'],
    ["that is empty", ""],
  ])("%s is replaced by one of ours", async (_what, id) => {
    const reply = await get("/v1/things/1", { "x-request-id": id });
    expect(reply.status).toBe(200);
    expect(reply.headers.get("x-request-id")).toMatch(UUID_V7);
  });

  test("given twice is replaced by one of ours", async () => {
    const head = "GET /v1/things/1 HTTP/1.1\r\nhost: x\r\nx-request-id: a\r\n";
    const reply = await exchange(kernel.url, `${head}x-request-id: b\r\n\r\n`);
    expect(reply.headers.get("x-request-id")).toMatch(UUID_V7);
  });
});

// Planted fault: helmet not registered -> red.
test.each(["/health", "/v1/things/1", "/nothing", "/v1/bug"])(
  "%s carries the security headers",
  async (path) => {
    const { headers } = await get(path);
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none';frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("strict-transport-security")).toMatch(/^max-age=31536000/);
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.has("access-control-allow-origin")).toBe(false);
  },
);

const BROKEN: readonly (readonly [what: string, bytes: string])[] = [
  ["a method that does not exist", "FOO /health HTTP/1.1\r\nhost: x\r\n\r\n"],
  ["a header name with a space", "GET /health HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n"],
  ["a header without a colon", "GET /health HTTP/1.1\r\nhost: x\r\nbad\r\n\r\n"],
  ["a header with a zero byte", "GET /health HTTP/1.1\r\nhost: x\r\na: \0\r\n\r\n"],
  ["a folded header", "GET /health HTTP/1.1\r\nhost: x\r\na: 1\r\n 2\r\n\r\n"],
  ["lines that end in LF alone", "GET /health HTTP/1.1\nhost: x\n\n"],
  ["another protocol", "GET /health SPDY/3\r\nhost: x\r\n\r\n"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  [
    "a length and chunks",
    "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" +
      "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "two lengths",
    "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
  ],
  [
    "a length that is no number",
    "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2, 2\r\n\r\n{}",
  ],
  [
    "a chunk of a size that is no number",
    "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" +
      "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
  ],
  [
    "a transfer coding that is not chunked",
    "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" +
      "transfer-encoding: gzip\r\n\r\n{}",
  ],
];

describe("broken HTTP", () => {
  // Planted fault: no clientErrorHandler -> red, Fastify answers in a form of its own.
  test.each(BROKEN)("with %s is 400 and ends the connection", async (_what, bytes) => {
    const reply = await exchange(kernel.url, bytes);
    expect(reply.status).toBe(400);
    expect(reply.headers.get("connection")).toBe("close");
    expect(envelopeOf(reply).error.code).toBe("REQUEST_INVALID");
  });

  test("leaves the server able to answer", async () => {
    await Promise.all(BROKEN.map(([, bytes]) => exchange(kernel.url, bytes)));
    expect((await get("/health")).status).toBe(200);
  });
});

describe("a method", () => {
  test("HEAD answers as GET would, without the body", async () => {
    const asked = await get("/v1/things/1?a=b");
    const head = await exchange(
      kernel.url,
      requestText({ method: "HEAD", path: "/v1/things/1?a=b" }),
      { hasBody: false },
    );
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe(String(Buffer.byteLength(asked.body)));
  });

  // Planted fault: no METHOD_NOT_ALLOWED in the not-found handler -> red.
  test.each([
    ["DELETE", "/v1/things/1", ["GET", "PATCH"]],
    ["PUT", "/v1/things/1?x=y", ["GET", "PATCH"]],
    ["GET", "/v1/echo", ["POST"]],
    ["PROPFIND", "/v1/echo", ["POST"]],
    ["OPTIONS", "/v1/echo", ["POST"]],
    ["TRACE", "/v1/echo", ["POST"]],
  ])("%s of %s is 405 and Allow names what there is", async (method, path, allowed) => {
    const reply = await exchange(kernel.url, requestText({ method, path }));
    expect(reply.status).toBe(405);
    expect(envelopeOf(reply).error.code).toBe("METHOD_NOT_ALLOWED");
    const allow = reply.headers.get("allow")?.split(", ") ?? [];
    expect(allow).toEqual(expect.arrayContaining(allowed));
    expect(allow).not.toContain(method);
  });

  test("cannot be changed by a header or a field", async () => {
    const headers = { "x-http-method-override": "DELETE", "x-method-override": "DELETE" };
    expect((await get("/v1/things/1", headers)).status).toBe(200);
    expect((await get("/v1/things/1?_method=DELETE")).status).toBe(200);
  });
});

// Planted fault: routerOptions with ignoreTrailingSlash, ignoreDuplicateSlashes -> red.
test.each([
  "/v1/things/1/",
  "//v1/things/1",
  "/v1//things/1",
  "/V1/things/1",
  "/v1/things/%2e%2e/bug",
  "/v1/things/1%2f",
  "/v1/things",
  "/v2/things/1",
])("%s is another address than the one that it resembles", async (path) => {
  const reply = await get(path);
  // One segment with a decoded slash in it is still one segment.
  if (path.endsWith("%2f")) expect(JSON.parse(reply.body)).toMatchObject({ id: "1/" });
  else expect(reply.status).toBe(404);
});
