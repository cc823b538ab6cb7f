// A tenant full of random work orders, and colleagues who keep writing to it through operations.

import { BackwrightError } from "../../src/base/errors.ts";
import { newId } from "../../src/base/ids.ts";
import type { Caller } from "../../src/operations/caller.ts";
import type { TestBackend } from "../support/backend.ts";
import type { Order } from "./order-oracle.ts";
import { INSTANTS, type OrderSpec, type Pools, STATUSES } from "./page-questions.ts";

export interface World {
  readonly tenantId: string;
  readonly managerId: string;
  readonly pools: Pools;
  /** As the owner reads them from the table. */
  readonly orders: readonly Order[];
}

const PLACES = ["siteId", "requesterId", "assetId", "categoryId", "teamId", "assigneeId"] as const;

/** Each place has two that are used and one that never is, to ask for what matches nothing. */
export async function makeWorld(backend: TestBackend, specs: readonly OrderSpec[]): Promise<World> {
  const tenantId = await backend.tenant("Walk");
  const ids = Object.fromEntries(PLACES.map((name) => [name, [newId(), newId(), newId()]]));
  const of = (name: (typeof PLACES)[number], at: number | null): string | null =>
    at === null ? null : (ids[name]?.[at] ?? null);
  const rows = specs.map((spec, at) => ({
    id: newId(),
    status: STATUSES[spec.status],
    site_id: of("siteId", spec.siteId),
    requester_id: of("requesterId", spec.requesterId),
    external_id: spec.externalId ? `ext-${at}` : null,
    asset_id: of("assetId", spec.assetId),
    category_id: of("categoryId", spec.categoryId),
    team_id: of("teamId", spec.teamId),
    assignee_id: of("assigneeId", spec.assigneeId),
    due_at: spec.dueAt === null ? null : INSTANTS[spec.dueAt],
  }));
  await backend.owner.query(FILL, [tenantId, JSON.stringify(ids), JSON.stringify(rows)]);
  const orders = await backend.owner.query<Order>(READ, [tenantId]);
  const values = (field: keyof Order): string[] =>
    orders.map((order) => order[field]).filter((value) => value !== null);
  const pools: Pools = {
    ...(ids as Record<(typeof PLACES)[number], string[]>),
    id: [...values("id"), newId()],
    externalId: [...values("externalId"), "nothing"],
    status: STATUSES,
    dueAt: INSTANTS,
  };
  return { tenantId, managerId: newId(), pools, orders };
}

const FILL = `
with places as (
  select $1::uuid as tenant, p.key, v.id::uuid as id
  from json_each($2::json) p, json_array_elements_text(p.value) v(id)
), s as (
  insert into sites (organization_id, id, name)
  select tenant, id, id::text from places where key = 'siteId'
), u as (
  insert into users (organization_id, id, name, email)
  select tenant, id, id::text, id::text from places where key in ('requesterId', 'assigneeId')
), c as (
  insert into categories (organization_id, id, name)
  select tenant, id, id::text from places where key = 'categoryId'
), t as (
  insert into teams (organization_id, id, name)
  select tenant, id, id::text from places where key = 'teamId'
), a as (
  insert into assets (organization_id, id, name, site_id)
  select tenant, id, id::text, (select id from places where key = 'siteId' limit 1)
  from places where key = 'assetId'
)
insert into work_orders (organization_id, id, title, status, site_id, requester_id, external_id,
  asset_id, category_id, team_id, assignee_id, due_at)
select $1::uuid, id, 'Walked', status, site_id, requester_id, external_id, asset_id, category_id,
  team_id, assignee_id, due_at
from json_to_recordset($3::json) as w(id uuid, status text, site_id uuid, requester_id uuid,
  external_id text, asset_id uuid, category_id uuid, team_id uuid, assignee_id uuid,
  due_at timestamptz)`;

const READ = `
select id::text, status, site_id::text as "siteId", requester_id::text as "requesterId",
  external_id as "externalId", asset_id::text as "assetId", category_id::text as "categoryId",
  team_id::text as "teamId", assignee_id::text as "assigneeId",
  to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt"
from work_orders where organization_id = $1`;

export interface Disturbance {
  readonly insert: OrderSpec;
  /** Which row to touch. */
  readonly at: number;
}

/**
 * One round of what colleagues do: a new row, a change that no list sees, and one that moves a
 * row that the walk makes no promise about.
 */
export async function disturb(
  caller: Caller,
  world: World,
  restless: readonly Order[],
  { insert, at }: Disturbance,
): Promise<void> {
  const { pools, orders } = world;
  const of = (field: keyof Pools, place: number | null): string | null =>
    place === null ? null : (pools[field][place] ?? null);
  const created = caller.create("workOrders", {
    title: "New",
    status: STATUSES[insert.status],
    siteId: of("siteId", insert.siteId),
    requesterId: of("requesterId", insert.requesterId),
    assetId: of("assetId", insert.assetId),
    teamId: of("teamId", insert.teamId),
    categoryId: of("categoryId", insert.categoryId),
    assigneeId: of("assigneeId", insert.assigneeId),
    dueAt: of("dueAt", insert.dueAt),
  });
  const touched = orders[at % Math.max(1, orders.length)];
  const moved = restless[at % Math.max(1, restless.length)];
  await Promise.all([
    created,
    touched && caller.update("workOrders", touched.id, { title: `Touched ${at}` }),
    moved &&
      caller
        .update("workOrders", moved.id, {
          dueAt: of("dueAt", insert.dueAt),
          teamId: of("teamId", insert.teamId),
          status: STATUSES[insert.status],
        })
        .catch(allowRefusedMove),
  ]);
}

function allowRefusedMove(error: unknown): void {
  if (!(error instanceof BackwrightError) || error.code !== "INVALID_TRANSITION") throw error;
}
