// What is asked: the scenarios as lists of requests over the data set. Chosen by a fixed
// seed, so that two runs over the same data ask the same.
import { openSession } from "../../src/database/session.ts";
import type { PreparedRequest } from "../load/requests.ts";
import type { BenchDatabase, Organization } from "./database.ts";

export const SCENARIOS = ["a", "b", "d", "e", "c"] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  readonly requests: readonly PreparedRequest[];
  /** Asked of the product alone: compared with another scenario. */
  readonly isOwn?: true;
}

const REQUESTS = 4_096;
const INCLUDE = "include=asset,assignee";
const TO_MANY = "&include=workOrders&page[workOrders][size]=20&fields[workOrders]=id,title,status";

export async function prepareScenarios(
  database: BenchDatabase,
  organizations: readonly Organization[],
): Promise<readonly Scenario[]> {
  const session = await openSession(database.adminUrl);
  try {
    await session.query("select setseed(0.31)");
    const query = <T>(text: string): Promise<T[]> => session.query<T>(text, [REQUESTS]);
    const headers = new Map(organizations.map((one) => [one.id, headersOf(one)]));
    const of = (organization: string) => headers.get(organization) ?? {};
    const get = await query<{ organization: string; id: string }>(SOME_ORDERS);
    const list = await query<{ organization: string; bound: string }>(SOME_BOUNDS);
    const assets = await query<{ organization: string; name: string }>(SOME_ASSETS);
    const assetLists = (rest: string): PreparedRequest[] =>
      assets.map(({ organization, name }) => ({
        method: "GET",
        path: `/v1/assets?filter[name][gte]=${encodeURIComponent(name)}&sort=name${rest}`,
        headers: of(organization),
      }));
    const create = await query<NewOrder>(SOME_NEW_ORDERS);
    return [
      {
        name: "a",
        title: "get one with two relations",
        requests: get.map(({ organization, id }) => ({
          method: "GET",
          path: `/v1/work-orders/${id}?${INCLUDE}`,
          headers: of(organization),
        })),
      },
      {
        name: "b",
        title: "list of 25: two filters, sorted, two relations",
        requests: list.map(({ organization, bound }) => ({
          method: "GET",
          path:
            `/v1/work-orders?filter[status]=open&filter[dueAt][lt]=${bound}` +
            `&sort=-dueAt&${INCLUDE}`,
          headers: of(organization),
        })),
      },
      { name: "d", title: "list of 25 assets", requests: assetLists(""), isOwn: true },
      {
        name: "e",
        title: "the same list, each asset with 20 work orders of three fields",
        requests: assetLists(TO_MANY),
        isOwn: true,
      },
      {
        name: "c",
        title: "create",
        requests: create.map(({ organization, ...order }) => ({
          method: "POST",
          path: "/v1/work-orders",
          headers: of(organization),
          body: JSON.stringify(order),
        })),
      },
    ];
  } finally {
    await session.close();
  }
}

// Everybody is sent both; who checks no keys is told the organization.
function headersOf({ id, key }: Organization): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${key}`, "x-organization-id": id };
}

interface NewOrder {
  readonly organization: string;
  readonly title: string;
  readonly description: string;
  readonly siteId: string;
  readonly assetId: string;
  readonly requesterId: string;
  readonly priority: string;
  readonly dueAt: string;
}

const SOME_ORDERS = `
  select organization_id as organization, id from work_orders order by random() limit $1`;

// Bounds that leave a full page and one row more below them, spread over the whole range.
const SOME_BOUNDS = `
  select organization_id as organization,
    to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as bound
  from (
    select *, row_number() over (partition by organization_id order by due_at) as place
    from work_orders where status = 'open' and due_at is not null
  ) open where place > 100 order by random() limit $1`;

// Names that leave a full page at and after them.
const SOME_ASSETS = `
  select organization_id as organization, name
  from (
    select *, row_number() over (partition by organization_id order by name desc) as place
    from assets
  ) a where place > 30 order by random() limit $1`;

const SOME_NEW_ORDERS = `
  select organization_id as organization, title, description, site_id as "siteId",
    asset_id as "assetId", requester_id as "requesterId", priority,
    to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "dueAt"
  from work_orders where asset_id is not null and due_at is not null and description is not null
  order by random() limit $1`;
