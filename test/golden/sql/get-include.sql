-- $1: claim tenantId
-- $2: input 0
select w."id", w."title", w."version", t1."c0", t1."c1", t1."c2", t1."c3", t1."c4", t1."c5", t1."c6", t1."c7", t1."c8", t2."c0", t2."c1", t2."c2", t2."c3", t2."c4", t2."c5", t2."c6"
from "public"."work_orders" w
left join lateral (select t1."id" as "c0", t1."name" as "c1", t1."address" as "c2", t1."latitude" as "c3", t1."longitude" as "c4", t1."is_public" as "c5", t1."created_at" as "c6", t1."updated_at" as "c7", t1."version" as "c8"
from "public"."sites" t1
where t1."organization_id" = $1::uuid and t1."id" = w."site_id"
limit 1) t1 on true
left join lateral (select t2."id" as "c0", t2."name" as "c1", t2."email" as "c2", t2."phone" as "c3", t2."created_at" as "c4", t2."updated_at" as "c5", t2."version" as "c6"
from "public"."users" t2
where t2."organization_id" = $1::uuid and t2."id" = w."assignee_id"
limit 1) t2 on true
where w."organization_id" = $1::uuid and w."id" = $2::uuid
