// Check 39: bytes that a proxy and this server could read differently. What is ambiguous is 400 and
// ends the connection, so that nothing behind it is read as a request; what resembles another
// address never gets that address's authorization. A request follows each case on its connection:
// it is answered where the frame was clear, and not even carried out where it was not.
//
// Planted, each red before it was taken out again:
// - insecureHTTPParser: true -> both framings, folded lines, bare line feeds
// - checkFraming not called -> headers that come twice, HTTP/2.0, no Host, Expect
// - requests behind a refused one carried out (isOver never set) -> the same, by the new row
// - every broken request answered at once (breakOff always true) -> broken bytes behind a request
// - find-my-way with ignoreDuplicateSlashes, ignoreTrailingSlash, semicolons -> addresses
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOrganization, type Organization, rowCounts } from "../fixtures/work-orders-world.ts";
import { connectTo, type RawReply } from "../server/raw-http.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
beforeAll(async () => {
  backend = await startTestBackend("framing");
  acme = await createOrganization(backend, "Acme");
});
afterAll(() => backend?.close());

// The viewer may read sites (id and name) and may not read users. The manager may do everything.
const AS_VIEWER = "host: x\r\nauthorization: Bearer VIEWER\r\n";
const AS_MANAGER = "host: x\r\nauthorization: Bearer MANAGER\r\n";
const SITE = '{"name":"Smuggled"}';
const HIDDEN = `GET /v1/users HTTP/1.1\r\n${AS_MANAGER}\r\n`;
const LENGTH = `content-length: ${SITE.length}\r\n`;
const CHUNKED = "transfer-encoding: chunked\r\n";
const CHUNKS = `13\r\n${SITE}\r\n0\r\n\r\n`;

