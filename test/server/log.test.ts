// One line a request: who, what, how long; never what was said. Causes of 5xx are for the log only.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DatabaseFailure } from "../../src/database/failures.ts";
import { createLog } from "../../src/observe/log.ts";
import { type LogLine, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { type Kernel, startKernel } from "./kernel.ts";
import { exchange, requestText } from "./raw-http.ts";

const CANARY = "canary-7f3a";

describe("the line of a request", () => {
  let backend: TestBackend;
  let manager: Person;
  beforeAll(async () => {
    backend = await startTestBackend("log");
    manager = await backend.person(await backend.tenant("Acme"), "manager");
  });
  afterAll(() => backend?.close());

  async function lineOf(requestId: string | null): Promise<LogLine | undefined> {
    for (let turn = 0; turn < 200; turn += 1) {
      const found = backend.log.find((line) => line.requestId === requestId);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return undefined;
  }

  // Planted fault: guarded() without facts.tenant -> red.
  test("names request, actor, tenant, operation, rows and duration", async () => {
    const { key, id: actor, tenantId: tenant } = manager;
    const made = await backend.request("/v1/sites", { key, body: { name: "Yard" } });
    const shared = { level: "info", message: "request", actor, tenant, role: "manager", rows: 1 };
    expect(await lineOf(made.headers.get("x-request-id"))).toMatchObject({
      ...shared,
      operation: "sites.create",
      method: "POST",
      route: "/v1/sites",
      status: 201,
      record: made.json.data.id,
    });
    const listed = await backend.request("/v1/sites?page[size]=5", { key });
    const line = await lineOf(listed.headers.get("x-request-id"));
    expect(line).toMatchObject({ ...shared, operation: "sites.list", route: "/v1/sites" });
    expect(line?.durationMs).toBeTypeOf("number");
    expect(line?.durationMs).toBeGreaterThan(0);
    const path = `/v1/sites/${made.json.data.id}`;
    const got = await backend.request(path, { key });
    expect(await lineOf(got.headers.get("x-request-id"))).toMatchObject({
      ...shared,
      operation: "sites.get",
      route: "/v1/sites/:id",
    });
  });

  test("of a refused caller names no actor, only the error", async () => {
    const refused = await backend.request("/v1/sites", { key: "bw_nobody" });
    const line = await lineOf(refused.headers.get("x-request-id"));
    expect(line).toMatchObject({ status: 401, errorCode: "UNAUTHENTICATED" });
    expect(line).not.toHaveProperty("actor");
  });

  // Planted fault: the line with `url: request.url` -> red.
  test("holds no key, body, query value or header, whatever the outcome", async () => {
    const { key } = manager;
    const headers = { "idempotency-key": CANARY, "x-private": CANARY, cookie: `a=${CANARY}` };
    const requests = [
      { path: "/v1/sites", body: { name: CANARY, address: CANARY }, headers },
      { path: "/v1/sites", body: { name: CANARY }, headers }, // The key with another body: 422.
      { path: "/v1/sites", body: { name: CANARY } }, // Taken: 409.
      { path: "/v1/sites", body: { [CANARY]: 1 } },
      { path: "/v1/work-orders", body: { title: CANARY, status: CANARY } },
      { path: `/v1/sites?filter[name]=${CANARY}` },
      { path: `/v1/sites?${CANARY}=${CANARY}` },
      { path: `/v1/sites?page[after]=${CANARY}` },
      { path: `/v1/sites/${CANARY}` },
      { path: `/v1/${CANARY}` },
    ];
    for (const { path, ...rest } of requests) await backend.request(path, { key, ...rest });
    const last = await backend.request("/v1/sites", { key });
    await lineOf(last.headers.get("x-request-id"));
    const text = JSON.stringify(backend.log, (_name, value: unknown) =>
      value instanceof Error ? { message: value.message, ...value } : value,
    );
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain(key);
    expect(text).not.toContain(key.slice(3, 20));
  });
});

describe("the log of errors", () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await startKernel();
  });
  afterAll(() => kernel?.server.drain(1_000));

  async function linesOf(path: string) {
    const reply = await exchange(kernel.url, requestText({ path }));
    return kernel.linesOf(reply.headers.get("x-request-id") ?? "");
  }

  // Planted fault: sendError without log.error -> red.
  test.each([
    ["/v1/bug", "INTERNAL"],
    ["/v1/down", "UNAVAILABLE"],
  ])("has the cause of what %s answered", async (path, code) => {
    const [failure] = (await linesOf(path)).filter((line) => line.level === "error");
    expect(failure).toMatchObject({ message: "request failed", code });
    expect(failure?.err).toMatchObject({ message: "a private reason" });
  });

  test("holds nothing about 4xx: they are the caller's", async () => {
    for (const path of ["/nothing", "/v1/things/%zz", `/v1/things/1?${"x".repeat(600)}`]) {
      const lines = await linesOf(path);
      expect(lines.map((line) => line.level)).toEqual(["info"]);
    }
  });

  test("health and readiness are not logged: probes would drown the rest", async () => {
    const before = kernel.lines.length;
    await exchange(kernel.url, requestText({ path: "/health" }));
    await exchange(kernel.url, requestText({ path: "/ready" }));
    expect((await linesOf("/v1/things/1")).length).toBe(1);
    expect(kernel.lines.length).toBe(before + 1);
  });
});

