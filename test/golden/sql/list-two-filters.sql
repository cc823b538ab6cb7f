-- $1: claim tenantId
-- $2: input 0
-- $3: input 1
select w."id", w."due_at", w."version", w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."status" = $2::text and w."team_id" = $3::uuid
order by w."id" desc nulls first
limit 101
