-- $1: claim tenantId
-- $2: input 0
select (select row_to_json(r)
from (select w."id" as "id", w."external_id" as "externalId", w."title" as "title", w."description" as "description", w."status" as "status", w."priority" as "priority", w."site_id" as "siteId", w."asset_id" as "assetId", w."category_id" as "categoryId", w."team_id" as "teamId", w."assignee_id" as "assigneeId", w."requester_id" as "requesterId", w."internal_notes" as "internalNotes", to_char(w."reported_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "reportedAt", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt", to_char(w."closed_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "closedAt", to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt", w."version" as "version") r)::text, w."version"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."id" = $2::uuid
