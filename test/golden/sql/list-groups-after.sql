-- $1: claim tenantId
-- $2: input 0
-- $3: input 1
-- $4: input 2
-- $5: input 4
-- $6: input 3
with arm0_run0 as (select 0 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" < $2::timestamptz and not exists (select
from "public"."sites" t1
where t1."organization_id" = $1::uuid and t1."id" = w."site_id" and t1."name" = $3::text) and w."due_at" = $6::timestamptz and w."id" < $5::uuid
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) s),
arm0_run1 as (select 1 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."due_at" < $2::timestamptz and not exists (select
from "public"."sites" t1
where t1."organization_id" = $1::uuid and t1."id" = w."site_id" and t1."name" = $3::text) and w."due_at" < $6::timestamptz
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) s
where (select count(*)
from arm0_run0) <= 25),
arm1_run0 as (select 0 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."status" = $4::text and (w."due_at", w."id") < ($6::timestamptz, $5::uuid)
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) s),
arm1_run1 as (select 1 as page_run, s.*
from (select w.*
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."status" = $4::text and w."due_at" is null
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) s
where (select count(*)
from arm1_run0) <= 25)
select w."id", w."due_at", w."version", w."due_at"::text
from (select distinct on (w."due_at", w."id") w.*
from (select *
from arm0_run0
union all
select *
from arm0_run1
union all
select *
from arm1_run0
union all
select *
from arm1_run1) w
order by w."due_at" desc nulls last, w."id" desc nulls last
limit 26) w
order by w."due_at" desc nulls last, w."id" desc nulls last
