-- $1: claim tenantId
-- $2: input 0
-- $3: input 1
select w."id", w."due_at", w."version", w."due_at"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."status" = $2::text and w."title" like $3::text
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26
