-- $1: claim tenantId
-- $2: claim id
-- $3: claim teamIds
-- $4: input 0
select w."id", w."version"
from "public"."work_orders" w
where w."organization_id" = $1::uuid and (w."assignee_id" = $2::uuid or w."team_id" = any($3::uuid[])) and w."id" = $4::uuid
