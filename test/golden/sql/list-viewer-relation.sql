-- $1: claim tenantId
select w."id", w."due_at", w."version", w."due_at"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and exists (select
from "public"."sites" t1
where t1."organization_id" = $1::uuid and t1."id" = w."site_id" and t1."is_public" = 'true'::boolean)
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26
