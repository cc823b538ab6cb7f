-- $1: claim tenantId
select (select row_to_json(r)
from (select w."id" as "id", to_char(w."due_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "dueAt") r)::text, w."due_at"::text, w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and exists (select
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id" and w_site."is_public" = 'true'::boolean)
order by w."due_at" asc nulls first, w."id" asc nulls first
limit 26
