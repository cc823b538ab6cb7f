// What a database holds, as sorted lines of text to compare: two schemas are equal when these are.

import type { Session } from "../../src/database/session.ts";

// Names instead of positions: a column that was dropped and made again stands last.
const CATALOGUE = `
with own as (
  select c.oid, c.relname, n.nspname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'backwright')
)
select format('schema %s', nspname) as line from pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'backwright')
union all
select format('%s.%s %s rls=%s force=%s acl=%s', nspname, relname, relkind, relrowsecurity,
  relforcerowsecurity, (select array_agg(a::text order by 1) from unnest(relacl) a)) from own
union all
select format('%s.%s.%s %s null=%s default=%s', nspname, relname, attname,
  format_type(atttypid, atttypmod), not attnotnull, pg_get_expr(adbin, adrelid))
from own join pg_attribute on attrelid = own.oid
  left join pg_attrdef on adrelid = own.oid and adnum = attnum
where attnum > 0 and not attisdropped and relkind in ('r', 'p')
union all
select format('%s.%s %s', nspname, relname, pg_get_indexdef(own.oid)) from own where relkind = 'i'
union all
select format('%s.%s %s %s', nspname, relname, conname, pg_get_constraintdef(con.oid))
from own join pg_constraint con on conrelid = own.oid
union all
select format('%s.%s policy %s %s %s', nspname, relname, polname,
  pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
from own join pg_policy on polrelid = own.oid
order by 1`;

export async function readCatalogue(session: Session): Promise<readonly string[]> {
  const rows = await session.query<{ line: string }>(CATALOGUE);
  return rows.map(({ line }) => line);
}
