-- $1: claim tenantId
select w."id", w."due_at", w."version", w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid
order by w."id" desc nulls first
limit 26