const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\n${AS_VIEWER}${more}\r\n`;
const POST = `POST /v1/sites HTTP/1.1\r\n${AS_MANAGER}content-type: application/json\r\n`;
const post = (framing: string, body: string): string => `${POST}${framing}\r\n${body}`;

type Case = readonly [what: string, bytes: string, status?: number];

const AMBIGUOUS: readonly Case[] = [
  ["a length and chunks", post(`content-length: 4\r\n${CHUNKED}`, `0\r\n\r\n${HIDDEN}`)],
  ["chunks and a length", post(`${CHUNKED}content-length: 4\r\n`, `0\r\n\r\n${HIDDEN}`)],
  ["two lengths", post(`${LENGTH}content-length: 0\r\n`, SITE + HIDDEN)],
  ["the same length twice", post(LENGTH + LENGTH, SITE)],
  ["a list of lengths", post("content-length: 19, 19\r\n", SITE)],
  ["a signed length", post("content-length: +19\r\n", SITE)],
  ["a negative length", post("content-length: -1\r\n", SITE)],
  ["a hexadecimal length", post("content-length: 0x13\r\n", SITE)],
  ["a length in two words", post("content-length: 1 9\r\n", SITE)],
  ["a length beyond 64 bits", post("content-length: 99999999999999999999\r\n", SITE)],
  ["an empty length", post("content-length: \r\n", SITE)],
  ["a space before the colon of a length", post("content-length : 19\r\n", SITE)],
  ["an unknown coding", post("transfer-encoding: xchunked\r\n", CHUNKS)],
  ["chunked before identity", post("transfer-encoding: chunked, identity\r\n", CHUNKS)],
  ["identity", post("transfer-encoding: identity\r\n", SITE)],
  ["a coding before chunked", post("transfer-encoding: gzip, chunked\r\n", CHUNKS)],
  ["two codings", post(`${CHUNKED}transfer-encoding: identity\r\n`, CHUNKS)],
  ["chunked twice", post(CHUNKED + CHUNKED, CHUNKS)],
  ["a space before the colon of a coding", post("transfer-encoding : chunked\r\n", CHUNKS)],
  ["a vertical tab before a coding", post("transfer-encoding:\vchunked\r\n", CHUNKS)],
  ["chunks in HTTP/1.0", post(CHUNKED, CHUNKS + HIDDEN).replace("1.1", "1.0")],
  ["a negative chunk", post(CHUNKED, "-1\r\n\r\n")],
  ["a chunk of 0x13", post(CHUNKED, "0x13\r\n")],
  ["a chunk beyond 64 bits", post(CHUNKED, "ffffffffffffffffff\r\n")],
  ["a chunk extension with a bare LF", post(CHUNKED, `13;a\n${SITE}\r\n0\r\n\r\n`)],
  ["chunks that end in bare LF", post(CHUNKED, `13\n${SITE}\n0\n\n`)],
  ["a chunk longer than it says", post(CHUNKED, `13\r\n${SITE}xx0\r\n\r\n`)],
  ["a length in a trailer", post(CHUNKED, `13\r\n${SITE}\r\n0\r\ncontent-length: 5\r\n\r\n`)],
  ["a folded header", get("/v1/users", "x-a: b\r\n c\r\n")],
  ["a folded credential", `GET /v1/users HTTP/1.1\r\n${AS_VIEWER.trimEnd()}\r\n MANAGER\r\n\r\n`],
  ["a header that ends in a bare LF", `GET /v1/users HTTP/1.1\r\nhost: x\n${AS_MANAGER}\r\n`],
  ["a bare CR in a header", `GET /v1/users HTTP/1.1\r\nx-a: x\r${AS_MANAGER}\r\n`],
  ["a bare LF in a value", get("/v1/users", "x-a: 1\nx-b: 2\r\n")],
  ["NUL in a value", get("/v1/users", "x-a: \0\r\n")],
  ["two credentials", get("/v1/users", "authorization: Bearer MANAGER\r\n")],
  ["two hosts", get("/v1/users", "host: y\r\n")],
  ["two types", post(`content-type: text/plain\r\n${LENGTH}`, SITE)],
  ["two keys of one write", post(`idempotency-key: a\r\nidempotency-key: b\r\n${LENGTH}`, SITE)],
  ["two versions", post(`if-match: "1-a"\r\nif-match: "2-a"\r\n${LENGTH}`, SITE)],
  ["no host", "GET /v1/users HTTP/1.1\r\nauthorization: Bearer MANAGER\r\n\r\n"],
  ["an empty host", "GET /v1/users HTTP/1.1\r\nhost: \r\nauthorization: Bearer MANAGER\r\n\r\n"],
  ["HTTP/0.9", "GET /v1/users\r\n\r\n"],
  ["HTTP/2.0", `GET /v1/users HTTP/2.0\r\n${AS_MANAGER}\r\n`],
  ["HTTP/1.2", `GET /v1/users HTTP/1.2\r\n${AS_MANAGER}\r\n`],
  ["tabs in the request line", `GET\t/v1/users\tHTTP/1.1\r\n${AS_MANAGER}\r\n`],
  ["two targets", get("/v1/sites /v1/users")],
  ["a space before the method", ` ${get("/v1/users")}`],
  ["a method in lower case", get("/v1/users").replace("GET", "get")],
  ["a target that is no address", get("x:80")],
  ["a raw byte in the target", get("/v1/user\xff")],
  ["an unknown expectation", get("/v1/users", "expect: the-unexpected\r\n"), 417],
  ["two expectations", get("/v1/users", "expect: 100-continue, x\r\n"), 417],
  ["a body of GET", `GET /v1/users HTTP/1.1\r\n${AS_VIEWER}content-length: 4\r\n\r\n\r\n\r\n`],
  ["chunks of GET", `GET /v1/users HTTP/1.1\r\n${AS_VIEWER}transfer-encoding: chunked\r\n\r\n`],
  ["a host that is none", get("/v1/users").replace("host: x", "host: x/y")],
];

// Clear frames: each reply is that of the address as it stands, for the one who asks.
const CLEAR: readonly Case[] = [
  ["an absolute address is the address in it", get("http://other.example/v1/users"), 403],
  ["an absolute address with dots is none", get("http://x/v1/sites/../users"), 404],
  ["dots are not resolved", get("/v1/sites/../users"), 404],
  ["encoded dots are not resolved", get("/v1/sites/%2e%2e/users"), 404],
  ["an encoded slash is part of an id", get("/v1/sites/%2e%2e%2fusers"), 400],
  ["an encoded letter is that letter, with its authorization", get("/v1/%75sers"), 403],
  ["an encoded slash is no slash", get("/v1%2fusers"), 404],
  ["an encoding of an encoding is none", get("/v1/%2575sers"), 404],
  ["two slashes at the start", get("//v1/users"), 404],
  ["two slashes within", get("/v1//users"), 404],
  ["a slash at the end asks for a record without id", get("/v1/users/"), 400],
  ["a parameter behind a semicolon", get("/v1/users;x"), 404],
  ["a semicolon within", get("/v1;x/users"), 404],
  ["a backslash", get("/v1\\users"), 404],
  ["capitals", get("/V1/USERS"), 404],
  ["NUL behind the address", get("/v1/users%00"), 404],
  ["an ending", get("/v1/users.json"), 404],
  ["a fragment is read as a query, and refused", get("/v1/sites#x"), 400],
  ["an empty query", get("/v1/users?"), 403],
  ["an asterisk", get("*"), 404],
  ["two spaces before the target", get(" /v1/users"), 403],
  ["an empty line before the request", `\r\n${get("/v1/users")}`, 403],
  ["another method in a header", get("/v1/users", "x-http-method-override: POST\r\n"), 403],
  ["another address in a header", get("/v1/users", "x-original-url: /v1/sites\r\n"), 403],
  ["a name of a proxy's own", get("/v1/users", "x-middleware-subrequest: middleware\r\n"), 403],
  ["a claim to come from here", get("/v1/users", "x-forwarded-for: 127.0.0.1\r\n"), 403],
  ["another scheme", get("/v1/users").replace("Bearer VIEWER", "Basic MANAGER"), 401],
  ["a chunk extension", post(CHUNKED, `2;a=b\r\n{}\r\n0\r\n\r\n`), 400],
];

function bytesOf(text: string): Buffer {
  const keyed = text
    .replaceAll("MANAGER", acme.people.manager.key)
    .replaceAll("VIEWER", acme.people.viewer.key);
  return Buffer.from(keyed, "latin1");
}

const SENTINEL = "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/** Every final reply on a connection of its own, until it is closed. */
async function repliesTo(text: string): Promise<RawReply[]> {
  const connection = await connectTo(backend.url);
  connection.send(bytesOf(text));
  await connection.closed;
  const replies: RawReply[] = [];
  while (connection.pending().length > 0) replies.push(await connection.reply());
  return replies.filter((reply) => reply.status >= 200);
}

const TABLES = ["sites", "users", "work_orders"];

describe("an ambiguous frame ends the connection and does nothing", () => {
  test.each(AMBIGUOUS)("%s", async (_what, bytes, status = 400) => {
    const before = await rowCounts(backend, TABLES);
    const [reply, ...more] = await repliesTo(bytes + post(LENGTH, SITE));
    expect(more).toEqual([]);
    expect(reply?.status).toBe(status);
    expect(reply?.headers.get("connection")).toBe("close");
    expect(JSON.parse(reply?.body ?? "")).toMatchObject({
      error: { code: status === 417 ? "EXPECTATION_FAILED" : "REQUEST_INVALID" },
    });
    expect(await rowCounts(backend, TABLES)).toEqual(before);
  });
});

describe("a clear frame is answered for its own address", () => {
  test.each(CLEAR)("%s", async (_what, bytes, status) => {
    const before = await rowCounts(backend, TABLES);
    const [reply, sentinel, ...more] = await repliesTo(bytes + SENTINEL);
    expect(reply?.status, reply?.body).toBe(status);
    expect(sentinel?.body).toBe('{"status":"ok"}');
    expect(more).toEqual([]);
    expect(await rowCounts(backend, TABLES)).toEqual(before);
  });

  test("HEAD is decided as GET is, and shows as little", async () => {
    const head = async (path: string): Promise<RawReply> => {
      const connection = await connectTo(backend.url);
      connection.send(bytesOf(`HEAD ${path} HTTP/1.1\r\n${AS_VIEWER}\r\n`));
      const reply = await connection.reply({ hasBody: false });
      connection.destroy();
      return reply;
    };
    expect((await head("/v1/users")).status).toBe(403);
    expect((await head("/v1/sites")).status).toBe(200);
  });

  test("a request to speak another protocol is answered in this one", async () => {
    const connection = await connectTo(backend.url);
    connection.send(bytesOf(get("/v1/users", "connection: upgrade\r\nupgrade: h2c\r\n")));
    expect((await connection.reply()).status).toBe(403);
    connection.send(SENTINEL);
    expect((await connection.reply({ timeoutMs: 2_000 })).status).toBe(200);
    connection.destroy();
  });

  test("broken bytes behind a request in flight leave it its own reply", async () => {
    const good = get("/v1/sites");
    const replies = await repliesTo(`${good}${good}GARBAGE\r\n\r\n`);
    expect(replies.map((reply) => reply.status)).toEqual([200, 200]);
    const [last, ...none] = await repliesTo(
      `${good.replace("\r\n", "\r\nconnection: close\r\n")}x`,
    );
    expect([last?.status, none]).toEqual([200, []]);
  });

  test("CONNECT opens nothing", async () => {
    const replies = await repliesTo(`CONNECT /v1/users HTTP/1.1\r\n${AS_MANAGER}\r\n${SENTINEL}`);
    expect(replies.map((reply) => reply.status)).toEqual([405]);
  });
});
