// The wall between tenants as the catalogue shows it, and what the app role cannot do whatever
// statement it sends. Reliability check 47, the part that needs no traffic.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/base/ids.ts";
import { roleNames } from "../../src/database/roles.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import { findersOf } from "../../src/sql/finder.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let app: Session;
let appRole: string;
let ownerRole: string;
let ours: string;
let theirs: string;
beforeAll(async () => {
  backend = await startTestBackend("wall_catalogue");
  app = await openSession(backend.database.appUrl);
  ({ app: appRole, owner: ownerRole } = roleNames(backend.database.database));
  ours = await backend.tenant("Ours");
  theirs = await backend.tenant("Theirs");
});
afterAll(async () => {
  await app?.close();
  await backend?.close();
});

const insertSite = "insert into sites (organization_id, id, name) values ($1, $2, $3)";

interface TenantTable {
  readonly name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly policies: readonly string[];
}

/** Every table with a column that names a tenant, and the tenants themselves. */
function tenantTables(): Promise<readonly TenantTable[]> {
  return backend.owner.query<TenantTable>(
    `select format('%I.%I', n.nspname, c.relname) as name, c.relrowsecurity as enabled,
       c.relforcerowsecurity as forced,
       array(select format('%s %s %s to %s using %s check %s', p.policyname, p.permissive, p.cmd,
           p.roles, p.qual, p.with_check)
         from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname
         order by p.policyname) as policies
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and (c.relname = 'organizations' or exists (select from pg_attribute a
         where a.attrelid = c.oid and a.attname in ('organization_id', 'tenant_id')))
     order by 1`,
  );
}

// Written by hand from PostgreSQL's documentation of pg_policies, not taken from the product.
function expectedPolicies(column: string): readonly string[] {
  const wall =
    `(${column} = (( SELECT NULLIF(current_setting('backwright.tenant_id'::text, true), ` +
    `''::text) AS "nullif"))::uuid)`;
  return [
    `owner_all PERMISSIVE ALL to {${ownerRole}} using true check true`,
    `tenant_wall PERMISSIVE ALL to {public} using ${wall} check ${wall}`,
  ];
}

