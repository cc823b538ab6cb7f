-- $1: claim tenantId
select w."id", w."due_at", w."version", w."due_at"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26
