// What an Idempotency-Key means (reliability check 4): one table of requests and answers.
//
// Planted faults, each red before it was taken out again:
// - the body's hash not compared -> another body
// - a key's length not limited, its characters not looked at -> malformed keys
// - the reply stored although a guard refused (claim before the write) -> refused requests
// - expires_at not asked -> expiry
// - the renewal leaves the old reply (only expires_at set) -> expiry
// - expiry by the process's clock (Date.now in the scope) -> the process's clock
// - the current record answered instead of the stored bytes -> bytes of the first reply
// - the stored status not kept apart by operation (create and update share a scope) -> operation
import { randomUUID } from "node:crypto";
import { request as rawRequest } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { DatabaseFailure } from "../../src/database/failures.ts";
import type { ResourceModel } from "../../src/model/model.ts";
import { showAgain } from "../../src/operations/execute-write.ts";
import { expectRefusal } from "../fixtures/refusals.ts";
import { secondServer } from "../fixtures/twin-requests.ts";
import { rowCounts, storedRow } from "../fixtures/work-orders-world.ts";
import { withRun } from "../sql/captured.ts";
import {
  type Person,
  type Reply,
  type RequestOptions,
  startTestBackend,
  type TestBackend,
} from "../support/backend.ts";

let backend: TestBackend;
let manager: Person;
let siteId: string;
beforeAll(async () => {
  backend = await startTestBackend("keyed");
  manager = await backend.person(await backend.tenant("Acme"), "manager");
  siteId = (await post({ name: "Yard" }, {}, "/v1/sites")).json.data.id;
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => backend?.close());

const counts = () => rowCounts(backend, ["work_orders", "sites", "categories"]);
const order = (more: object = {}): object => ({
  title: "Leak",
  siteId,
  requesterId: manager.id,
  ...more,
});

function post(body: unknown, headers = {}, path = "/v1/work-orders"): Promise<Reply> {
  return backend.request(path, { key: manager.key, body, headers });
}
function patch(path: string, body: unknown, headers = {}): Promise<Reply> {
  return backend.request(path, { key: manager.key, method: "PATCH", body, headers });
}
const keyed = (key: string = randomUUID()) => ({ "idempotency-key": key });

function expectReplay(again: Reply, first: Reply): void {
  expect(again.status, again.text).toBe(first.status);
  expect(again.text).toBe(first.text);
  for (const name of ["etag", "location", "content-type", "cache-control"]) {
    expect(again.headers.get(name)).toBe(first.headers.get(name));
  }
  expect(first.headers.get("idempotency-replayed")).toBeNull();
  expect(again.headers.get("idempotency-replayed")).toBe("true");
}

describe("a repeated request", () => {
  test("is answered with the bytes of the first reply and changes nothing", async () => {
    const headers = keyed();
    const first = await post(order(), headers);
    expect(first.status).toBe(201);
    const before = await counts();
    for (let again = 0; again < 3; again += 1) expectReplay(await post(order(), headers), first);
    expect(await counts()).toEqual(before);
  });

  test("is answered so after the record has changed, and stays so", async () => {
    const headers = keyed();
    const first = await post(order(), headers);
    const path = first.headers.get("location") ?? "";
    expect((await patch(path, { title: "Flood" })).status).toBe(200);
    expectReplay(await post(order(), headers), first);
    const update = keyed();
    const changed = await patch(path, { title: "Drop" }, update);
    expect((await patch(path, { title: "Sea" })).status).toBe(200);
    expectReplay(await patch(path, { title: "Drop" }, update), changed);
    expect((await backend.request(path, { key: manager.key })).json.data.title).toBe("Sea");
  });

  test("of an update under If-Match replays although the version has moved on", async () => {
    const made = await post(order());
    const path = made.headers.get("location") ?? "";
    const headers = { ...keyed(), "if-match": made.headers.get("etag") ?? "" };
    const first = await patch(path, { title: "Once" }, headers);
    expect(first.status).toBe(200);
    expectReplay(await patch(path, { title: "Once" }, headers), first);
    expect((await storedRow(backend, "work_orders", made.json.data.id))?.version).toBe(2);
  });

  test("may spell its JSON otherwise, but not say something else", async () => {
    const headers = keyed();
    const first = await post(order(), headers);
    const spelled = await fetch(`${backend.url}/v1/work-orders`, {
      method: "POST",
      headers: {
        ...headers,
        authorization: `Bearer ${manager.key}`,
        "content-type": "application/json; charset=utf-8",
      },
      body: `\n ${JSON.stringify(order(), undefined, 3).replace("Leak", "L\\u0065ak")} `,
    });
    expect(await spelled.text()).toBe(first.text);
    const before = await counts();
    for (const other of [{ title: "Leak " }, { description: null }, { priority: "normal" }]) {
      const reply = await post(order(other), headers);
      expectRefusal(reply, 422, "IDEMPOTENCY_KEY_REUSED");
    }
    expect(await counts()).toEqual(before);
    expectReplay(await post(order(), headers), first);
  });

  test("survives a restart of the server, and is known to every server", async () => {
    const headers = keyed();
    const first = await post(order(), headers);
    const before = await counts();
    for (let start = 0; start < 2; start += 1) {
      const other = await secondServer(backend);
      const reply = await fetch(`${other.url}/v1/work-orders`, {
        method: "POST",
        headers: {
          ...headers,
          authorization: `Bearer ${manager.key}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(order()),
      });
      expect([reply.status, await reply.text()]).toEqual([201, first.text]);
      await other.stop();
    }
    expect(await counts()).toEqual(before);
  });

  test("is another request without a key, and with the key in another case", async () => {
    const key = `Case-${randomUUID()}`;
    const ids = new Set<string>();
    for (const headers of [{}, {}, keyed(key), keyed(key.toUpperCase())]) {
      const reply = await post(order(), headers);
      expect(reply.status).toBe(201);
      ids.add(reply.json.data.id);
    }
    expect(ids.size).toBe(4);
  });

  test("of another operation, resource or record has its own result", async () => {
    const headers = keyed();
    const made = await post({ name: "Same body" }, headers, "/v1/sites");
    const other = await post({ name: "Same body" }, headers, "/v1/categories");
    expect([made.status, other.status]).toEqual([201, 201]);
    expect(other.json.data.id).not.toBe(made.json.data.id);
    const second = await post({ name: "Second" }, {}, "/v1/sites");
    const paths = [made, second].map((reply) => reply.headers.get("location") ?? "");
    const changes = [];
    for (const path of paths) changes.push(await patch(path, { address: "Same" }, headers));
    for (const [at, path] of paths.entries()) {
      const change = changes[at] as Reply;
      expect(change.status, change.text).toBe(200);
      expect(change.json.data.id).toBe(path.split("/").at(-1));
      expectReplay(await patch(path, { address: "Same" }, headers), change);
    }
    expectReplay(await post({ name: "Same body" }, headers, "/v1/sites"), made);
  });

  test("of a read is no matter of keys: nothing is stored", async () => {
    const before = await counts();
    const headers = keyed("read");
    const path = `/v1/sites/${siteId}`;
    for (const method of ["GET", "HEAD"]) {
      const options: RequestOptions = { key: manager.key, method, headers };
      expect((await backend.request(path, options)).status).toBe(200);
    }
    expect(await counts()).toEqual(before);
  });
});

describe("a refused request leaves its key unused", () => {
  const refusals: readonly [name: string, status: number, wrong: () => object][] = [
    ["an invalid body", 400, () => order({ title: 7 })],
    ["an unknown field", 400, () => order({ nothing: 1 })],
    ["a missing reference", 422, () => order({ assetId: randomUUID() })],
    ["a taken unique value", 409, () => order({ externalId: "taken" })],
  ];
  test.each(refusals)("%s (%i)", async (_name, status, wrong) => {
    await post(order({ externalId: "taken" }));
    const headers = keyed();
    const before = await counts();
    for (let again = 0; again < 2; again += 1) {
      expect((await post(wrong(), headers)).status).toBe(status);
    }
    expect(await counts()).toEqual(before);
    const right = await post(order(), headers);
    expect(right.status, right.text).toBe(201);
    expect(right.headers.get("idempotency-replayed")).toBeNull();
  });

  test("a stale version (412), a forbidden move (422), a missing record (404)", async () => {
    const made = await post(order());
    const path = made.headers.get("location") ?? "";
    const headers = keyed();
    const before = await counts();
    const stale = { ...headers, "if-match": '"9-x"' };
    expectRefusal(await patch(path, { status: "assigned" }, stale), 412, "VERSION_CONFLICT");
    expectRefusal(await patch(path, { status: "done" }, headers), 422, "INVALID_TRANSITION");
    const absent = `/v1/work-orders/${randomUUID()}`;
    expectRefusal(await patch(absent, { status: "done" }, headers), 404, "NOT_FOUND");
    expect(await counts()).toEqual(before);
    expect((await patch(path, { status: "assigned" }, headers)).status).toBe(200);
  });
});

describe("the key itself", () => {
  test("of 255 printable ASCII characters is taken", async () => {
    for (const key of ["x".repeat(255), `"${randomUUID()}"`, "a b ~!@#$%^&*()", "7"]) {
      const first = await post(order(), keyed(key));
      expect(first.status, first.text).toBe(201);
      expectReplay(await post(order(), keyed(key)), first);
    }
  });

  test("that is empty, longer or not printable ASCII is refused", async () => {
    const before = await counts();
    for (const key of ["", "x".repeat(256), "x".repeat(5_000), "é", "a\tb", "\u00ff", "a\u00a0"]) {
      const reply = await raw(key);
      expect(reply.status, key).toBe(400);
      expect(JSON.parse(reply.text).error.code).toBe("IDEMPOTENCY_KEY_INVALID");
    }
    expect(await counts()).toEqual(before);
  });

  /** Through node:http, which sends bytes that fetch refuses to. */
  function raw(key: string): Promise<{ status: number | undefined; text: string }> {
    const headers = {
      authorization: `Bearer ${manager.key}`,
      "content-type": "application/json",
      "idempotency-key": key,
    };
    return new Promise((resolve, reject) => {
      const url = `${backend.url}/v1/work-orders`;
      const request = rawRequest(url, { method: "POST", headers }, (reply) => {
        let text = "";
        reply.on("data", (chunk: Buffer) => (text += chunk.toString()));
        reply.on("end", () => resolve({ status: reply.statusCode, text }));
      });
      request.on("error", reject);
      request.end(JSON.stringify(order()));
    });
  }
});

// Planted: the failure of that read swallowed -> red, a TypeError.
test("a repeat whose record cannot be read just now is told to come back", async () => {
  const made = await post(order(), keyed());
  const stored = { id: made.json.data.id, json: made.text, version: "1", mask: "", status: "201" };
  const read = (): Promise<never> => Promise.reject(new DatabaseFailure("unavailable", "gone"));
  const context = { ...backend.context, database: withRun(backend.context.database, { read }) };
  const { tenantId, id, role } = manager;
  const identity = { tenantId, role, id, credential: id };
  const actor = await backend.authenticator.actorFor(identity);
  const request = { actor, requestId: "again", face: "test" };
  const workOrders = context.model.resources.get("workOrders") as ResourceModel;
  await expect(showAgain(context, request, workOrders, stored)).rejects.toMatchObject({
    code: "UNAVAILABLE",
  });
});

describe("the time of a key", () => {
  const expire = (key: string) =>
    backend.owner.query(
      "update backwright.idempotency set expires_at = now() - interval '1 ms' where key = $1",
      [key],
    );
  const stored = (key: string) =>
    backend.owner.query<{ hours: number; recordId: string }>(
      `select record_id as "recordId",
         extract(epoch from expires_at - now()) / 3600 as hours
       from backwright.idempotency where key = $1`,
      [key],
    );

  test("is 24 hours of the database's clock, then the key is new again, in one row", async () => {
    const key = randomUUID();
    const first = await post(order(), keyed(key));
    const [row] = await stored(key);
    expect(Number(row?.hours)).toBeGreaterThan(23.9);
    expect(Number(row?.hours)).toBeLessThanOrEqual(24);
    await expire(key);
    const second = await post(order({ title: "Another body" }), keyed(key));
    expect(second.status, second.text).toBe(201);
    expect(second.json.data.id).not.toBe(first.json.data.id);
    expectReplay(await post(order({ title: "Another body" }), keyed(key)), second);
    const rows = await stored(key);
    expect(rows.map(({ recordId }) => recordId)).toEqual([second.json.data.id]);
    expect(Number(rows[0]?.hours)).toBeGreaterThan(23.9);
  });

  // Planted: the transaction plan without expires_at, in the look and in the renewal -> red.
  test("is that of a request with a transaction of its own, too", async () => {
    const headers = keyed();
    const bulk = (title: string): Promise<Reply> =>
      backend.request("/v1/work-orders/bulk-create", {
        key: manager.key,
        body: { records: [order({ title })] },
        headers,
      });
    const first = await bulk("Yesterday");
    await expire(headers["idempotency-key"]);
    const second = await bulk("Today");
    expect(second.status, second.text).toBe(200);
    expect(second.text).toContain("Today");
    expect(second.text).not.toBe(first.text);
    expectReplay(await bulk("Today"), second);
    expect(await stored(headers["idempotency-key"])).toHaveLength(1);
  });

  test("does not follow the process's clock", async () => {
    const headers = keyed();
    const first = await post(order(), headers);
    const day = Date.now() + 48 * 3_600_000;
    vi.spyOn(Date, "now").mockReturnValue(day);
    expectReplay(await post(order(), headers), first);
  });

  test("twins of an expired key have one effect", async () => {
    const key = randomUUID();
    await post(order(), keyed(key));
    await expire(key);
    const before = await counts();
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => post(order({ title: "Anew" }), keyed(key))),
    );
    const bodies = new Set(replies.filter((one) => one.status === 201).map((one) => one.text));
    expect(bodies.size).toBe(1);
    expect(replies.every((one) => one.status === 201 || one.status === 409)).toBe(true);
    const after = await counts();
    expect(after.work_orders).toBe(Number(before.work_orders) + 1);
    expect(after["backwright.idempotency"]).toBe(before["backwright.idempotency"]);
  });
});
