-- $1: claim tenantId
-- $2: input 1
select (select row_to_json(r)
from (select w."id" as "id", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt") r)::text, w."due_at"::text, w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" is null and w."id" < $2::uuid
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26
