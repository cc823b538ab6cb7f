-- $1: claim tenantId
-- $2: input 0
-- $3: input 1
-- $4: input 2
-- $5: input 3
select w."status", date_trunc('month', w."reported_at" at time zone $4::text)::date, count(*), max(w."closed_at")
from "public"."work_orders" w
where w."organization_id" = $1::uuid and exists (select
from "public"."sites" t1
where t1."organization_id" = $1::uuid and t1."id" = w."site_id" and t1."name" = $2::text) and w."status" = any($3::text[]) group by 1, 2
order by 3 desc nulls last, 1 nulls first, 2 nulls first
limit $5::bigint
