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
select w."id", w."due_at", w."version", w."due_at"::text
from (select *
from run0
union all
select *
from run1) w
order by w.page_run, w."due_at" desc nulls last, w."id" desc nulls last
limit 26
