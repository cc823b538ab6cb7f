// A value that is refused is refused in the same words, wherever it was sent: with a create, an
// update, an upsert, as one of many, in a batch, or as the input of an action. What is named is the
// place, what was expected and the type of what came; never the value, nor a word of Zod's.
//
// Planted faults, each red before it was taken out again:
// - the body parsed without IN_OUR_WORDS -> names that are strange
// - the action's input parsed without IN_OUR_WORDS -> actions
// - `expected` without what came -> everywhere
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let key: string;
let id: string;
beforeAll(async () => {
  backend = await startTestBackend("input_words");
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
  const body = {
    title: "Leak",
    siteId: acme.rows.sites.yard,
    requesterId: acme.people.requester.id,
  };
  const made = await backend.request("/v1/work-orders", { key, body });
  ({ id } = made.json.data);
});
afterAll(() => backend?.close());

interface Told {
  readonly field: string;
  readonly message: string;
}
const detailsOf = (reply: Reply): readonly Told[] => reply.json.error.details;
const post = (path: string, body: unknown) => backend.request(path, { key, body });
const WRONG: readonly (readonly [field: string, value: unknown, message: RegExp])[] = [
  ["title", 5, /^must be text .*; got a number$/],
  ["title", null, /^must be text .*; got null$/],
  ["siteId", "nowhere", /^must be a UUID, like [0-9a-f-]+$/],
  ["dueAt", ["x"], /^must be an instant .*; got a list$/],
  ["titel", "x", /^is not known here; allowed: .*title.*; did you mean title\?$/],
];

test.each(WRONG)(
  "%s %j is told in the same words wherever it comes",
  async (field, value, words) => {
    const { yard } = acme.rows.sites;
    const requesterId = acme.people.requester.id;
    const whole = { title: "Leak", siteId: yard, requesterId, [field]: value };
    const patch = { [field]: value };
    const places: readonly (readonly [prefix: string, reply: Promise<Reply>])[] = [
      ["", post("/v1/work-orders", whole)],
      ["", backend.request(`/v1/work-orders/${id}`, { key, method: "PATCH", body: patch })],
      ["records[0].", post("/v1/work-orders/bulk-create", { records: [whole], atomic: true })],
      [
        "records[0].",
        post("/v1/work-orders/bulk-update", { records: [{ id, ...patch }], atomic: true }),
      ],
      [
        "operations[0].",
        post("/v1/batch", { operations: [{ operation: "workOrders.create", body: whole }] }),
      ],
      [
        "operations[0].",
        post("/v1/batch", { operations: [{ operation: "workOrders.update", id, body: patch }] }),
      ],
    ];
    for (const [prefix, asked] of places) {
      const reply = await asked;
      expect([reply.status, reply.json.error.code], reply.text).toEqual([400, "VALIDATION_ERROR"]);
      const [told] = detailsOf(reply);
      expect(told?.field).toBe(`${prefix}${field}`);
      expect(told?.message).toMatch(words);
      expect(reply.text).not.toMatch(/Invalid input|expected string|received|unrecognized/i);
    }
    const bulk = await post("/v1/work-orders/bulk-create", { records: [whole] });
    expect(bulk.json.data[0].error.details[0].message).toMatch(words);
  },
);

describe("the input of an action", () => {
  const assign = (body: unknown) => post(`/v1/work-orders/${id}/assign`, body);

  test("is told in the same words", async () => {
    expect(detailsOf(await assign({ technicianId: 7 }))).toEqual([
      {
        field: "technicianId",
        message: expect.stringMatching(/^must be a UUID, like .*; got a number$/),
      },
    ]);
    expect(detailsOf(await assign({ technicianId: "me" }))).toEqual([
      { field: "technicianId", message: expect.stringMatching(/^must be a UUID, like /) },
    ]);
    expect(detailsOf(await assign({ tecnicianId: randomUUID() }))).toContainEqual({
      field: "tecnicianId",
      message: expect.stringMatching(/^is not known here; allowed: .*did you mean technicianId\?$/),
    });
    expect(detailsOf(await assign("x"))).toEqual([
      { field: "body", message: "must be an object; got text" },
    ]);
  });
});

test("what is no object at all says what it is", async () => {
  for (const [body, what] of [
    [[], "a list"],
    ["x", "text"],
    [null, "null"],
    [7, "a number"],
  ] as const) {
    const message = `This must be a JSON object; got ${what}.`;
    expect((await post("/v1/work-orders", body)).json.error.message).toBe(message);
    const bulk = await post("/v1/work-orders/bulk-create", { records: [body], atomic: true });
    expect(detailsOf(bulk)).toEqual([{ field: "records[0]", message }]);
  }
  const bulk = await post("/v1/work-orders/bulk-create", { records: {} });
  expect(detailsOf(bulk)[0]?.message).toMatch(
    /^must be a list of 1 to \d+ records; got an object$/,
  );
  const batch = await post("/v1/batch", { operations: [{ operation: "workOrder.create" }] });
  expect(detailsOf(batch)[0]).toEqual({
    field: "operations[0].operation",
    message: expect.stringMatching(/; did you mean workOrders\?$/),
  });
});
