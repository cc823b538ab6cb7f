// One contract for every host: what is answered inside Express, Fastify and plain Node is what a
// port of its own would answer, and what is not ours stays with the host.
//
// Planted faults, each red before it was taken out again:
// - the host's parsed body not given back -> a create after express.json() hangs
// - the prefix left out of Location -> a create
// - every address under the prefix taken -> what is not ours
// - close() not waiting for what is in flight -> close
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { fastify } from "fastify";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Api } from "../../examples/work-orders/backend.ts";
import { type MountOptions, mountBackend } from "../../src/app/mount.ts";
import { loadProject } from "../../src/app/project.ts";
import { REQUEST_LIMITS } from "../../src/base/limits.ts";
import { createClient } from "../../src/client/index.ts";
import type { MountedApi } from "../../src/index.ts";
import { createMounted } from "../../src/server/mounted.ts";
import { copyExample } from "../cli/project-copy.ts";
import { connectTo, requestText } from "../server/raw-http.ts";
import {
  type Person,
  type RequestOptions,
  send,
  startTestBackend,
  type TestBackend,
} from "../support/backend.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { HOST_HEADER, HOSTS, type Host, type HostKind } from "./hosts.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "uncaughtException", "exit"] as const;
const PATH = "/api/v1/work-orders";

let backend: TestBackend;
let person: Person;
let siteId: string;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  backend = await startTestBackend("mount");
  person = await backend.person(await backend.tenant("Acme"), "manager");
  const site = await backend.request("/v1/sites", { key: person.key, body: { name: "Yard" } });
  siteId = site.json.data.id;
  await backend.owner.query(
    `create function sleep_if_slow() returns trigger language plpgsql as $$
     begin
       if new.title = 'slow' then perform pg_sleep(0.5); end if;
       return new;
     end $$;
     create trigger sleep_if_slow before insert on work_orders
       for each row execute function sleep_if_slow()`,
  );
});
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});
afterAll(() => backend?.close());

type Only = MountOptions["only"];

async function open(options: MountOptions = {}): Promise<MountedApi> {
  const { environment, ...others } = options;
  const api = await mountBackend(backend.project.backend, {
    prefix: "/api",
    project: backend.project.directory,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    environment: {
      DATABASE_URL: backend.database.appUrl,
      SECRET_KEY: "0123456789abcdef0123456789abcdef",
      DATABASE_WRITE_CONNECTIONS: "2",
      ...environment,
    },
    ...others,
  });
  opened.push(api);
  return api;
}

async function startHost(kind: HostKind, api: MountedApi): Promise<Host> {
  const host = await kind.start(api);
  opened.push(host);
  return host;
}

const workOrder = (title: string) => ({ title, siteId, requesterId: person.id });

