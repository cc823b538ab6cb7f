// Our own tables, in the schema `backwright`: keys, replies of idempotency keys, audit, events.
// Applied before the user's migrations. The runner replaces :app_role and :owner_role.
import { raiseTenantWall } from "../sql/row-security.ts";

const FIRST_UP = `
create table backwright.api_keys (
  id uuid primary key,
  tenant_id uuid not null,
  -- SHA-256 of the key: the key is 256 random bits, so a slow hash would add nothing.
  hash bytea not null unique,
  hint text not null,
  name text not null,
  role text not null,
  subject uuid not null,
  claims jsonb not null default '{}',
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
create index on backwright.api_keys (tenant_id, id);

create table backwright.idempotency (
  tenant_id uuid not null,
  scope text not null,
  key text not null,
  request_hash text not null,
  mask text not null,
  status smallint not null,
  record_id uuid not null,
  version integer,
  reply text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '24 hours',
  primary key (tenant_id, scope, key)
);
-- Rows come in the order of their end, so a summary per block finds those whose time is over.
create index on backwright.idempotency using brin (expires_at);

create table backwright.audit (
  position bigint generated always as identity primary key,
  tenant_id uuid not null,
  at timestamptz not null default now(),
  request_id text not null,
  actor uuid not null,
  credential uuid,
  role text not null,
  operation text not null,
  resource text not null,
  record_id uuid not null,
  before json,
  after json
);
-- Ids are made in time order, so new entries go to the index's end.
create index on backwright.audit (record_id, position);

create table backwright.events (
  -- Taken after the row's lock, so that positions of one key follow its versions.
  position bigint generated always as identity primary key,
  id uuid not null,
  tenant_id uuid not null,
  type text not null,
  key uuid not null,
  sequence integer not null,
  fields text[] not null,
  record json not null,
  actor uuid not null,
  request_id text not null,
  at timestamptz not null default now(),
  sent_at timestamptz
);
create index on backwright.events (position) where sent_at is null;

${["api_keys", "idempotency", "audit", "events"]
  .flatMap((table) => raiseTenantWall({ schema: "backwright", table, column: "tenant_id" }))
  .join("\n")}

-- A key is looked up before its tenant is known, so the wall is passed by this definer alone.
create function backwright.find_api_key(wanted bytea)
  returns table (id uuid, tenant_id uuid, role text, subject uuid, claims jsonb)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
as $$
  select k.id, k.tenant_id, k.role, k.subject, k.claims
  from backwright.api_keys k
  where k.hash = wanted
    and k.revoked_at is null
    and (k.expires_at is null or k.expires_at > now())
$$;
revoke all on function backwright.find_api_key(bytea) from public;
grant execute on function backwright.find_api_key(bytea) to :app_role;

-- Undoes the statement that calls it.
create function backwright.refuse(reason text) returns boolean language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using errcode = 'BW001', message = reason;
end
$$;
revoke all on function backwright.refuse(text) from public;
grant execute on function backwright.refuse(text) to :app_role;

-- Removes replies whose time is over, all tenants' alike; they are never read again.
create function backwright.forget_replies(most integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from backwright.idempotency where ctid in (
      select ctid from backwright.idempotency where expires_at <= now() limit most
    ) returning 1
  )
  select count(*)::integer from gone
$$;
revoke all on function backwright.forget_replies(integer) from public;
grant execute on function backwright.forget_replies(integer) to :app_role;

grant select, insert, update on backwright.idempotency to :app_role;
-- Append-only to the application: what was written cannot be changed by it.
grant insert on backwright.audit, backwright.events to :app_role;
-- A serving process says that it is not ready while migrations are pending.
grant select on backwright.migrations to :app_role;
`;

const FIRST_DOWN = `
drop function backwright.forget_replies(integer);
drop function backwright.refuse(text);
drop function backwright.find_api_key(bytea);
drop table backwright.events, backwright.audit, backwright.idempotency, backwright.api_keys;
`;

export const SYSTEM_MIGRATIONS: readonly { name: string; up: string; down: string }[] = [
  { name: "0001-keys-replies-audit-events", up: FIRST_UP, down: FIRST_DOWN },
];
