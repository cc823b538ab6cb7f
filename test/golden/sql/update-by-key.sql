-- $1: input 4
-- $2: claim tenantId
-- $3: input 2
-- $4: input 3
-- $5: input 0
-- $6: claim id
-- $7: claim credential
-- $8: input 1
with written as (update "public"."work_orders" w set "title" = $1::text, "version" = w."version" + 1, "updated_at" = now()
where w."organization_id" = $2::uuid and w."id" = $3::uuid and w."external_id" = $4::text
returning w.*, (select row_to_json(r)
from (select old."title" as "title") r) as backwright_before),
n as (select w."id" as id, w."version" as version, whole.record as record, whole.record as reply, w.backwright_before as before, (select row_to_json(r)
from (select w."title" as "title") r) as after
from written w
cross join lateral (select (select row_to_json(r)
from (select w."id" as "id", w."number" as "number", w."external_id" as "externalId", w."title" as "title", w."description" as "description", w."status" as "status", w."priority" as "priority", w."site_id" as "siteId", w."location" as "location", w."asset_id" as "assetId", w."category_id" as "categoryId", w."skill_id" as "skillId", w."team_id" as "teamId", w."assignee_id" as "assigneeId", w."requester_id" as "requesterId", w."internal_notes" as "internalNotes", w."reason" as "reason", case when w."reported_at" >= '0001-01-01+00' and w."reported_at" < '10000-01-01+00' then to_char(w."reported_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."reported_at"::text end as "reportedAt", case when w."due_at" >= '0001-01-01+00' and w."due_at" < '10000-01-01+00' then to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."due_at"::text end as "dueAt", case when w."held_at" >= '0001-01-01+00' and w."held_at" < '10000-01-01+00' then to_char(w."held_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."held_at"::text end as "heldAt", case when w."closed_at" >= '0001-01-01+00' and w."closed_at" < '10000-01-01+00' then to_char(w."closed_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."closed_at"::text end as "closedAt", case when w."created_at" >= '0001-01-01+00' and w."created_at" < '10000-01-01+00' then to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."created_at"::text end as "createdAt", case when w."updated_at" >= '0001-01-01+00' and w."updated_at" < '10000-01-01+00' then to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."updated_at"::text end as "updatedAt", w."version" as "version") r) as record offset 0) whole),
audited as (insert into backwright.audit (tenant_id, request_id, actor, credential, role, operation, resource, record_id, before, after)
select $2::uuid, $5::text, $6::uuid, $7::uuid, 'manager', 'updated', 'workOrders', n.id, n.before, n.after
from n),
emitted as (insert into backwright.events (id, tenant_id, type, key, sequence, fields, record, actor, request_id)
select $8::uuid, $2::uuid, 'workOrders.updated', n.id, coalesce(n.version, 0), array['title']::text[], n.record, $6::uuid, $5::text
from n)
select n.id::text, n.version::text, n.reply::text
from (select) as one
left join n on true
