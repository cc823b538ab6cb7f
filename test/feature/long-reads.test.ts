// Which lists run beside the short reads of everybody, and which have a connection to themselves:
// a statement that may read a whole table stands in nobody's way.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "../../src/access/actor.ts";
import { newId } from "../../src/base/ids.ts";
import { listRecords } from "../../src/operations/read.ts";
import { parseListQuery } from "../../src/rest/query.ts";
import { type Run, requestOf, withRun } from "../sql/captured.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let actor: Actor;
beforeAll(async () => {
  backend = await startTestBackend("long_reads");
  const id = newId();
  const who = { tenantId: newId(), role: "manager", id, credential: id };
  actor = await backend.authenticator.actorFor(who);
});
afterAll(() => backend?.close());

/** Where the statement of a page runs. */
async function placeOf(query: string): Promise<readonly string[]> {
  const places: string[] = [];
  const noting =
    (place: string): Run =>
    async () => {
      places.push(place);
      return [];
    };
  const { context } = backend;
  const resource = context.model.resources.get("workOrders");
  if (resource === undefined) throw new Error("the example has work orders");
  const database = withRun(context.database, { read: noting("shared"), write: noting("alone") });
  const asked = parseListQuery(new URLSearchParams(query).toString());
  await listRecords({ ...context, database }, requestOf(actor), resource, asked);
  return places;
}

const FROM_START = "filter[id][gte]=00000000-0000-0000-0000-000000000000&sort=-id";
const ID = "00000000-0000-0000-0000-000000000001";

describe("a list", () => {
  test.each([
    ["without filters", ""],
    ["in the order of an index", "filter[status]=open&sort=dueAt"],
    ["of a range of the order", FROM_START],
    ["of several values", "filter[status][in]=open,done&sort=dueAt"],
    ["without one value of the order", "filter[dueAt][ne]=2026-01-01T00:00:00Z&sort=dueAt"],
    ["of alternatives", `filter[or][0][status]=open&filter[or][1][siteId]=${ID}`],
    ["of one record, whatever is tested on it", `filter[id]=${ID}&filter[title][like]=a%`],
  ])("%s that reads its page alone shares a connection", async (_what, query) => {
    expect(await placeOf(query)).toEqual(["shared"]);
  });

  // Planted: finders alone taken for long, as it was -> every one but the last red.
  test.each([
    ["by a part of a value", `${FROM_START}&filter[description][like]=%z%`],
    ["by a related record", `${FROM_START}&filter[site.name]=Nowhere`],
    ["by what is not so", `${FROM_START}&filter[not][site.name]=Nowhere`],
    ["by what its index does not hold", `filter[status]=open&filter[siteId]=${ID}&sort=-id`],
    [
      "by two exclusions from its order",
      "filter[dueAt][ne]=2026-01-01T00:00:00Z&filter[dueAt][nin]=2026-01-02T00:00:00Z&sort=dueAt",
    ],
    [
      "in one of its alternatives",
      "filter[or][0][status]=open&filter[or][1][status]=done&filter[or][1][site.name]=x",
    ],
    ["by the words of q", "q=leak"],
  ])("%s that tests row after row has one to itself", async (_what, query) => {
    expect(await placeOf(query)).toEqual(["alone"]);
  });
});
