-- $1: input 1
-- $2: claim tenantId
-- $3: input 0
select w."id", w."due_at", w."version", w.found_rank::text
from (select w.*, f.rank as found_rank
from backwright."finder_75c8f4ea74da9bba"($1::text) f join "public"."work_orders" w on w."id" = f.id
where w."organization_id" = $2::uuid and (w."status" = $3::text)
order by f.rank desc, w."id" desc
limit 26) w
order by w.found_rank desc, w."id" desc
