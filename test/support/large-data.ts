// A large data set of the work-orders example, made inside PostgreSQL by its owner: organizations
// of unequal size, a state that is one row in a thousand, many NULLs, ties on instants.
import type { Session } from "../../src/database/session.ts";

export interface LargeDataOptions {
  readonly organizations: number;
  readonly workOrders: number;
  /** Rows of each smaller table (sites, teams, categories, users, assets) per organization. */
  readonly places: number;
}

export interface LargeData {
  /** Largest first. */
  readonly organizations: readonly string[];
}

export const LARGE: LargeDataOptions = { organizations: 20, workOrders: 200_000, places: 400 };

/** The state that one work order in a thousand has. */
export const RARE_STATUS = "on_hold";
/** The instant at which one work order in twenty is due. */
export const TIED_INSTANT = "2026-06-01T08:00:00.000001Z";

/**
 * Fills an empty database and gathers statistics. Deterministic: equal options, equal rows.
 * `admin` is a superuser's session: it neither checks foreign keys nor meets walls, which would
 * take four times as long. Indexes are built after the rows, as after a restore.
 */
export async function loadLargeData(
  admin: Session,
  { organizations, workOrders, places }: LargeDataOptions = LARGE,
): Promise<LargeData> {
  await admin.query("set session_replication_role = replica");
  await admin.query(ORGANIZATIONS, [organizations]);
  for (const text of SMALL_TABLES) await admin.query(text, [organizations, places]);
  await admin.query(REPLIES, [organizations]);
  const indexes = await admin.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
     from pg_index where indrelid = 'work_orders'::regclass and not indisunique`,
  );
  for (const { name } of indexes) await admin.query(`drop index ${name}`);
  await admin.query(WORK_ORDERS, [organizations, places, workOrders]);
  for (const { definition } of indexes) await admin.query(definition);
  await admin.query("analyze");
  await admin.query("reset session_replication_role");
  const rows = await admin.query<{ id: string }>(
    "select organization_id::text as id from work_orders group by 1 order by count(*) desc",
  );
  return { organizations: rows.map(({ id }) => id) };
}

// Ids have the form and the order of version 7, so that rows lie in the index as real ones do.
// Written out at each place: a call of an SQL function costs more than the row.
const madeId = (kind: number, n: string): string =>
  `(lpad(to_hex(1767225600000 + (${n}) * 1000::bigint), 12, '0') || '70008000' ||
    lpad(to_hex((${n}) * 16::bigint + ${kind}), 12, '0'))::uuid`;
/** A fraction from 0 to 1 that looks random and always is the same. */
const fraction = (seed: number): string =>
  `((hashint4extended(n, ${seed}) & 1073741823) / 1073741824.0::float8)`;

const KINDS = { site: 1, category: 2, team: 3, user: 4, asset: 5, skill: 7 };
const organization = madeId(0, "o");
const place = (kind: keyof typeof KINDS, p = "p"): string =>
  madeId(KINDS[kind], `o * $2::int + ${p}`);
const PLACES = "generate_series(0, $1::int - 1) o, generate_series(0, $2::int - 1) p";

const ORGANIZATIONS = `insert into organizations (id, name)
  select ${organization}, 'Organization ' || o from generate_series(0, $1::int - 1) o`;

const SMALL_TABLES = [
  `insert into sites (organization_id, id, name, is_public, latitude, longitude)
   select ${organization}, ${place("site")}, 'site ' || p, p % 2 = 0, p % 90, p % 180
   from ${PLACES}`,
  `insert into skills (organization_id, id, name)
   select ${organization}, ${place("skill")}, 'skill ' || p from ${PLACES}`,
  `insert into categories (organization_id, id, name)
   select ${organization}, ${place("category")}, 'category ' || p from ${PLACES}`,
  `insert into teams (organization_id, id, name)
   select ${organization}, ${place("team")}, 'team ' || p from ${PLACES}`,
  `insert into users (organization_id, id, name, email)
   select ${organization}, ${place("user")}, 'user ' || p % 97, p || '@example.org'
   from ${PLACES}`,
  `insert into assets (organization_id, id, site_id, parent_id, name)
   select ${organization}, ${place("asset")}, ${place("site", "p % 37")},
     case when p % 5 > 0 then ${place("asset", "p - p % 5")} end, 'asset ' || p % 61
   from ${PLACES}`,
];

const REPLIES = `
insert into backwright.idempotency
  (tenant_id, scope, key, request_hash, mask, status, record_id, version, reply)
select ${organization}, 'rest/v1 workOrders.create', n::text, 'hash', 'mask', 201,
  ${madeId(6, "n")}, 1, '{}'
from generate_series(0, $1::int - 1) o, generate_series(1, 500) n`;

// Squaring makes the first organization nine times as large as the last, and a few places busy.
const WORK_ORDERS = `
insert into work_orders (organization_id, id, external_id, title, status, priority, site_id,
  asset_id, category_id, skill_id, team_id, assignee_id, requester_id, location, reason, due_at,
  held_at, closed_at, reported_at)
select ${organization}, ${madeId(6, "n")},
  case when n % 2 = 0 then 'ext-' || n end, 'Work order ' || n,
  case when n % 1000 = 7 then '${RARE_STATUS}' when kind < 0.6 then 'done'
    when kind < 0.8 then 'open' when kind < 0.9 then 'assigned'
    when kind < 0.97 then 'in_progress' else 'cancelled' end,
  (array['low', 'normal', 'high', 'urgent'])[1 + n % 4],
  ${place("site", "busy")},
  case when n % 2 = 0 then ${place("asset", "busy")} end,
  case when n % 10 > 0 then ${place("category", "busy")} end,
  case when n % 3 = 0 then ${place("skill", "busy")} end,
  case when n % 5 > 0 then ${place("team", "busy")} end,
  case when n % 5 > 1 then ${place("user", "busy")} end,
  ${place("user", "busy")}, 'Room ' || n % 50, case when n % 9 = 0 then 'Waits' end,
  case when n % 10 < 3 then null when n % 20 = 19 then timestamptz '${TIED_INSTANT}'
    else timestamptz '2026-01-01Z' + ${fraction(1)} * interval '400 days' end,
  case when n % 1000 = 7 then timestamptz '2026-03-01Z' + n * interval '1 second' end,
  case when kind < 0.6 then timestamptz '2026-02-01Z' + n * interval '1 second' end,
  timestamptz '2026-01-01Z' + n * interval '1 second'
from (
  select n, floor($1::int * power(${fraction(2)}, 2))::int as o,
    floor($2::int * power(${fraction(3)}, 2))::int as busy, ${fraction(4)} as kind
  from generate_series(0, $3::int - 1) n offset 0
) numbered`;
