-- $1: claim tenantId
-- $2: input 0
select (select row_to_json(r)
from (select w."id" as "id", (select row_to_json(i)
from (select w_site."id" as "id", w_site."name" as "name"
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id" and w_site."is_public" = 'true'::boolean) i) as "site") r)::text, w."version"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and exists (select
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id" and w_site."is_public" = 'true'::boolean) and w."id" = $2::uuid
