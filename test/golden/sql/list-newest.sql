-- $1: claim tenantId
select (select row_to_json(r)
from (select w."id" as "id", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt") r)::text, w."id"::text, w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid
order by w."id" desc nulls first
limit 26
