// A reply holds a bounded number of bytes: more is refused before it is joined, and of a write
// before it commits. What is asked for in smaller parts is answered.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportText } from "../../src/transfer/run-export.ts";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

// As JSON 2.1 MB each, in PostgreSQL 1.4: 20 of them pass the bound of the rows, not of the reply.
const LARGE = `repeat('x"', 700000)`;
const COUNT = 26;

let backend: TestBackend;
let acme: Organization;
let key: string;
let ids: readonly string[];
const OWN = "organization_id, id, title, site_id, requester_id, asset_id, description";
beforeAll(async () => {
  backend = await startTestBackend("reply_size", { mode: "production" });
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
  const made = await backend.owner.query<{ id: string }>(
    `insert into work_orders (${OWN})
     select $1, uuidv7(), 'Large ' || n, $2, $3, $4, ${LARGE}
     from generate_series(1, ${COUNT}) n
     returning id`,
    [acme.tenantId, acme.rows.sites.yard, acme.people.requester.id, acme.rows.assets.pump],
  );
  ids = made.map(({ id }) => id);
}, 60_000);
afterAll(() => backend?.close());

const titles = () =>
  backend.owner.query<{ count: string }>(
    "select count(*)::text from work_orders where title = 'changed'",
  );
const tooLarge = { status: 400, json: { error: { code: "REPLY_TOO_LARGE" } } };

describe("a list", () => {
  // Planted: no bound of the JSON -> the second is 200, red.
  test.each([100, 20])("of %i large records is refused, with what to ask for", async (size) => {
    const path = "/v1/work-orders?sort=-id&page[size]=";
    const reply = await backend.request(`${path}${size}`, { key });
    expect(reply).toMatchObject(tooLarge);
    const fields = reply.json.error.details.map(({ field }: { field: string }) => field);
    expect(fields).toEqual(["page[size]", "fields"]);
    const less = await backend.request(`${path}${size}&fields=title`, { key });
    expect(less.status).toBe(200);
    const fewer = await backend.request(`${path}4`, { key });
    expect(fewer.status).toBe(200);
    expect(fewer.text.length).toBeGreaterThan(8_000_000);
  });

  test("of included records is refused likewise, and small ones are sent", async () => {
    const asset = `/v1/assets/${acme.rows.assets.pump}?include=workOrders`;
    const many = await backend.request(`${asset}&page[workOrders][size]=50`, { key });
    expect(many).toMatchObject(tooLarge);
    const few = await backend.request(`${asset}&page[workOrders][size]=2`, { key });
    expect(few.status).toBe(200);
  });

  // Planted: rows beyond the page kept -> 26 rows are read for a page of one, red.
  test("of few records is answered, however many are read to find them", async () => {
    await backend.owner
      .query(`update work_orders set address_note = null where false`)
      .catch(() => undefined);
    const one = await backend.request("/v1/work-orders?page[size]=1&sort=-id", { key });
    expect(one.status).toBe(200);
    expect(one.json.meta.pagination.hasMore).toBe(true);
  });
});

describe("several writes", () => {
  // Planted: the reply measured after the transaction -> the titles are changed, red.
  test("in bulk whose reply would be too large write nothing", async () => {
    const records = ids.map((id) => ({ id, title: "changed" }));
    const body = { records };
    const path = "/v1/work-orders/bulk-update";
    const headers = { "idempotency-key": "large" };
    const refused = await backend.request(path, { key, method: "POST", body, headers });
    expect(refused).toMatchObject(tooLarge);
    expect(refused.json.error.details).toMatchObject([{ field: "records" }]);
    expect(await titles()).toEqual([{ count: "0" }]);
    const some = { records: records.slice(0, 2) };
    const done = await backend.request(path, { key, method: "POST", body: some, headers });
    expect(done.json.meta).toEqual({ bulk: { succeeded: 2, failed: 0 } });
    expect(await titles()).toEqual([{ count: "2" }]);
  }, 60_000);

  test("in a batch, reads among them, write nothing", async () => {
    const [first] = ids;
    const operations = [
      { operation: "sites.update", id: acme.rows.sites.yard, body: { address: "changed" } },
      ...Array.from({ length: COUNT }, () => ({ operation: "workOrders.get", id: first })),
    ];
    const body = { operations };
    const refused = await backend.request("/v1/batch", { key, method: "POST", body });
    expect(refused).toMatchObject(tooLarge);
    expect(refused.json.error.details).toMatchObject([{ field: "operations" }]);
    const changed = await backend.owner.query("select from sites where address = 'changed'");
    expect(changed).toEqual([]);
  });
});

// Planted: the size of its pages left as it is -> REPLY_TOO_LARGE, red.
test("an export takes smaller pages where records are large, and tells each once", async () => {
  const resource = backend.context.model.resources.get("workOrders");
  if (resource === undefined) throw new Error("the example has work orders");
  let told = 0;
  const text = exportText({
    context: backend.context,
    resource,
    query: { filters: [], fields: new Map([["", "id,description"]]) },
    actor: () => backend.authenticator.authenticate(`Bearer ${key}`),
    format: "ndjson",
    isForSpreadsheet: false,
    onProgress: (records) => {
      told = records;
    },
  });
  const seen = new Set<string>();
  for await (const part of text) {
    for (const line of part.split("\n")) if (line !== "") seen.add(line.slice(0, 50));
  }
  const [count] = await backend.owner.query<{ n: string }>(
    "select count(*)::text as n from work_orders",
  );
  expect(told).toBe(Number(count?.n));
  expect(seen.size).toBe(told);
});
