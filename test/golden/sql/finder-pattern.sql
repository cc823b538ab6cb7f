-- (text, uuid, uuid[]) returns (id uuid)
with found as (
  select w."id" from "public"."work_orders" w
  where w."organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid
    and (w."assignee_id" = $2::uuid or w."team_id" = any($3::uuid[]))
    and w."title" ilike $1::text
  limit 10001
)
select id from found where (select count(*) from found) <= 10000
  or backwright.refuse('a finder has found more than it may')
