-- $1: input 0
-- $2: claim tenantId
-- $3: input 1
-- $4: input 2
select w."id", w."due_at", w."version", w.found_rank::text
from (select w.*, f.rank as found_rank
from backwright."finder_75c8f4ea74da9bba"($1::text) f join "public"."work_orders" w on w."id" = f.id
where w."organization_id" = $2::uuid and (f.rank, w."id") > ($3::real, $4::uuid)
order by f.rank asc, w."id" asc
limit 26) w
order by w.found_rank asc, w."id" asc
