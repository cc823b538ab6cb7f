-- $1: claim tenantId
-- $2: input 0
select w."id", w."version", t1."c0", t1."c1", t1."c2"
from "public"."work_orders" w
left join lateral (select t1."id" as "c0", t1."name" as "c1", t1."version" as "c2"
from "public"."sites" t1
where t1."organization_id" = $1::uuid and t1."id" = w."site_id" and t1."is_public" = 'true'::boolean
limit 1) t1 on true
where w."organization_id" = $1::uuid and exists (select
from "public"."sites" t2
where t2."organization_id" = $1::uuid and t2."id" = w."site_id" and t2."is_public" = 'true'::boolean) and w."id" = $2::uuid
