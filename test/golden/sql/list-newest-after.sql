-- $1: claim tenantId
-- $2: input 1
select w."id", w."due_at", w."version", w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."id" < $2::uuid
order by w."id" desc nulls first
limit 26
