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
select w."version"::text, w."id", w_asset."c0", w_asset."c1", w_asset."c2", w_asset."c3", w_asset."c4", w_asset."c5", w_asset."c6", w_asset."c7", w."due_at"::text, w."id"::text
from (select w.*
from (select *
from run0
union all
select *
from run1) w
order by w.page_run, w."due_at" desc nulls last, w."id" desc nulls last
limit 26) w
left join lateral (select w_asset."id" as "c0", w_asset."version"::text as "c1", w_asset."name" as "c2", w_asset_site."c0" as "c3", w_asset_site."c1" as "c4", w_asset_site."c2" as "c5", w_asset_site."c3" as "c6", (select json_agg(r.v)::text
from (select array[w_asset_workorders."id"::text, w_asset_workorders."version"::text, w_asset_workorders."due_at"::text] as v
from "public"."work_orders" w_asset_workorders
where w_asset_workorders."organization_id" = $1::uuid and w_asset_workorders."asset_id" = w_asset."id"
order by w_asset_workorders."id" desc nulls first
limit 11) r) as "c7"
from "public"."assets" w_asset
left join lateral (select w_asset_site."id" as "c0", w_asset_site."version"::text as "c1", w_asset_site."name" as "c2", w_asset_site."is_public" as "c3"
from "public"."sites" w_asset_site
where w_asset_site."organization_id" = $1::uuid and w_asset_site."id" = w_asset."site_id"
limit 1) w_asset_site on true
where w_asset."organization_id" = $1::uuid and w_asset."id" = w."asset_id"
limit 1) w_asset on true
order by w.page_run, w."due_at" desc nulls last, w."id" desc nulls last
