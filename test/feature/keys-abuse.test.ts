// Keys under abuse: floods of unknown ones, and what reaches the log.
//
// Planted faults, each red before it was taken out again:
// - the cache of keys without a limit -> a flood
// - a look-up for each request of a key at once -> one look-up
// - one cache for living and unknown keys -> living keys
// - look-ups of new keys let through as they come (no LookUpGate) -> at once
// - the headers of a request in its log line -> logs
// - the body of a request in its log line -> logs
// - PostgreSQL's message in the reply of a failure -> failures
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CREDENTIAL_CACHE_ENTRIES,
  CREDENTIAL_LOOK_UPS_MAX,
  CREDENTIAL_LOOK_UPS_WAITING_MAX,
} from "../../src/base/limits.ts";
import type { Database } from "../../src/database/database.ts";
import { hashApiKey } from "../../src/identity/api-keys.ts";
import { Authenticator } from "../../src/identity/authenticate.ts";
import { expectNothingInside, expectRefusal } from "../fixtures/refusals.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let manager: Person;
beforeAll(async () => {
  backend = await startTestBackend("abuse");
  manager = await backend.person(await backend.tenant("Acme"), "manager");
});
afterAll(() => backend?.close());

const unknownKey = (): string => `bw_${randomBytes(32).toString("base64url")}`;
const ask = (key: string): Promise<Reply> => backend.request("/v1/sites", { key });

describe("unknown keys", () => {
  test("in a flood are refused one by one while a living key goes on", async () => {
    const replies = await Promise.all(
      Array.from({ length: 600 }, (_, at) => ask(at % 20 === 0 ? manager.key : unknownKey())),
    );
    replies.forEach((reply, at) => {
      if (at % 20 === 0) expect(reply.status).toBe(200);
      else expectRefusal(reply, 401, "UNAUTHENTICATED");
    });
  });

  /** An authenticator over the real one's database, counting its look-ups. */
  function counting(): { authenticator: Authenticator; lookUps: () => number } {
    const { database, model } = backend.context;
    let count = 0;
    const counted = {
      read: (...args: Parameters<Database["read"]>) => {
        count += 1;
        return database.read(...args);
      },
    };
    const authenticator = new Authenticator(counted as unknown as Database, model);
    return { authenticator, lookUps: () => count };
  }
  const refused = (authenticator: Authenticator, key: string): Promise<void> =>
    expect(authenticator.authenticate(`Bearer ${key}`)).rejects.toMatchObject({ status: 401 });

  test("are asked once while they are remembered, and cost no look-up when malformed", async () => {
    const { authenticator, lookUps } = counting();
    const key = unknownKey();
    await Promise.all(Array.from({ length: 50 }, () => refused(authenticator, key)));
    expect(lookUps()).toBe(1);
    for (const malformed of ["x", `${key}x`, "bw_", `bw_${"!".repeat(43)}`]) {
      await refused(authenticator, malformed);
    }
    expect(lookUps()).toBe(1);
  });

  test("fill no more than the cache has room for", async () => {
    const { model } = backend.context;
    let count = 0;
    const nobody = { read: () => Promise.resolve([]).finally(() => (count += 1)) };
    const authenticator = new Authenticator(nobody as unknown as Database, model);
    const keys = Array.from({ length: CREDENTIAL_CACHE_ENTRIES + 1 }, unknownKey);
    for (const key of keys) await authenticator.authenticate(`Bearer ${key}`).catch(() => {});
    expect(count).toBe(CREDENTIAL_CACHE_ENTRIES + 1);
    // The last ones are remembered, the first one made room.
    await authenticator.authenticate(`Bearer ${keys.at(-1)}`).catch(() => {});
    expect(count).toBe(CREDENTIAL_CACHE_ENTRIES + 1);
    await authenticator.authenticate(`Bearer ${keys[0]}`).catch(() => {});
    expect(count).toBe(CREDENTIAL_CACHE_ENTRIES + 2);
  });
});

// Planted: what failed kept among the credentials (Credentials.forget emptied) -> red.
test("a look-up that fails is no answer: the next request asks again", async () => {
  const { database, model } = backend.context;
  let failures = 2;
  const failing = {
    read: (...args: Parameters<Database["read"]>) => {
      if (failures === 0) return database.read(...args);
      failures -= 1;
      return Promise.reject(new Error("the connection was lost"));
    },
  };
  const authenticator = new Authenticator(failing as unknown as Database, model);
  const authenticate = (): Promise<unknown> => authenticator.authenticate(`Bearer ${manager.key}`);
  await expect(authenticate()).rejects.toThrow("the connection was lost");
  await expect(authenticate()).rejects.toThrow("the connection was lost");
  expect(failures).toBe(0);
  expect(await authenticate()).toMatchObject({ id: manager.id });
});

