-- $1: claim tenantId
-- $2: input 0
with run0 as (select 0 as page_run, s.*
from (select x.*
from (select distinct unnest($2::text[])) as v0(value)
cross join lateral (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."status" = v0.value
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26) x
order by x."due_at" asc nulls first, x."id" asc nulls first
limit 26) s)
select w."id", w."due_at", w."version", w."due_at"::text
from (select *
from run0) w
order by w.page_run, w."due_at" asc nulls first, w."id" asc nulls first
limit 26
