-- $1: claim tenantId
-- $2: input 0
select w."version"::text, w."id", w."title", w_site."c0", w_site."c1", w_site."c2", w_site."c3", w_site."c4", w_site."c5", w_site."c6", w_site."c7", w_site."c8", w_site."c9", w_site."c10", w_assignee."c0", w_assignee."c1", w_assignee."c2", w_assignee."c3", w_assignee."c4", w_assignee."c5", w_assignee."c6", w_assignee."c7", w_assignee."c8"
from "public"."work_orders" w
left join lateral (select w_site."id" as "c0", w_site."version"::text as "c1", w_site."id" as "c2", w_site."name" as "c3", w_site."address" as "c4", w_site."latitude" as "c5", w_site."longitude" as "c6", w_site."is_public" as "c7", w_site."created_at" as "c8", w_site."updated_at" as "c9", w_site."version" as "c10"
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id"
limit 1) w_site on true
left join lateral (select w_assignee."id" as "c0", w_assignee."version"::text as "c1", w_assignee."id" as "c2", w_assignee."name" as "c3", w_assignee."email" as "c4", w_assignee."phone" as "c5", w_assignee."created_at" as "c6", w_assignee."updated_at" as "c7", w_assignee."version" as "c8"
from "public"."users" w_assignee
where w_assignee."organization_id" = $1::uuid and w_assignee."id" = w."assignee_id"
limit 1) w_assignee on true
where w."organization_id" = $1::uuid and w."id" = $2::uuid