describe.each(HOSTS)("inside $name", (kind) => {
  const serve = async (only?: Only) => {
    const api = await open(only === undefined ? {} : { only });
    const { url } = await startHost(kind, api);
    const ask = (path: string, options: RequestOptions = {}) =>
      send(url, path, { key: person.key, ...options });
    return { api, url, ask };
  };

  test("records are made once, got, listed, changed and found unchanged", async () => {
    const { ask } = await serve();
    const headers = { "idempotency-key": kind.name };
    const made = await ask(PATH, { body: workOrder("Leak"), headers });
    expect(made.status, made.text).toBe(201);
    const location = made.headers.get("location") ?? "";
    expect(location).toBe(`${PATH}/${made.json.data.id}`);
    const again = await ask(PATH, { body: workOrder("Leak"), headers });
    expect([again.text, again.headers.get("idempotency-replayed")]).toEqual([made.text, "true"]);

    const got = await ask(location);
    expect([got.status, got.text]).toEqual([200, made.text]);
    expect(got.headers.get(HOST_HEADER)).toBe(kind.name.split(" ").at(0)?.toLowerCase());
    const etag = got.headers.get("etag") ?? "";
    const known = await ask(location, { headers: { "if-none-match": etag } });
    expect([known.status, known.text]).toEqual([304, ""]);
    const stale = { method: "PATCH", body: { title: "x" }, headers: { "if-match": '"99-x"' } };
    expect((await ask(location, stale)).status).toBe(412);

    await ask(PATH, { body: workOrder("Second") });
    const first = await ask(`${PATH}?page[size]=1`);
    const { next } = first.json.meta.pagination;
    const second = await ask(`${PATH}?page[size]=1&page[after]=${next}`);
    expect(second.json.data[0].id).not.toBe(first.json.data[0].id);
    const removed = await ask(location, { method: "DELETE" });
    expect([removed.status, removed.text]).toEqual([204, ""]);
  });

  test("errors have the envelope, the request id and the limits of a port of its own", async () => {
    const { ask } = await serve();
    const wrong = await ask(`${PATH}?nonsense=1`, { headers: { "x-request-id": "mine-1" } });
    expect([wrong.status, wrong.json.error.code]).toEqual([400, "PARAMETER_INVALID"]);
    expect(wrong.json.error.requestId).toBe("mine-1");
    expect(wrong.headers.get("x-request-id")).toBe("mine-1");
    expect((await ask(PATH, { key: "bw_none" })).status).toBe(401);
    const big = await ask(PATH, { body: { title: "x".repeat(1_100_000) } });
    expect([big.status, big.json.error.code]).toEqual([413, "BODY_TOO_LARGE"]);
    const deep = await ask(PATH, { body: { title: nested(40) } });
    expect([deep.status, deep.json.error.code]).toEqual([400, "REQUEST_INVALID"]);
    const type = await ask(PATH, { body: {}, headers: { "content-type": "text/plain" } });
    expect(type.status).toBe(415);
    const long = await ask(`${PATH}?fields=${"x".repeat(9_000)}`);
    expect(long.status).toBe(414);
    const patch = await ask(PATH, { method: "PATCH", body: {} });
    expect([patch.status, patch.headers.get("allow")]).toEqual([405, "GET, HEAD, POST, PUT"]);
    const document = await ask("/api/openapi.json");
    expect(document.json.servers[0].url).toBe("/api");
    expect(document.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("what is not ours goes to the host, its errors stay with it", async () => {
    const { ask } = await serve(["workOrders"]);
    expect((await ask(PATH)).status).toBe(200);
    const id = "0197e7a6-0000-7000-8000-000000000001";
    const paths = ["/", "/bug", "/api", "/api/v1/sites", "/v1/work-orders", "/health"];
    for (const path of [...paths, `${PATH}/${id}/photos`]) {
      const reply = await ask(path);
      expect([path, JSON.parse(reply.text)]).toEqual([path, { by: "host" }]);
    }
    const document = await ask("/api/openapi.json");
    expect(Object.keys(document.json.paths)).toContain("/v1/work-orders");
    expect(Object.keys(document.json.paths)).not.toContain("/v1/sites");
    // Planted fault: the batch not told what is served -> red.
    const batch = (operation: string, body: object) =>
      ask("/api/v1/batch", { body: { operations: [{ operation, body }] } });
    expect((await batch("workOrders.create", workOrder("Batch"))).status).toBe(200);
    expect((await batch("sites.create", { name: "Not served" })).status).toBe(400);
  });

  test("a caller who hangs up in the middle of a body or reply harms nobody", async () => {
    const { url, ask } = await serve();
    const headers = { authorization: `Bearer ${person.key}`, "content-type": "application/json" };
    const half = await connectTo(url);
    const long = { ...headers, "content-length": "100" };
    half.send(requestText({ method: "POST", path: PATH, headers: long }).concat('{"title'));
    half.destroy();
    const slow = await connectTo(url);
    const body = JSON.stringify(workOrder("slow"));
    slow.send(requestText({ method: "POST", path: PATH, headers, body }));
    slow.destroy();
    await Promise.all([half.closed, slow.closed]);
    expect((await ask(PATH)).status).toBe(200);
  });

  test("close finishes what is in flight, refuses what is new and leaves the host", async () => {
    const { api, ask } = await serve();
    await expect.poll(writers).toBe(0); // Those of callers who hung up.
    const slow = ask(PATH, { body: workOrder("slow") });
    await expect.poll(writers).toBe(1);
    const closing = api.close();
    expect(api.ready()).toEqual({ ready: false, reason: "draining" });
    const refused = await ask(PATH);
    expect([refused.status, refused.json.error.code]).toEqual([503, "UNAVAILABLE"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await slow).status).toBe(201);
    await closing;
    expect(JSON.parse((await ask("/elsewhere")).text)).toEqual({ by: "host" });
    expect(await writers()).toBe(0);
  });
});

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

/** How many writes are under way. */
async function writers(): Promise<number> {
  const rows = await backend.owner.query(
    "select from pg_locks where relation = 'work_orders'::regclass and mode = 'RowExclusiveLock'",
  );
  return rows.length;
}

test("in development it migrates and seeds as dev does; the typed client reaches it", async () => {
  const copy = await copyExample();
  const database = await createTestDatabase("mount_dev");
  opened.push({ close: () => copy.remove() }, { close: () => database.drop() });
  const { backend: example } = await loadProject(copy.directory);
  const environment = {
    NODE_ENV: "development",
    DATABASE_URL: database.appUrl,
    DATABASE_OWNER_URL: database.ownerUrl,
  };
  const api = await mountBackend(example, {
    prefix: "/deep/api",
    project: copy.directory,
    environment,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  opened.push(api);
  expect(api.ready()).toEqual({ ready: true });
  const server = createServer(api.handler).listen(0);
  opened.push({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const [{ key = "" } = {}] = (await copy.keys()).filter(({ role }) => role === "manager");
  const client = createClient<Api>({ url: `http://127.0.0.1:${port}/deep/api`, key });
  const { data } = await client.workOrders.list({ page: { size: 2 }, include: { site: true } });
  expect(data).toHaveLength(2);
  const { version } = await client.workOrders.update(data[0]?.id ?? "", { title: "Mounted" });
  expect(version).toBeGreaterThan(1);
});

test("no process signal, exit or error is listened to", async () => {
  const before = SIGNALS.map((signal) => process.listenerCount(signal));
  await open();
  expect(SIGNALS.map((signal) => process.listenerCount(signal))).toEqual(before);
});

test("without a next, what is not ours is answered with 404", async () => {
  const api = await open();
  const server = createServer(api.handler).listen(0);
  opened.push({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const reply = await send(`http://127.0.0.1:${port}`, "/elsewhere", {});
  expect([reply.status, reply.json.error.code]).toEqual([404, "ROUTE_NOT_FOUND"]);
});

test("a body that the host read and threw away is refused, not waited for", async () => {
  const api = await open();
  const app = express();
  app.use((request, _response, next) => {
    request.resume().once("end", () => next());
  });
  app.use(api.handler);
  const server = app.listen(0);
  opened.push({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const reply = await send(url, PATH, { key: person.key, body: workOrder("Leak") });
  expect([reply.status, reply.json.error.code]).toEqual([500, "INTERNAL"]);
  expect(reply.json.error.message).toContain("has read the request body");
  expect((await send(url, PATH, { key: person.key })).status).toBe(200);
});

test("a body that does not come in time is answered, whatever time the host gives", async () => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const handle = () => Promise.resolve({ status: 200, body: "{}" });
  const route = { method: "POST", path: "/x", handle } as const;
  const limits = { ...REQUEST_LIMITS, requestMsMax: 100 };
  const mounted = await createMounted({ limits, log, routes: [route] });
  opened.push({ close: () => mounted.drain(0) });
  const server = createServer(mounted.handler).listen(0);
  opened.push({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const connection = await connectTo(`http://127.0.0.1:${port}`);
  const headers = { "content-length": "10", "content-type": "application/json" };
  connection.send(requestText({ method: "POST", path: "/x", headers }).concat("{"));
  const reply = await connection.reply();
  expect([reply.status, JSON.parse(reply.body).error.code]).toEqual([408, "REQUEST_TIMEOUT"]);
  await connection.closed;
});

test("pages of other origins are answered as CORS_ORIGINS says, or by the host", async () => {
  const headers = {
    origin: "https://app.example.org",
    "access-control-request-method": "POST",
  };
  const preflight = { method: "OPTIONS", headers };
  const [node] = HOSTS.filter((kind) => kind.name === "Node");
  if (node === undefined) throw new Error("there is a Node host");
  const silent = await startHost(node, await open());
  expect(JSON.parse((await send(silent.url, PATH, preflight)).text)).toEqual({ by: "host" });
  for (const kind of HOSTS.filter(({ name }) => name === "Node" || name === "Fastify")) {
    const api = await open({ environment: { CORS_ORIGINS: "https://app.example.org" } });
    const { url } = await startHost(kind, api);
    const reply = await send(url, PATH, preflight);
    expect(reply.status).toBe(204);
    expect(reply.headers.get("access-control-allow-origin")).toBe("https://app.example.org");
  }
});

test("what cannot be mounted is refused with what to write instead", async () => {
  await expect(open({ prefix: "api" })).rejects.toThrow('"api" is not a prefix');
  await expect(open({ prefix: "/:x" })).rejects.toThrow("is not a prefix");
  await expect(open({ only: ["workOrder"] })).rejects.toThrow('names "workOrder"');
  await expect(open({ only: [] })).rejects.toThrow("names no resource");
  await expect(open({ environment: { SECRET_KEY: undefined } })).rejects.toThrow("SECRET_KEY");
  await expect(open({ environment: { DATABASE_URL: undefined } })).rejects.toThrow("DATABASE_URL");
  const api = await open();
  const app = fastify();
  await expect(
    app.register(api.fastify, { prefix: "/x" }) as unknown as Promise<void>,
  ).rejects.toThrow("under a prefix of its own");
});
