-- $1: claim tenantId
-- $2: input 1
-- $3: input 0
with run0 as (select 0 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and (w."due_at", w."id") < ($3::timestamptz, $2::uuid)
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) s),
run1 as (select 1 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" is null
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) s
where (select count(*)
from run0) <= 25)
select w."id", w."version", t1."c0", t1."c1", t1."c2", t1."c3", t1."c4", t1."c5", t1."c6", t1."c7", w."due_at"::text
from (select w.*
from (select *
from run0
union all
select *
from run1) w
order by w.page_run, w."due_at" desc nulls last, w."id" desc nulls last
limit 26) w
left join lateral (select t1."name" as "c0", t1."id" as "c1", t1."version" as "c2", t2."c0" as "c3", t2."c1" as "c4", t2."c2" as "c5", t2."c3" as "c6", array(select row(t3."due_at", t3."id", t3."version")
from "public"."work_orders" t3
where t3."organization_id" = $1::uuid and t3."asset_id" = t1."id"
order by t3."id" desc nulls first
limit 11) as "c7"
from "public"."assets" t1
left join lateral (select t2."name" as "c0", t2."is_public" as "c1", t2."id" as "c2", t2."version" as "c3"
from "public"."sites" t2
where t2."organization_id" = $1::uuid and t2."id" = t1."site_id"
limit 1) t2 on true
where t1."organization_id" = $1::uuid and t1."id" = w."asset_id"
limit 1) t1 on true
order by w.page_run, w."due_at" desc nulls last, w."id" desc nulls last
