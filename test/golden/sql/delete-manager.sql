-- $1: claim tenantId
-- $2: input 2
-- $3: input 3
-- $4: input 0
-- $5: claim id
-- $6: claim credential
-- $7: input 1
with written as (delete
from "public"."teams" w
where w."organization_id" = $1::uuid and w."id" = $2::uuid and w."version" = $3::integer
returning w.*),
n as (select w."id" as id, w."version" + 1 as version, whole.record as record, null::json as reply, whole.record as before, null::json as after
from written w
cross join lateral (select (select row_to_json(r)
from (select w."id" as "id", w."name" as "name", case when w."created_at" >= '0001-01-01+00' and w."created_at" < '10000-01-01+00' then to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."created_at"::text end as "createdAt", case when w."updated_at" >= '0001-01-01+00' and w."updated_at" < '10000-01-01+00' then to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."updated_at"::text end as "updatedAt", w."version" as "version") r) as record offset 0) whole),
audited as (insert into backwright.audit (tenant_id, request_id, actor, credential, role, operation, resource, record_id, before, after)
select $1::uuid, $4::text, $5::uuid, $6::uuid, 'manager', 'deleted', 'teams', n.id, n.before, n.after
from n),
emitted as (insert into backwright.events (id, tenant_id, type, key, sequence, fields, record, actor, request_id)
select $7::uuid, $1::uuid, 'teams.deleted', n.id, coalesce(n.version, 0), array['id', 'name', 'createdAt', 'updatedAt', 'version']::text[], n.record, $5::uuid, $4::text
from n)
select n.id::text, n.version::text, n.reply::text
from (select) as one
left join n on true
