-- $1: claim tenantId
-- $2: input 0
select w."id", w."due_at", w."version", w."due_at"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."id" in (select f.id
from backwright."finder_9db01e33746cca3f"($2::text) f)
order by w."due_at" asc nulls first, w."id" asc nulls last
limit 26
