-- $1: claim tenantId
-- $2: claim id
-- $3: input 0
select (select row_to_json(r)
from (select w."id" as "id", w."title" as "title", w."description" as "description", w."status" as "status", w."priority" as "priority", w."site_id" as "siteId", w."asset_id" as "assetId", w."category_id" as "categoryId", w."requester_id" as "requesterId", to_char(w."reported_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "reportedAt", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt", to_char(w."closed_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "closedAt", to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt", w."version" as "version") r)::text, w."version"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."requester_id" = $2::uuid and w."id" = $3::uuid