describe("the app role", () => {
  test("is no superuser, passes no wall, is member of nothing and owns nothing", async () => {
    const [role] = await app.query(
      `select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
         current_user = session_user as is_itself,
         (select count(*)::int from pg_auth_members where member = r.oid) as memberships,
         (select count(*)::int from pg_shdepend
          where refclassid = 'pg_authid'::regclass and refobjid = r.oid and deptype = 'o') as owned
       from pg_roles r where rolname = current_user`,
    );
    expect(role).toEqual({
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      is_itself: true,
      memberships: 0,
      owned: 0,
    });
  });

  test("may write to walled tables alone, and may not empty any", async () => {
    const walled = (await tenantTables()).map(({ name }) => name);
    const granted = await backend.owner.query<{ name: string; privileges: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name,
         string_agg(p, ' ' order by p) as privileges
       from pg_class c join pg_namespace n on n.oid = c.relnamespace,
         unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger',
           'maintain']) p
       where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'
         and n.nspname <> 'information_schema' and has_table_privilege($1, c.oid, p)
       group by 1 order by 1`,
      [appRole],
    );
    expect(granted.length).toBeGreaterThan(8);
    expect(granted.filter(({ name }) => !walled.includes(name))).toEqual([]);
    const allowed = ["insert", "insert update", "delete insert update"];
    for (const { name, privileges } of granted) expect(allowed, name).toContain(privileges);
  });

  test("passes the wall by no view, and by functions with a fixed search path alone", async () => {
    const views = await backend.owner.query(
      `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
         and has_table_privilege($1, c.oid, 'select')
         and not coalesce(c.reloptions::text like '%security_invoker=true%', false)`,
      [appRole],
    );
    expect(views).toEqual([]);
    const definers = await backend.owner.query<{ name: string; configuration: string }>(
      `select p.proname as name, p.proconfig::text as configuration
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
         and has_function_privilege($1, p.oid, 'execute') order by 1`,
      [appRole],
    );
    // A new way past the wall belongs into this list by a decision, not by accident.
    const finders = findersOf(backend.project.model).map(({ name }) => name);
    expect(finders.length).toBeGreaterThan(8);
    expect(definers.map(({ name }) => name)).toEqual([
      "find_api_key",
      ...finders,
      "forget_replies",
    ]);
    for (const { configuration } of definers) {
      expect(configuration).toBe('{"search_path=pg_catalog, pg_temp"}');
    }
  });

  test.each([
    ["a table", "create table mine (a int)"],
    ["a temporary table", "create temporary table mine (a int)"],
    ["a schema", "create schema mine"],
    ["a function", "create function mine() returns int language sql as 'select 1'"],
    ["an index", "create index on work_orders (title)"],
    ["a policy", "create policy open on work_orders using (true)"],
    ["the end of a wall", "alter table work_orders disable row level security"],
    ["the end of its force", "alter table work_orders no force row level security"],
    ["a dropped policy", "drop policy tenant_wall on work_orders"],
    ["a dropped table", "drop table work_orders"],
    ["an emptied table", "truncate work_orders"],
    ["a trigger", "create trigger t before insert on sites execute function pg_sleep()"],
    ["a grant", "grant select on backwright.api_keys to public"],
    ["another role", () => `set role "${ownerRole}"`],
    ["another session", () => `set session authorization "${ownerRole}"`],
    ["a file", "copy work_orders to '/dev/null'"],
    ["a program", "copy work_orders to program 'true'"],
    ["the keys", "select * from backwright.api_keys"],
    ["the audit of anybody", "select * from backwright.audit"],
    ["the events of anybody", "select * from backwright.events"],
  ])("does not get %s", async (_wish, text) => {
    await expect(app.query(typeof text === "string" ? text : text())).rejects.toMatchObject({
      code: "42501",
    });
  });

  test("cannot ask for walls to be left out", async () => {
    await app.query("set row_security = off");
    const refused = app.query("select * from work_orders");
    await expect(refused).rejects.toMatchObject({ code: "42501" });
    await app.query("reset row_security");
  });

  test("learns nothing from statistics", async () => {
    await backend.owner.query(insertSite, [theirs, newId(), "Counted"]);
    await backend.owner.query("analyze");
    const text =
      "select format('%I.%I', schemaname, tablename) as name from pg_stats " +
      "where schemaname in ('public', 'backwright')";
    const shown = (await app.query<{ name: string }>(text)).map(({ name }) => name);
    const walled = (await tenantTables()).map(({ name }) => name);
    expect(shown.filter((name) => walled.includes(name))).toEqual([]);
  });
});

describe("every table of tenants", () => {
  test("has its wall up, forced, and no other opening than the owner's", async () => {
    const tables = await tenantTables();
    expect(tables.map(({ name }) => name)).toEqual([
      "backwright.api_keys",
      "backwright.audit",
      "backwright.events",
      "backwright.idempotency",
      "public.assets",
      "public.categories",
      "public.checklist_items",
      "public.comments",
      "public.meter_readings",
      "public.meters",
      "public.organizations",
      "public.parts",
      "public.parts_used",
      "public.schedules",
      "public.sites",
      "public.skills",
      "public.team_members",
      "public.teams",
      "public.user_skills",
      "public.users",
      "public.work_order_counters",
      "public.work_orders",
    ]);
    for (const { name, enabled, forced, policies } of tables) {
      expect([enabled, forced], name).toEqual([true, true]);
      const column = name.startsWith("backwright.")
        ? "tenant_id"
        : name === "public.organizations"
          ? "id"
          : "organization_id";
      expect(policies, name).toEqual(expectedPolicies(column));
    }
  });

  // PostgreSQL does not wall the checks of foreign keys off.
  test("refers to other tenant tables with the tenant in the key", async () => {
    const single = await backend.owner.query(
      `select conrelid::regclass::text as table, conname from pg_constraint
       where contype = 'f' and confrelid <> 'organizations'::regclass
         and connamespace = 'public'::regnamespace
         and not exists (select from unnest(conkey, confkey) k(own, target)
           join pg_attribute a on a.attrelid = conrelid and a.attnum = k.own
           join pg_attribute b on b.attrelid = confrelid and b.attnum = k.target
           where a.attname = 'organization_id' and b.attname = 'organization_id')`,
    );
    expect(single).toEqual([]);
  });

  test("has unique keys that begin with the tenant", async () => {
    const across = await backend.owner.query(
      `select i.indexrelid::regclass::text as index from pg_index i
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       join pg_class c on c.oid = i.indrelid
       where i.indisunique and c.relnamespace = 'public'::regnamespace
         and c.relname <> 'organizations' and a.attname <> 'organization_id'`,
    );
    expect(across).toEqual([]);
  });
});

/** Runs statements of the app role in one transaction of a tenant, then undoes them. */
async function asTenant<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
  await app.query("begin");
  try {
    await app.query("select set_config('backwright.tenant_id', $1, true)", [tenantId]);
    return await work();
  } finally {
    await app.query("rollback");
  }
}

describe("behind its own wall, a tenant", () => {
  test("writes its own rows and no row of another", async () => {
    await asTenant(ours, () => app.query(insertSite, [ours, newId(), "A"]));
    const foreign = asTenant(ours, () => app.query(insertSite, [theirs, newId(), "B"]));
    await expect(foreign).rejects.toMatchObject({ code: "42501" });
  });

  test("cannot give a row away", async () => {
    const given = asTenant(ours, async () => {
      await app.query(insertSite, [ours, newId(), "C"]);
      await app.query("update sites set organization_id = $1", [theirs]);
    });
    await expect(given).rejects.toMatchObject({ code: "42501" });
  });

  test("neither sees, changes nor deletes rows of another", async () => {
    const id = newId();
    await backend.owner.query(insertSite, [theirs, id, "D"]);
    const touched = await asTenant(ours, async () => [
      ...(await app.query("select id from sites where id = $1", [id])),
      ...(await app.query("update sites set name = 'Stolen' where id = $1 returning id", [id])),
      ...(await app.query("delete from sites where id = $1 returning id", [id])),
      ...(await app.query("select id from organizations where id = $1", [theirs])),
    ]);
    expect(touched).toEqual([]);
  });

  describe("cannot refer to a row of another,", () => {
    const insertAsset =
      "insert into assets (organization_id, id, site_id, name) values ($1, $2, $3, 'Pump')";
    const siteId = newId();
    beforeAll(() => backend.owner.query(insertSite, [theirs, siteId, "E"]));

    test("because the tenant is part of the key", async () => {
      const referring = asTenant(ours, () => app.query(insertAsset, [ours, newId(), siteId]));
      await expect(referring).rejects.toMatchObject({ code: "23503" });
    });

    // Planted by the test itself: the wall does not stand between a row and what it refers to.
    test("and could where the key is the id alone", async () => {
      const [key] = await backend.owner.query<{ name: string; definition: string }>(
        `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
         where conrelid = 'assets'::regclass and confrelid = 'sites'::regclass`,
      );
      await backend.owner.query(
        `alter table sites add constraint single unique (id);
         alter table assets drop constraint "${key?.name}",
           add constraint single foreign key (site_id) references sites (id)`,
      );
      await asTenant(ours, () => app.query(insertAsset, [ours, newId(), siteId]));
      await backend.owner.query(
        `alter table assets drop constraint single,
           add constraint "${key?.name}" ${key?.definition};
         alter table sites drop constraint single`,
      );
    });
  });

  test.each(["audit", "events"])(
    "adds to its own %s alone, and changes nothing there",
    async (table) => {
      const columns =
        table === "audit"
          ? "tenant_id, request_id, actor, role, operation, resource, record_id"
          : "tenant_id, request_id, actor, type, id, key, sequence, fields, record";
      const values =
        table === "audit"
          ? "$1, 'r', $2::uuid, 'manager', 'created', 'sites', $2::uuid"
          : "$1, 'r', $2::uuid, 'sites.created', $2::uuid, $2::uuid, 1, '{}', '{}'";
      const insert = `insert into backwright.${table} (${columns}) values (${values})`;
      await asTenant(ours, () => app.query(insert, [ours, newId()]));
      const foreign = asTenant(ours, () => app.query(insert, [theirs, newId()]));
      await expect(foreign).rejects.toMatchObject({ code: "42501" });
      for (const text of [
        `update backwright.${table} set request_id = 'forged'`,
        `delete from backwright.${table}`,
        `truncate backwright.${table}`,
      ]) {
        const forged = asTenant(ours, () => app.query(text));
        await expect(forged, text).rejects.toMatchObject({ code: "42501" });
      }
    },
  );
});
