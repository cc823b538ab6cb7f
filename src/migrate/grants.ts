// What the app's role may touch, asserted after every migration, so that no file names a role.
// Decides from the catalogue alone: a table with the tenant wall can be written, any other only
// read, and whatever would show rows behind a wall (partitions, views of the owner) not at all.
// Inside the schema `backwright` its own migrations grant; here it only becomes usable.

import { StartError } from "../base/errors.ts";
import type { Session } from "../database/session.ts";
import { quoteIdentifier, quoteQualified } from "../sql/quote.ts";
import {
  createOwnerPolicy,
  dropOwnerPolicy,
  OWNER_POLICY,
  TENANT_SETTING,
  TENANT_WALL_POLICY,
  type WalledTable,
} from "../sql/row-security.ts";

export interface DatabaseRoles {
  /** Owns every table; migrates. */
  readonly owner: string;
  /** Serves; owns nothing. */
  readonly app: string;
}

interface Relation {
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind: r table, p partitioned, v view, m materialised, f foreign, S sequence. */
  readonly kind: "r" | "p" | "v" | "m" | "f" | "S";
  readonly child: boolean;
  readonly invoker: boolean;
  readonly walled: boolean;
  readonly owner_policy: "none" | "right" | "wrong";
  /** What is granted to the app's role by name, in alphabetical order. */
  readonly granted: readonly string[];
}

const SYSTEM_SCHEMA = "backwright";

/**
 * Brings policies of the owner and grants of the app's role to what the catalogue calls for.
 * Changes nothing, and takes no lock, where they are right already. Throws a StartError when the
 * app's role could create objects. Run it inside a transaction.
 */
export async function assertGrants(session: Session, roles: DatabaseRoles): Promise<void> {
  const statements = await missingGrants(session, roles);
  if (statements.length > 0) await session.query(statements.join("\n"));
  await refuseCreate(session, roles.app);
}

/** The statements that policies and grants still need; none where they are right. Reads only. */
export async function missingGrants(
  session: Session,
  roles: DatabaseRoles,
): Promise<readonly string[]> {
  const relations = await readRelations(session, roles);
  const statements = relations.flatMap((relation) => [
    ...ownerPolicyStatements(relation, roles.owner),
    ...(relation.schema === SYSTEM_SCHEMA ? [] : grantStatements(relation, roles.app)),
  ]);
  const schemas = await schemasWithoutUsage(session, roles.app, relations);
  const app = quoteIdentifier(roles.app);
  const usage = schemas.map((name) => `grant usage on schema ${quoteIdentifier(name)} to ${app};`);
  return [...usage, ...statements];
}

/** Tables of the model that no migration has made yet: nothing is open, something is to be done. */
export class TablesMissing extends StartError {}

/**
 * Throws a StartError when a table of the model is not walled off in the database as declared, and
 * TablesMissing where all that is wrong is that there is no such table yet.
 */
export async function assertWalls(
  session: Session,
  walls: readonly WalledTable[],
  roles: DatabaseRoles,
): Promise<void> {
  const problems: string[] = [];
  const missing: string[] = [];
  for (const wall of walls) {
    const problem = await wallProblem(session, wall, roles);
    const name = `${wall.schema ?? "public"}.${wall.table}`;
    if (problem === NO_TABLE) missing.push(name);
    else if (problem !== null) problems.push(`  - ${name} ${problem}`);
  }
  if (problems.length === 0 && missing.length > 0) {
    throw new TablesMissing(`The database has no ${missing.join(", ")} of the model yet.`, {
      fix: "Write the migration: backwright migrate new <name>",
    });
  }
  if (problems.length === 0) return;
  throw new StartError(`The wall between tenants is not complete:\n${problems.join("\n")}`, {
    fix:
      "Plan the difference with `backwright migrate new <name>`, or repair it in a migration by " +
      "hand; until then rows of one tenant could be seen by another.",
  });
}

async function readRelations(session: Session, roles: DatabaseRoles): Promise<Relation[]> {
  // Relations of other owners and of extensions are not ours to grant.
  return session.query<Relation>(
    `select n.nspname as schema, c.relname as name, c.relkind as kind,
       exists (select from pg_inherits i where i.inhrelid = c.oid) as child,
       exists (select from pg_options_to_table(c.reloptions) o
         where o.option_name = 'security_invoker' and o.option_value::boolean) as invoker,
       exists (select from pg_policy p where p.polrelid = c.oid and p.polname = $1) as walled,
       coalesce((select case when p.polpermissive and p.polcmd = '*'
             and p.polroles = array[(select oid from pg_roles where rolname = $3)]
             and pg_get_expr(p.polqual, p.polrelid) = 'true'
             and pg_get_expr(p.polwithcheck, p.polrelid) = 'true'
           then 'right' else 'wrong' end
         from pg_policy p where p.polrelid = c.oid and p.polname = $2), 'none') as owner_policy,
       array(select lower(a.privilege_type) from aclexplode(c.relacl) a
         where a.grantee = (select oid from pg_roles where rolname = $4)
         order by 1) as granted
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and pg_has_role(c.relowner, 'USAGE')
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
         and d.objid = c.oid and d.deptype = 'e')
     order by 1, 2`,
    [TENANT_WALL_POLICY, OWNER_POLICY, roles.owner, roles.app],
  );
}

