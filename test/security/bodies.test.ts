// Check 33: bodies made to cost more than they are worth, against a process of its own. Each is
// refused with 4xx and stores nothing, the process never answers 5xx, its memory stays bounded and
// it goes on serving. What a refusal cost in CPU time is reported with the test, never asserted.
// Values of each type are in errors-values.test.ts, forms of bad JSON in errors-requests.test.ts.
//
// Planted, each red before it was taken out again:
// - no bodyLimit -> the endless bodies
// - repeatedName not asked -> names that come twice
// - bodies unpacked by the compression plugin -> compressed ones (46 MB more for one of brotli)
// - details of unknown fields without either of their bounds -> 100,000 unknown names
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiProcess, startApi } from "../failure/api-process.ts";
import { rowCounts } from "../fixtures/work-orders-world.ts";
import { connectTo, exchange, type RawReply, requestText } from "../server/raw-http.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let api: ApiProcess;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("bodies");
  ({ key } = await backend.person(await backend.tenant("Acme"), "manager"));
  api = await startApi({ DATABASE_URL: backend.database.appUrl });
});
afterAll(async () => {
  await api?.kill();
  await backend?.close();
});

const MEGABYTE = 1_048_576;
const JSON_TYPE = "content-type: application/json\r\n";

function head(more: string, path = "/v1/sites"): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n${more}\r\n`;
}

function post(body: string | Buffer, more = JSON_TYPE): Promise<RawReply> {
  const bytes = Buffer.from(body);
  const start = head(`${more}content-length: ${bytes.length}\r\n`);
  return exchange(api.url, Buffer.concat([Buffer.from(start), bytes]));
}

const members = (count: number, name: (at: number) => string): string =>
  `{${Array.from({ length: count }, (_, at) => `"${name(at)}":1`).join(",")}}`;
const bomb = Buffer.from(`{"name":"${" ".repeat(50 * MEGABYTE)}"}`);

type Refused = readonly [what: string, body: () => string, status?: number];
const REFUSED: readonly Refused[] = [
  ["10,000 levels of lists", () => `{"name":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
  ["10,000 levels of objects", () => `${'{"name":'.repeat(10_000)}1${"}".repeat(10_000)}`],
  ["half a million levels, never closed", () => "[".repeat(500_000)],
  ["100,000 unknown names", () => members(100_000, (at) => at.toString(36))],
  ["100,000 times the same name", () => members(100_000, () => "name")],
  ["100,000 names that are array indexes", () => members(100_000, (at) => `${at}`)],
  ["a name of a megabyte", () => `{"${"n".repeat(MEGABYTE - 100)}":1}`],
  ["a number of a megabyte", () => `{"name":${"9".repeat(MEGABYTE - 100)}}`],
  ["a fraction of a megabyte", () => `{"name":0.${"1".repeat(MEGABYTE - 100)}}`],
  ["an exponent of a megabyte", () => `{"name":1e${"9".repeat(MEGABYTE - 100)}}`],
  ["escapes to the brim", () => `{"nam":"${"\\u0041".repeat(170_000)}"}`],
  ["quotes to the brim", () => `{"nam":"${'\\"'.repeat(500_000)}"}`],
  ["a string that never ends", () => `{"name":"${"x".repeat(MEGABYTE - 100)}`],
  ["blanks to the brim, and no JSON", () => " ".repeat(MEGABYTE - 100)],
  ["a megabyte and one byte", () => `{"name":"${"x".repeat(MEGABYTE)}"}`, 413],
];

function named(cases: readonly Refused[]): readonly (readonly [string, () => string, number])[] {
  return cases.map(([what, body, status = 400]) => [what, body, status]);
}

describe("a costly body is refused", () => {
  test.each(named(REFUSED))("%s", async (_what, body, status) => {
    const before = await rowCounts(backend, ["sites"]);
    const reply = await post(body());
    expect(reply.status, reply.body).toBe(status);
    expect(reply.body.length).toBeLessThan(20_000);
    expect(await rowCounts(backend, ["sites"])).toEqual(before);
  });

  test.each([
    ["gzip", () => gzipSync(bomb)],
    ["br", () => brotliCompressSync(bomb, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } })],
    ["deflate", () => deflateSync(bomb)],
    ["zstd", () => Buffer.from("28b52ffd", "hex")],
  ])("50 MB compressed with %s", async (coding, bytes) => {
    const before = usage();
    const reply = await post(bytes(), `${JSON_TYPE}content-encoding: ${coding}\r\n`);
    expect(reply.status, reply.body).toBe(415);
    expect(usage().rssBytes - before.rssBytes).toBeLessThan(20 * MEGABYTE);
  });

  test.each(["utf-16", "iso-8859-1", "utf-7", '"latin1"', "x"])("as %s", async (charset) => {
    const more = `content-type: application/json; charset=${charset}\r\n`;
    const reply = await post('{"name":"x"}', more);
    expect(reply.status, reply.body).toBe(415);
  });

  test("but not for saying that it is UTF-8 and plain", async () => {
    const more =
      'content-type: application/json; charset="UTF-8"\r\ncontent-encoding: identity\r\n';
    expect((await post('{"name":"Plain"}', more)).status).toBe(201);
  });
});