describe("a flood of unknown keys", () => {
  test("pushes no living key out of memory", async () => {
    const { context } = backend;
    let isOver = false;
    const counted = { living: 0, atOnce: 0, atOnceMost: 0 };
    const some = {
      read: async (...args: Parameters<Database["read"]>) => {
        if (isOver) counted.living += 1;
        if (args[2].includes(hashApiKey(manager.key))) return context.database.read(...args);
        counted.atOnce += 1;
        counted.atOnceMost = Math.max(counted.atOnceMost, counted.atOnce);
        await Promise.resolve();
        counted.atOnce -= 1;
        return args[1].claims.tenantId === undefined ? [] : context.database.read(...args);
      },
    };
    const authenticator = new Authenticator(some as unknown as Database, context.model);
    await authenticator.authenticate(`Bearer ${manager.key}`);
    for (let round = 0; round < 12; round += 1) {
      await Promise.allSettled(
        Array.from({ length: 1_000 }, () => authenticator.authenticate(`Bearer ${unknownKey()}`)),
      );
    }
    isOver = true;
    await authenticator.authenticate(`Bearer ${manager.key}`);
    expect(counted.living).toBe(0);
    // And however many come, few are looked up at once.
    expect(counted.atOnceMost).toBeLessThanOrEqual(CREDENTIAL_LOOK_UPS_MAX);
  });

  test("beyond what may wait is told to come back", async () => {
    const silent = { read: () => new Promise<never>(() => {}) };
    const { model } = backend.context;
    const authenticator = new Authenticator(silent as unknown as Database, model);
    const most = CREDENTIAL_LOOK_UPS_MAX + CREDENTIAL_LOOK_UPS_WAITING_MAX;
    for (let count = 0; count < most; count += 1) {
      void authenticator.authenticate(`Bearer ${unknownKey()}`);
    }
    const one = authenticator.authenticate(`Bearer ${unknownKey()}`);
    await expect(one).rejects.toMatchObject({ status: 503 });
  });
});

describe("the log", () => {
  const canary = "canary-5f1e9c";
  const logged = (): string =>
    JSON.stringify(backend.log, (_key, value: unknown) =>
      value instanceof Error
        ? { ...value, message: value.message, stack: value.stack, cause: value.cause }
        : value,
    );

  test("tells who did what, and holds no key, header, body or query", async () => {
    const dead = unknownKey();
    const headers = { "idempotency-key": `${canary}-key`, "x-secret": canary, cookie: canary };
    const body = { name: `${canary} name`, address: canary };
    const made = await backend.request("/v1/sites", { key: manager.key, body, headers });
    expect(made.status).toBe(201);
    const again = { key: manager.key, body, headers: { "idempotency-key": `${canary}-2` } };
    expect((await backend.request("/v1/sites", again)).status).toBe(409);
    await backend.request("/v1/sites", { key: manager.key, body: { [canary]: canary } });
    await backend.request(`/v1/sites?filter[name]=${canary}`, { key: manager.key });
    await backend.request(`/v1/${canary}?x=${canary}`, { key: manager.key });
    await ask(dead);
    const text = logged();
    for (const secret of [manager.key, manager.key.slice(3), dead, canary]) {
      expect(text).not.toContain(secret);
    }
    const line = backend.log.find((one) => one.status === 201);
    expect(line).toMatchObject({
      requestId: made.headers.get("x-request-id"),
      method: "POST",
      route: "/v1/sites",
      operation: "sites.create",
      tenant: manager.tenantId,
      actor: manager.id,
      role: "manager",
      record: made.json.data.id,
      rows: 1,
    });
  });

  test("of a failure holds its cause, and the reply none of it", async () => {
    const role = new URL(backend.database.appUrl).username;
    const grant = (verb: string) => backend.owner.query(verb);
    await grant(`revoke insert on backwright.audit from "${role}"`);
    try {
      const body = { name: `${canary} failing` };
      const headers = { "idempotency-key": `${canary}-3` };
      const reply = await backend.request("/v1/sites", { key: manager.key, body, headers });
      expectRefusal(reply, 500, "INTERNAL");
      expect(reply.json.error.message).toBe(
        "The server failed. Quote the request id when you report it.",
      );
      expectNothingInside(reply);
      const failed = backend.log.filter((line) => line.message === "request failed");
      expect(failed).toHaveLength(1);
      expect(failed[0]?.requestId).toBe(reply.json.error.requestId);
      const text = logged();
      expect(text).toContain("permission denied");
      for (const secret of [manager.key, canary]) expect(text).not.toContain(secret);
    } finally {
      await grant(`grant insert on backwright.audit to "${role}"`);
    }
    const [left] = await backend.owner.query(
      "select count(*)::int as rows from sites where name like '%failing'",
    );
    expect(left).toEqual({ rows: 0 });
  });
});
