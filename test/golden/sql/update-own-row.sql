-- $1: input 3
-- $2: claim tenantId
-- $3: input 2
-- $4: claim id
-- $5: input 0
-- $6: claim credential
-- $7: input 1
with written as (update "public"."users" w set "name" = $1::text, "version" = w."version" + 1, "updated_at" = now()
where w."organization_id" = $2::uuid and w."id" = $3::uuid and w."id" = $4::uuid and w."id" = $4::uuid
returning w.*, (select row_to_json(r)
from (select old."name" as "name") r) as backwright_before),
n as (select w."id" as id, w."version" as version, whole.record as record, case when w."id" = $4::uuid then whole.record else (select row_to_json(r)
from (select w."id" as "id") r) end as reply, w.backwright_before as before, (select row_to_json(r)
from (select w."name" as "name") r) as after
from written w
cross join lateral (select (select row_to_json(r)
from (select w."id" as "id", w."name" as "name", w."email" as "email", w."phone" as "phone", case when w."created_at" >= '0001-01-01+00' and w."created_at" < '10000-01-01+00' then to_char(w."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."created_at"::text end as "createdAt", case when w."updated_at" >= '0001-01-01+00' and w."updated_at" < '10000-01-01+00' then to_char(w."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else w."updated_at"::text end as "updatedAt", w."version" as "version") r) as record offset 0) whole),
audited as (insert into backwright.audit (tenant_id, request_id, actor, credential, role, operation, resource, record_id, before, after)
select $2::uuid, $5::text, $4::uuid, $6::uuid, 'requester', 'updated', 'users', n.id, n.before, n.after
from n),
emitted as (insert into backwright.events (id, tenant_id, type, key, sequence, fields, record, actor, request_id)
select $7::uuid, $2::uuid, 'users.updated', n.id, coalesce(n.version, 0), array['name']::text[], n.record, $4::uuid, $5::text
from n)
select n.id::text, n.version::text, n.reply::text
from (select) as one
left join n on true
