-- $1: claim tenantId
-- $2: input 1
-- $3: input 0
select w."id", w."due_at", w."version", w."due_at"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and (w."due_at", w."id") > ($3::timestamptz, $2::uuid)
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26
