-- $1: claim tenantId
-- $2: input 0
select w."version"::text, w."id", w_site."c0", w_site."c1", w_site."c2", w_site."c3"
from "public"."work_orders" w
left join lateral (select w_site."id" as "c0", w_site."version"::text as "c1", w_site."id" as "c2", w_site."name" as "c3"
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id" and w_site."is_public" = 'true'::boolean
limit 1) w_site on true
where w."organization_id" = $1::uuid and exists (select
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id" and w_site."is_public" = 'true'::boolean) and w."id" = $2::uuid