describe("an endless body is cut off", () => {
  const piece = "x".repeat(65_536);

  /** Sends until the server answers; the bytes that it took meanwhile. */
  async function flood(start: string, chunk: string): Promise<{ taken: number; reply: RawReply }> {
    const connection = await connectTo(api.url);
    connection.send(start);
    const answered = connection.reply();
    const sending = setInterval(() => {
      // What the server does not read stays here.
      if (connection.socket.writableLength === 0) connection.send(chunk.repeat(4));
    }, 1);
    const reply = await answered.finally(() => clearInterval(sending));
    const taken = connection.socket.bytesWritten;
    connection.destroy();
    return { taken, reply };
  }

  test("whether it says so or hides it in chunks", async () => {
    const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`;
    const hidden = await flood(head(`${JSON_TYPE}transfer-encoding: chunked\r\n`), chunk);
    expect(hidden.reply.status).toBe(413);
    expect(hidden.taken).toBeLessThan(16 * MEGABYTE);
    const said = await flood(head(`${JSON_TYPE}content-length: 9999999999\r\n`), piece);
    expect(said.reply.status).toBe(413);
    expect(said.taken).toBeLessThan(16 * MEGABYTE);
  });
});

// The documents of all of them, kept, would be a gigabyte.
test("60 costly bodies leave the process serving, and not much larger than it was", async ({
  annotate,
}) => {
  const bodies = REFUSED.map(([, body]) => body());
  const round = () => Promise.all(bodies.map((one) => post(one)));
  await round(); // What V8 takes once for such bodies, whole rounds do not take again.
  const before = usage();
  for (let count = 0; count < 3; count += 1) {
    for (const reply of await round()) expect([400, 413]).toContain(reply.status);
  }
  const after = usage();
  expect(after.rssBytes - before.rssBytes).toBeLessThan(200 * MEGABYTE);
  expect((await exchange(api.url, "GET /ready HTTP/1.1\r\nhost: x\r\n\r\n")).status).toBe(200);
  const cpuMs = (after.cpuMs - before.cpuMs) / (3 * bodies.length);
  await annotate(`CPU time of one costly body: ${cpuMs.toFixed(1)} ms on average`);
});

interface Usage {
  readonly rssBytes: number;
  readonly cpuMs: number;
}

/** Of the serving process; nothing where there is no /proc. */
function usage(): Usage {
  if (process.platform !== "linux") return { rssBytes: 0, cpuMs: 0 };
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${api.pid}/status`, "utf8"))?.[1];
  const stat = readFileSync(`/proc/${api.pid}/stat`, "utf8");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return { rssBytes: Number(rss) * 1_024, cpuMs: (Number(user) + Number(system)) * 10 };
}

describe("a name that comes twice is refused, wherever it is", () => {
  test.each([
    ['{"name":"a","name":"b"}', "name"],
    ['{"name":"a", "isPublic":true, "n\\u0061me" :"b"}', "name"],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"name":{"a":[{"b":1,"c":"}{\\"b\\":","b":2}]}}', "b"],
  ])("%s", async (body, name) => {
    const reply = await post(body);
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body).error.message).toBe(
      `The body names "${name}" twice in one object.`,
    );
  });

  test("and the same name in two objects is no such thing", async () => {
    const directory = join(import.meta.dirname, "../fixtures/corners");
    const corners = await startTestBackend("twice", { directory });
    const admin: Person = await corners.person(await corners.tenant("Acme"), "admin");
    const ask = (body: string): Promise<RawReply> => {
      const headers = { authorization: `Bearer ${admin.key}` };
      return exchange(corners.url, requestText({ path: "/v1/samples", headers, body }));
    };
    const same = '{"data":{"a":{"a":1},"b":[{"a":"\\"a\\":"},{"a":2}]},"plain":":"}';
    const made = await ask(same);
    expect(made.status, made.body).toBe(201);
    expect(JSON.parse(made.body).data.data).toEqual(JSON.parse(same).data);
    await corners.close();
  });
});
