-- $1: input 8
-- $2: claim tenantId
-- $3: input 7
-- $4: claim id
-- $5: claim teamIds
-- $6: input 2
-- $7: input 3
-- $8: input 4
-- $9: input 0
-- $10: claim credential
-- $11: input 1
-- $12: input 5
-- $13: input 6
with gate as materialized (select pg_try_advisory_xact_lock($6::bigint) as open),
prior as materialized (select request_hash, mask, record_id, reply, version, status
from backwright.idempotency
where tenant_id = $2::uuid and scope = $7::text and key = $8::text and expires_at > now()),
written as (update "public"."work_orders" w set "description" = $1::text, "version" = w."version" + 1, "updated_at" = now()
from gate
where w."organization_id" = $2::uuid and w."id" = $3::uuid and (w."assignee_id" = $4::uuid or w."team_id" = any($5::uuid[])) and w."assignee_id" = $4::uuid and gate.open and not exists (select
from prior)
returning w.*, (select row_to_json(r)
from (select old."description" as "description") r) as backwright_before),
n as (select w."id" as id, w."version" as version, whole.record as record, case when (w."assignee_id" = $4::uuid or w."team_id" = any($5::uuid[])) then whole.record else (select row_to_json(r)
from (select w."id" as "id") r) end as reply, w.backwright_before as before, (select row_to_json(r)
from (select w."description" as "description") r) as after
from written w
cross join lateral (select (select row_to_json(r)
from (select w."id" as "id", w."number" as "number", w."external_id" as "externalId", w."title" as "title", w."description" as "description", w."status" as "status", w."priority" as "priority", w."site_id" as "siteId", w."location" as "location", w."asset_id" as "assetId", w."category_id" as "categoryId", w."skill_id" as "skillId", w."team_id" as "teamId", w."assignee_id" as "assigneeId", w."requester_id" as "requesterId", w."internal_notes" as "internalNotes", w."reason" as "reason", case when w."reported_at" >= '0001-01-01+00' and w."reported_at" < '10000-01-01+00' then to_char(w."reported_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."reported_at"::text end as "reportedAt", case when w."due_at" >= '0001-01-01+00' and w."due_at" < '10000-01-01+00' then to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."due_at"::text end as "dueAt", case when w."held_at" >= '0001-01-01+00' and w."held_at" < '10000-01-01+00' then to_char(w."held_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."held_at"::text end as "heldAt", case when w."closed_at" >= '0001-01-01+00' and w."closed_at" < '10000-01-01+00' then to_char(w."closed_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."closed_at"::text end as "closedAt", case when w."created_at" >= '0001-01-01+00' and w."created_at" < '10000-01-01+00' then to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."created_at"::text end as "createdAt", case when w."updated_at" >= '0001-01-01+00' and w."updated_at" < '10000-01-01+00' then to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."updated_at"::text end as "updatedAt", w."version" as "version") r) as record offset 0) whole),
audited as (insert into backwright.audit (tenant_id, request_id, actor, credential, role, operation, resource, record_id, before, after)
select $2::uuid, $9::text, $4::uuid, $10::uuid, 'technician', 'updated', 'workOrders', n.id, n.before, n.after
from n),
emitted as (insert into backwright.events (id, tenant_id, type, key, sequence, fields, record, actor, request_id)
select $11::uuid, $2::uuid, 'workOrders.updated', n.id, coalesce(n.version, 0), array['description']::text[], n.record, $4::uuid, $9::text
from n),
claimed as (insert into backwright.idempotency as i (tenant_id, scope, key, request_hash, mask, status, record_id, version, reply)
select $2::uuid, $7::text, $8::text, $12::text, $13::text, 200, n.id, n.version, coalesce(n.reply::text, '')
from n on conflict (tenant_id, scope, key) do
update set request_hash = excluded.request_hash, mask = excluded.mask, status = excluded.status, record_id = excluded.record_id, version = excluded.version, reply = excluded.reply, created_at = now(), expires_at = default
where i.expires_at <= now()
returning 1)
select n.id::text, n.version::text, n.reply::text, gate.open::text, prior.request_hash, prior.mask, prior.record_id::text, prior.reply, prior.version::text, prior.status::text, case when n.id is not null and not exists (select
from claimed) then backwright.refuse('idempotency race') end
from (select) as one
left join n on true
left join gate on true
left join prior on true
