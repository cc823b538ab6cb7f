// Groups of conditions in the question of an aggregate: alternatives in one condition, because
// every row is read in any case.
//
// Planted fault: the alternatives joined by and -> nothing is counted, red.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let admin: Person;
beforeAll(async () => {
  const directory = join(import.meta.dirname, "../fixtures/costs");
  backend = await startTestBackend("aggregate_groups", { directory });
  admin = await backend.person(await backend.tenant("Acme"), "admin", newId());
  await backend.owner.query(
    `insert into costs (organization_id, id, title, stage, hours)
     select $1, gen_random_uuid(), 'x', (array['planned', 'spent', 'paid'])[n % 3 + 1],
       nullif(n % 4, 0) from generate_series(1, 30) n`,
    [admin.tenantId],
  );
});
afterAll(() => backend?.close());

test.each([
  ["filter[or][0][stage]=planned&filter[or][1][stage]=spent", 20],
  ["filter[or][0][stage]=planned&filter[or][1][stage][in]=planned,spent", 20],
  ["filter[not][stage]=paid", 20],
  ["filter[or][0][stage]=planned&filter[or][1][stage]=spent&filter[not][stage]=spent", 10],
  // A null satisfies neither a test nor its negation.
  ["filter[not][hours]=1&filter[hours][isNull]=false", 15],
  ["filter[not][hours]=1", 15],
])("%s counts %i rows, each once", async (query, count) => {
  const path = `/v1/costs/aggregate?count=true&${query}`;
  const { json, text } = await backend.request(path, { key: admin.key });
  expect(json.data, text).toEqual([{ group: {}, count }]);
});

test("a page of an included relation is no part of it", async () => {
  const path = "/v1/costs/aggregate?count=true&page[place][size]=3";
  const { status, text } = await backend.request(path, { key: admin.key });
  expect(status, text).toBe(400);
  expect(text).toContain("page[place][size]");
});
