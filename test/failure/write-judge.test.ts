// Planted faults for reliability check 1: each is one way to lose, double or tear a write, and the
// judge must name it. Without these, a clean run would say nothing.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBackend, type TestBackend } from "../support/backend.ts";
import { KeyedWrite, type Order } from "./keyed-client.ts";
import { killAtSteps } from "./kill-steps.ts";
import { judge } from "./write-judge.ts";

let backend: TestBackend;
let apiKey: string;
let order: Order;
beforeAll(async () => {
  backend = await startTestBackend("judge");
  const person = await backend.person(await backend.tenant("Judged"), "manager");
  apiKey = person.key;
  const site = await backend.request("/v1/sites", { key: apiKey, body: { name: "Yard" } });
  order = { siteId: site.json.data.id, requesterId: person.id };
});
afterAll(() => backend?.close());

async function created(key: string): Promise<KeyedWrite> {
  const write = KeyedWrite.create(key, apiKey, order);
  await write.insist(() => backend.url);
  return write;
}

async function updated(key: string, of: KeyedWrite): Promise<KeyedWrite> {
  const [reply] = of.acknowledgements;
  const { data } = JSON.parse(reply?.body ?? "") as { data: { id: string } };
  const write = KeyedWrite.update(key, apiKey, data.id, reply?.headers.get("etag") ?? "");
  await write.insist(() => backend.url);
  return write;
}

const verdict = (...writes: KeyedWrite[]): Promise<string[]> =>
  judge(backend.database.ownerUrl, writes);

/** Problems that are about this write or its record. */
async function problemsOf(write: KeyedWrite): Promise<string[]> {
  const [reply] = write.acknowledgements;
  const id = (JSON.parse(reply?.body ?? "{}") as { data?: { id: string } }).data?.id ?? "no id";
  const problems = await verdict(write);
  return problems.filter((problem) => problem.includes(write.key) || problem.includes(id));
}

describe("the judge", () => {
  test("finds nothing after a create, its update, and both repeated", async () => {
    const first = await created("clean");
    const second = await updated("clean-update", first);
    await first.send(backend.url);
    await second.send(backend.url);
    expect(first.acknowledgements).toHaveLength(2);
    expect(second.acknowledgements).toHaveLength(2);
    expect(await verdict(first, second)).toEqual([]);
  });

  test("finds the event that was not written with its row", async () => {
    await backend.owner.query(
      `create function drop_row() returns trigger language plpgsql as 'begin return null; end';
       create trigger drop_row before insert on backwright.events
         for each row execute function drop_row()`,
    );
    const write = await created("no-event");
    await backend.owner.query("drop trigger drop_row on backwright.events");
    expect(await problemsOf(write)).toContain("create no-event: 0 events, not 1");
  });

  test("finds the audit entry that was not written with its row", async () => {
    await backend.owner.query(
      `create trigger drop_row before insert on backwright.audit
         for each row execute function drop_row()`,
    );
    const write = await created("no-audit");
    await backend.owner.query("drop trigger drop_row on backwright.audit");
    expect(await problemsOf(write)).toContain("create no-audit: 0 audit entries, not 1");
  });

  test("finds the effect of a repeat that took another key", async () => {
    const write = await created("doubled");
    await write.send(backend.url, { idempotencyKey: "another" });
    expect(await problemsOf(write)).toContain("create doubled: 2 effects, not 1");
  });

  test("finds the acknowledged create that is gone, and its event without effect", async () => {
    const write = await created("lost");
    await backend.owner.query("delete from work_orders where description = 'lost'");
    const problems = await problemsOf(write);
    expect(problems).toContain("create lost: 0 effects, not 1");
    expect(problems).toContainEqual(expect.stringMatching(/event workOrders\.created of .* exist/));
  });

  test("finds the acknowledged update that is gone", async () => {
    const first = await created("before-update");
    const second = await updated("undone", first);
    await backend.owner.query(
      "update work_orders set title = 'x', version = 1 where title = 'undone'",
    );
    const problems = await verdict(first, second);
    expect(problems).toContainEqual(expect.stringMatching(/acknowledged update undone is lost/));
    expect(problems).toContainEqual(expect.stringMatching(/version 1, 2 audit entries/));
  });

  test("finds two replies for one key that differ by a byte", async () => {
    const write = await created("replies");
    await backend.owner.query(
      "update backwright.idempotency set reply = replace(reply, '{', '{ ') where key = 'replies'",
    );
    await write.send(backend.url);
    expect(await problemsOf(write)).toContainEqual(expect.stringMatching(/two replies differ/));
  });

  test("finds the write that the client was told to give up", async () => {
    const write = KeyedWrite.create("refused", apiKey, { ...order, siteId: order.requesterId });
    await write.insist(() => backend.url);
    expect(await problemsOf(write)).toContainEqual(expect.stringMatching(/refused with 422/));
  });

  // The fault is in the process (api-program.ts): the event in a statement of its own, after the
  // row's. A kill between the two is what check 1 is about.
  test("finds the event that a kill tore from its row", { timeout: 60_000 }, async () => {
    const torn = await startTestBackend("judge_torn");
    try {
      const { writes } = await killAtSteps({
        backend: torn,
        steps: ["committed, no ReadyForQuery"],
        seed: 1,
        environment: { PLANTED_FAULT: "event apart" },
      });
      const [first] = writes;
      const problems = await judge(torn.database.ownerUrl, writes);
      expect(problems).toContainEqual(`create ${first?.key}: 0 events, not 1`);
    } finally {
      await torn.close();
    }
  });
});
