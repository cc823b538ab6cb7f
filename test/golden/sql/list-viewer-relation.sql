-- $1: claim tenantId
select w."version"::text, w."id", w."due_at", w."due_at"::text, w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and exists (select
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id" and w_site."is_public" = 'true'::boolean)
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26
