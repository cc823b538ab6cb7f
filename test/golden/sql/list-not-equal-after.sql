-- $1: claim tenantId
-- $2: input 2
-- $3: input 1
-- $4: input 0
with run0 as (select 0 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" = $3::timestamptz and w."id" > $2::uuid
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26) s),
run1 as (select 1 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" < $4::timestamptz and w."due_at" > $3::timestamptz
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26) s
where (select count(*)
from run0) <= 25),
run2 as (select 2 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" > $4::timestamptz and w."due_at" > $3::timestamptz
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26) s
where (select count(*)
from run0) + (select count(*)
from run1) <= 25)
select w."id", w."due_at", w."version", w."due_at"::text
from (select *
from run0
union all
select *
from run1
union all
select *
from run2) w
order by w.page_run, w."due_at" asc nulls first, w."id" asc nulls first
limit 26
