// What the database itself says about constraints: their real names, whoever made them.
import type { Session } from "./session.ts";

/** A constraint or unique index and the columns that it is about. */
export interface ConstraintColumns {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** Every constraint and unique index outside PostgreSQL's own schemas. */
export function readConstraints(session: Session): Promise<readonly ConstraintColumns[]> {
  return session.query<ConstraintColumns>(`
    select c.conname as name, n.nspname as schema, t.relname as table,
      array(select a.attname::text from unnest(c.conkey) with ordinality k(number, place)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number
        order by k.place) as columns
    from pg_constraint c
    join pg_class t on t.oid = c.conrelid
    join pg_namespace n on n.oid = t.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema', 'backwright')
    union all
    select i.relname, n.nspname, t.relname,
      array(select a.attname::text from unnest(x.indkey) with ordinality k(number, place)
        join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.number
        order by k.place)
    from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_class t on t.oid = x.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    where x.indisunique
      and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema', 'backwright')`);
}
