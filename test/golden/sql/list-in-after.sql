-- $1: claim tenantId
-- $2: input 0
-- $3: input 2
-- $4: input 1
with run0 as (select 0 as page_run, s.*
from (select x.*
from (select distinct unnest($2::text[])) as v0(value)
cross join lateral (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."status" = v0.value and (w."due_at", w."id") < ($4::timestamptz, $3::uuid)
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) x
order by x."due_at" desc nulls last, x."id" desc nulls last
limit 26) s),
run1 as (select 1 as page_run, s.*
from (select x.*
from (select distinct unnest($2::text[])) as v0(value)
cross join lateral (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."status" = v0.value and w."due_at" is null
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) x
order by x."due_at" desc nulls last, x."id" desc nulls last
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
