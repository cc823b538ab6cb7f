// The data that every contestant serves: 200,000 work orders of 20 organizations, with what they
// refer to and the history that so many writes leave behind. SQL only; run by the owner.

export const ORGANIZATIONS = 20;
export const WORK_ORDERS = 200_000;

const SITES = 20;
const ASSETS = 500;
const USERS = 60;
const CATEGORIES = 12;
const TEAMS = 6;
/** Entries of audit and outbox; more would only make the copy of each run take longer. */
const HISTORY = 50_000;
const STORED_REPLIES = 20_000;

/** One text for each step, in order, for one transaction. Always the same shares and lengths. */
export const DATA_SET: readonly string[] = [
  "select setseed(0.42)",
  `insert into organizations (id, name)
   select uuidv7(), 'Organization ' || n from generate_series(1, ${ORGANIZATIONS}) n`,
  `create temp table orgs on commit drop as
   select id, row_number() over (order by id)::int as org from organizations`,
  `insert into sites (organization_id, id, name, address, is_public)
   select o.id, uuidv7(), 'Site ' || n, n || ' Harbour Road, Building ' || n % 7, n % 4 = 0
   from orgs o, generate_series(1, ${SITES}) n`,
  `insert into categories (organization_id, id, name)
   select o.id, uuidv7(), 'Category ' || n from orgs o, generate_series(1, ${CATEGORIES}) n`,
  `insert into teams (organization_id, id, name)
   select o.id, uuidv7(), 'Team ' || n from orgs o, generate_series(1, ${TEAMS}) n`,
  `insert into users (organization_id, id, name, email, phone)
   select o.id, uuidv7(), 'Person Number ' || n, 'person' || n || '@example.org',
     case when n % 3 > 0 then '+351 21 555 ' || lpad(n::text, 4, '0') end
   from orgs o, generate_series(1, ${USERS}) n`,
  numbered("sites"),
  numbered("categories"),
  numbered("teams"),
  numbered("users"),
  `insert into team_members (organization_id, team_id, user_id)
   select u.organization_id, t.id, u.id from nth_users u
   join nth_teams t on t.organization_id = u.organization_id and t.n = u.n % ${TEAMS}`,
  `insert into assets (organization_id, id, site_id, name, serial_number)
   select s.organization_id, uuidv7(), s.id, 'Pump station ' || at,
     case when at % 5 > 0 then 'SN-' || at * 7919 end
   from generate_series(1, ${ASSETS}) at join nth_sites s on s.n = at % ${SITES}`,
  numbered("assets"),
  // One row of the counter for each organization, instead of 200,000 updates in one transaction.
  "alter table work_orders disable trigger work_orders_number",
  workOrders(),
  "alter table work_orders enable trigger work_orders_number",
  `insert into work_order_counters (organization_id, last)
   select organization_id, max(number) from work_orders group by organization_id`,
  `insert into backwright.audit (tenant_id, at, request_id, actor, role, operation, resource,
     record_id, after)
   select organization_id, created_at, 'seed', requester_id, 'manager', 'created', 'workOrders',
     id, row_to_json(w) from work_orders w order by id desc limit ${HISTORY}`,
  `insert into backwright.events (id, tenant_id, type, key, sequence, fields, record, actor,
     request_id, at, sent_at)
   select uuidv7(), organization_id, 'workOrders.created', id, 1,
     array['id', 'title', 'status', 'priority'], row_to_json(w), requester_id, 'seed', created_at,
     created_at from work_orders w order by id desc limit ${HISTORY}`,
  `insert into backwright.idempotency (tenant_id, scope, key, request_hash, mask, status,
     record_id, version, reply)
   select organization_id, 'rest/v1 ' || requester_id || ' workOrders.create',
     gen_random_uuid()::text, md5(id::text), md5('mask'), 201, id, 1, row_to_json(w)::text
   from work_orders w limit ${STORED_REPLIES}`,
];

/** A temporary table that finds a row by its number in the organization, from 0. */
function numbered(table: string): string {
  return `create temp table nth_${table} on commit drop as select t.*,
    (row_number() over (partition by organization_id order by id) - 1)::int as n from ${table} t`;
}

/** Statuses and priorities in the shares of a system in use; 1 in 10 has no due date. */
function workOrders(): string {
  const [titles, words] = [
    "{Leak under the,Noise from,No power at,Inspection of,Filter change at,Door stuck near}",
    "{pressure,valve,before,morning,reported,again,corridor,checked,seal,alarm,north,pump}",
  ].map((list) => `'${list}'::text[]`);
  const sentence = `(select string_agg((${words})[1 + (random() * 11)::int], ' ')
    from generate_series(1, 8 + (random() * 30)::int + d.nth % 2))`;
  return `
    insert into work_orders (organization_id, id, number, external_id, title, description, status,
      priority, site_id, asset_id, category_id, team_id, assignee_id, requester_id, internal_notes,
      reported_at, due_at, closed_at, created_at, updated_at, version)
    select o.id, uuidv7(d.reported - now()), 1 + d.nth,
      case when d.nth % 5 = 0 then 'EXT-' || d.nth end,
      (${titles})[1 + d.nth % 6] || ' unit ' || d.nth,
      case when d.nth % 10 > 0 then ${sentence} end,
      d.status,
      case when d.p < 0.15 then 'low' when d.p < 0.75 then 'normal' when d.p < 0.93 then 'high'
        else 'urgent' end,
      coalesce(a.site_id, s.id), a.id, c.id, t.id, u.id, r.id,
      case when d.nth % 10 < 3 then ${sentence} end,
      d.reported, d.due,
      case when d.status in ('done', 'cancelled') then d.reported + interval '79.25 hours' end,
      d.reported, d.reported + d.s * interval '2 days', 1 + (d.s * 4)::int
    from (
      select org, nth, p, s, reported,
        case when s < 0.2 then 'open' when s < 0.3 then 'assigned' when s < 0.37 then 'in_progress'
          when s < 0.4 then 'on_hold' when s < 0.95 then 'done' else 'cancelled' end as status,
        case when nth % 10 <> 7 then date_trunc('hour', reported + q * interval '60 days') end due,
        (q * ${ASSETS - 1})::int as asset, (q * ${USERS - 1})::int as person
      from (
        select 1 + at % ${ORGANIZATIONS} as org, at / ${ORGANIZATIONS} as nth,
          random() as p, random() as s, random() as q,
          now() - interval '730 days' * (1 - at / ${WORK_ORDERS}::float8) as reported
        from generate_series(1, ${WORK_ORDERS}) at
      ) numbers
    ) d
    join orgs o on o.org = d.org
    join nth_sites s on s.organization_id = o.id and s.n = d.person % ${SITES}
    left join nth_assets a on a.organization_id = o.id and a.n = d.asset and d.p > 0.05
    left join nth_categories c on c.organization_id = o.id and c.n = d.asset % ${CATEGORIES}
    left join nth_teams t on t.organization_id = o.id and t.n = d.person % ${TEAMS}
    left join nth_users u on u.organization_id = o.id and u.n = d.person and d.p < 0.85
    join nth_users r on r.organization_id = o.id and r.n = (d.person + 17) % ${USERS}`;
}
