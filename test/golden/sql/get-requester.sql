-- $1: claim tenantId
-- $2: claim id
-- $3: input 0
select w."id", w."number", w."title", w."description", w."status", w."priority", w."site_id", w."location", w."asset_id", w."category_id", w."requester_id", w."reason", w."reported_at", w."due_at", w."closed_at", w."created_at", w."updated_at", w."version"
from "public"."work_orders" w
where w."organization_id" = $1::uuid and w."requester_id" = $2::uuid and w."id" = $3::uuid
