-- $1: claim tenantId
-- $2: input 0
select w."id", w."number", w."external_id", w."title", w."description", w."status", w."priority", w."site_id", w."location", w."asset_id", w."category_id", w."skill_id", w."team_id", w."assignee_id", w."requester_id", w."internal_notes", w."reason", w."reported_at", w."due_at", w."held_at", w."closed_at", w."created_at", w."updated_at", w."version"
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."id" = $2::uuid
