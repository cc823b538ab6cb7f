-- $1: claim tenantId
-- $2: input 1
select w."id", w."due_at", w."version", w."due_at"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" is null and w."id" < $2::uuid
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26
