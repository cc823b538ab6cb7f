-- $1: claim tenantId
-- $2: input 0
select (select row_to_json(r)
from (select w."id" as "id", w."title" as "title", (select row_to_json(i)
from (select w_site."id" as "id", w_site."name" as "name", w_site."address" as "address", w_site."is_public" as "isPublic", to_char(w_site."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", to_char(w_site."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt", w_site."version" as "version"
from "public"."sites" w_site
where w_site."organization_id" = $1::uuid and w_site."id" = w."site_id") i) as "site", (select row_to_json(i)
from (select w_assignee."id" as "id", w_assignee."name" as "name", w_assignee."email" as "email", w_assignee."phone" as "phone", to_char(w_assignee."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", to_char(w_assignee."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt", w_assignee."version" as "version"
from "public"."users" w_assignee
where w_assignee."organization_id" = $1::uuid and w_assignee."id" = w."assignee_id") i) as "assignee") r)::text, w."version"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."id" = $2::uuid
