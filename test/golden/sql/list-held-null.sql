-- $1: claim tenantId
select w."id", w."due_at", w."version", w."due_at"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."assignee_id" is null
order by w."assignee_id" desc nulls first, w."due_at" asc nulls first, w."id" asc nulls first
limit 26
