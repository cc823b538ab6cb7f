-- (text) returns (id uuid, rank real)
with asked as (select websearch_to_tsquery('english', $1::text) as q),
found as (
  select w."id", ts_rank(setweight(to_tsvector('english', coalesce(w."title", '')), 'A'), (select querytree(q)::tsquery from asked)) as rank from "public"."work_orders" w
  where (select querytree(q) <> 'T' or backwright.refuse('a search names no word to find') from asked)
    and w."organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid
    and exists (select from "public"."sites" t1 where t1."organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid and t1."id" = w."site_id" and t1."is_public" = 'true'::boolean)
    and (setweight(to_tsvector('english', coalesce(w."title", '')), 'A') || setweight(to_tsvector('english', coalesce(w."description", '')), 'B')) @@ (select regexp_replace(querytree(q), '(&|<(-|[0-9]+)>)(?=(?:[^'']|''[^'']*'')*$)', '&', 'g')::tsquery from asked)
    and (setweight(to_tsvector('english', coalesce(w."title", '')), 'A')) @@ (select q from asked)
  limit 10001
)
select id, rank from found where (select count(*) from found) <= 10000
  or backwright.refuse('a finder has found more than it may')
