-- $1: claim tenantId
-- $2: claim id
-- $3: claim teamIds
-- $4: input 0
select w."id", w."due_at", w."version", w."id"::text
from "public"."work_orders" w
where w."organization_id" = $1::uuid and (w."assignee_id" = $2::uuid or w."team_id" = any($3::uuid[])) and w."id" in (select f.id
from backwright."finder_75345837eb99c902"($4::text, $2::uuid, $3::uuid[]) f)
order by w."id" desc nulls last
limit 26