describe("what reaches standard output", () => {
  const directory = mkdtempSync(join(tmpdir(), "backwright-log-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function written(
    level: string,
    write: (log: ReturnType<typeof createLog>) => void,
  ): Record<string, unknown>[] {
    const path = join(directory, `${Math.random()}`);
    const file = openSync(path, "w");
    const log = createLog(level, file);
    write(log);
    log.flush();
    closeSync(file);
    const text = readFileSync(path, "utf8").replace(/\n$/, "");
    return text === ""
      ? []
      : text.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  test("is one JSON object a line, whatever a text holds", () => {
    const forged = 'a\n{"level":50,"msg":"forged"}\r\n\u2028"';
    const lines = written("info", (log) => {
      log.info({ requestId: "1", operation: forged }, "request");
      log.error({ requestId: "2", err: new Error(forged) }, forged);
    });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ requestId: "1", operation: forged, msg: "request" });
    expect(lines[1]?.msg).toBe(forged);
  });

  // Planted fault: createLog without the serializers of NEVER_LOGGED -> red.
  test("has credentials removed that were handed over by mistake", () => {
    const names = ["authorization", "cookie", "password", "secret", "token", "key"];
    const fields = Object.fromEntries(names.map((name) => [name, CANARY]));
    const lines = written("info", (log) => log.info({ ...fields, safe: 1 }, "request"));
    expect(JSON.stringify(lines)).not.toContain(CANARY);
    expect(lines[0]?.safe).toBe(1);
  });

  // Planted fault: pino's own error serializer -> red, it copies every property.
  test("has of an error its kind and state, never a row or a value", () => {
    const driver = Object.assign(new Error("duplicate key"), {
      detail: `Key (name)=(${CANARY}) already exists.`,
      where: CANARY,
      parameters: [CANARY],
      query: CANARY,
    });
    const failure = new DatabaseFailure("unique", "duplicate key", {
      sqlState: "23505",
      constraint: "sites_name_key",
      cause: driver,
    });
    const lines = written("info", (log) => {
      log.error({ err: failure }, "request failed");
      log.error({ err: driver }, "request failed");
    });
    expect(JSON.stringify(lines)).not.toContain(CANARY);
    const [line] = lines;
    expect(line?.err).toMatchObject({ kind: "unique", sqlState: "23505" });
  });

  test("is nothing below the level that is set", () => {
    const lines = written("error", (log) => {
      log.info({}, "request");
      log.warn({}, "slow");
      log.error({}, "failed");
    });
    expect(lines.map((line) => line.msg)).toEqual(["failed"]);
  });
});