function ownerPolicyStatements(relation: Relation, owner: string): readonly string[] {
  const { schema, name, walled, owner_policy: policy } = relation;
  const wanted = walled ? "right" : "none";
  if (policy === wanted) return [];
  return [
    ...(policy === "none" ? [] : [dropOwnerPolicy(schema, name)]),
    ...(walled ? [createOwnerPolicy(schema, name, owner)] : []),
  ];
}

function grantStatements(relation: Relation, app: string): readonly string[] {
  const wanted = appPrivileges(relation);
  if (relation.granted.join() === wanted.join()) return [];
  const role = quoteIdentifier(app);
  const target =
    (relation.kind === "S" ? "sequence " : "") + quoteQualified(relation.schema, relation.name);
  return [
    ...(relation.granted.length === 0 ? [] : [`revoke all on ${target} from ${role};`]),
    ...(wanted.length === 0 ? [] : [`grant ${wanted.join(", ")} on ${target} to ${role};`]),
  ];
}

function appPrivileges({ kind, walled, child, invoker }: Relation): readonly string[] {
  switch (kind) {
    case "S":
      return ["usage"];
    case "v":
      // Any other view reads with the owner's eyes, which see every tenant.
      return invoker ? ["select"] : [];
    case "m":
    case "f":
      return [];
    default:
      if (walled) return ["delete", "insert", "select", "update"];
      // The wall of a parent does not hold for its partitions when they are named directly.
      return child ? [] : ["select"];
  }
}

async function schemasWithoutUsage(
  session: Session,
  app: string,
  relations: readonly Relation[],
): Promise<readonly string[]> {
  const names = new Set(relations.map(({ schema }) => schema));
  const rows = await session.query<{ name: string }>(
    `select nspname as name from pg_namespace
     where nspname = any($1::text[]) and not has_schema_privilege($2, oid, 'USAGE') order by 1`,
    [[...names], app],
  );
  return rows.map(({ name }) => name);
}

async function refuseCreate(session: Session, app: string): Promise<void> {
  const rows = await session.query<{ place: string }>(
    `select 'schema ' || quote_ident(nspname) as place from pg_namespace
     where nspname !~ '^pg_' and has_schema_privilege($1, oid, 'CREATE')
     union all select 'database ' || quote_ident(current_database())
     where has_database_privilege($1, current_database(), 'CREATE')
     order by 1`,
    [app],
  );
  if (rows.length === 0) return;
  const roles = `public, ${quoteIdentifier(app)}`;
  throw new StartError(
    `The role "${app}" that serves may create objects in ${rows.map((r) => r.place).join(", ")}.`,
    {
      fix: [
        "Run as an administrator:",
        ...rows.map(({ place }) => `  revoke create on ${place} from ${roles};`),
      ].join("\n"),
    },
  );
}

const NO_TABLE = "does not exist";

async function wallProblem(
  session: Session,
  wall: WalledTable,
  roles: DatabaseRoles,
): Promise<string | null> {
  const [table] = await session.query<{ enabled: boolean; forced: boolean; walled: boolean }>(
    `select c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
       exists (select from pg_policy p where p.polrelid = c.oid and p.polname = $3
         and p.polcmd = '*' and p.polroles = array[0::oid] and p.polwithcheck is not null
         and strpos(pg_get_expr(p.polqual, c.oid), $4) > 0
         and strpos(pg_get_expr(p.polqual, c.oid), quote_ident($5)) > 0) as walled
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')`,
    [wall.schema ?? "public", wall.table, TENANT_WALL_POLICY, TENANT_SETTING, wall.column],
  );
  if (table === undefined) return NO_TABLE;
  if (!table.enabled) return "has row level security disabled";
  if (!table.forced) return "does not force row level security";
  if (!table.walled) return `has no policy ${TENANT_WALL_POLICY} on "${wall.column}"`;
  // Permissive policies add up, so one more that covers the app's role opens the wall.
  const [open] = await session.query<{ name: string }>(
    `select p.polname as name from pg_policy p
       join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and p.polpermissive and p.polname <> $3
       and exists (select from unnest(p.polroles) role
         where case when role = 0 then true else pg_has_role($4, role, 'USAGE') end)
     limit 1`,
    [wall.schema ?? "public", wall.table, TENANT_WALL_POLICY, roles.app],
  );
  return open === undefined ? null : `is opened by its other policy "${open.name}"`;
}
