-- $1: input 4
-- $2: claim tenantId
-- $3: input 5
-- $4: input 6
-- $5: input 7
-- $6: input 2
-- $7: input 3
-- $8: input 0
-- $9: claim id
-- $10: claim credential
-- $11: input 1
with written as (insert into "public"."work_orders" as w ("id", "organization_id", "title", "site_id", "requester_id")
select $1::uuid, $2::uuid, $3::text, $4::uuid, $5::uuid
where exists (select
from "public"."sites" ref0
where ref0."organization_id" = $2::uuid and ref0."id" = $6::uuid) and exists (select
from "public"."users" ref1
where ref1."organization_id" = $2::uuid and ref1."id" = $7::uuid)
returning w.*),
n as (select w."id" as id, w."version" as version, (select row_to_json(r)
from (select w."id" as "id", w."external_id" as "externalId", w."title" as "title", w."description" as "description", w."status" as "status", w."priority" as "priority", w."site_id" as "siteId", w."asset_id" as "assetId", w."category_id" as "categoryId", w."team_id" as "teamId", w."assignee_id" as "assigneeId", w."requester_id" as "requesterId", w."internal_notes" as "internalNotes", to_char(w."reported_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "reportedAt", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt", to_char(w."closed_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "closedAt", to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt", w."version" as "version") r) as record, (select row_to_json(r)
from (select w."id" as "id", w."external_id" as "externalId", w."title" as "title", w."description" as "description", w."status" as "status", w."priority" as "priority", w."site_id" as "siteId", w."asset_id" as "assetId", w."category_id" as "categoryId", w."team_id" as "teamId", w."assignee_id" as "assigneeId", w."requester_id" as "requesterId", w."internal_notes" as "internalNotes", to_char(w."reported_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "reportedAt", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt", to_char(w."closed_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "closedAt", to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt", w."version" as "version") r) as reply, null::json as before, (select row_to_json(r)
from (select w."id" as "id", w."external_id" as "externalId", w."title" as "title", w."description" as "description", w."status" as "status", w."priority" as "priority", w."site_id" as "siteId", w."asset_id" as "assetId", w."category_id" as "categoryId", w."team_id" as "teamId", w."assignee_id" as "assigneeId", w."requester_id" as "requesterId", w."internal_notes" as "internalNotes", to_char(w."reported_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "reportedAt", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt", to_char(w."closed_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "closedAt", to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt", w."version" as "version") r) as after
from written w),
audited as (insert into backwright.audit (tenant_id, request_id, actor, credential, role, operation, resource, record_id, before, after)
select $2::uuid, $8::text, $9::uuid, $10::uuid, 'manager', 'created', 'workOrders', n.id, n.before, n.after
from n),
emitted as (insert into backwright.events (id, tenant_id, type, key, sequence, fields, record, actor, request_id)
select $11::uuid, $2::uuid, 'workOrders.created', n.id, coalesce(n.version, 0), array['id', 'externalId', 'title', 'description', 'status', 'priority', 'siteId', 'assetId', 'categoryId', 'teamId', 'assigneeId', 'requesterId', 'internalNotes', 'reportedAt', 'dueAt', 'closedAt', 'createdAt', 'updatedAt', 'version']::text[], n.record, $9::uuid, $8::text
from n)
select n.id::text, n.version::text, n.reply::text
from (select) as one
left join n on true
