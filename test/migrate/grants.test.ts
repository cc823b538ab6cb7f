import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { addressWith } from "../../src/database/embedded-url.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import { planMigration } from "../../src/migrate/plan.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { createScratch, ORGANIZATION, type Scratch, schema, walls } from "./scratch.ts";

let scratch: Scratch;
beforeEach(async () => {
  scratch = await createScratch();
  const { up, down } = await planMigration(schema, null);
  await scratch.write([{ name: "initial", up, down }]);
});
afterEach(() => scratch.drop());

const [ONE, TWO] = ORGANIZATION;

/** Runs one statement of the app's role in a transaction of the tenant. */
async function asTenant<T>(session: Session, tenant: string, text: string): Promise<T[]> {
  await session.query("begin");
  try {
    await session.query("select set_config('backwright.tenant_id', $1, true)", [tenant]);
    const rows = await session.query<T>(text);
    await session.query("commit");
    return rows;
  } catch (error) {
    await session.query("rollback");
    throw error;
  }
}

/** An organisation and a site of each tenant, written by the app's role. */
async function insertTenants(): Promise<void> {
  for (const tenant of ORGANIZATION) {
    await asTenant(
      scratch.app,
      tenant,
      `insert into organizations values ('${tenant}', 'name');
       insert into sites (organization_id, id, name) values ('${tenant}', '${tenant}', 'site');`,
    );
  }
}

describe("the app's role", () => {
  test("sees its tenant's rows, none without a tenant, and never another's", async () => {
    await migrateUp(scratch.options({ walls, system: SYSTEM_MIGRATIONS }));
    await insertTenants();
    const { app } = scratch;
    expect(await app.query("select from sites")).toEqual([]);
    expect(await app.query("select from organizations")).toEqual([]);
    const text = "select organization_id as id from sites";
    expect(await asTenant(app, ONE, text)).toEqual([{ id: ONE }]);
    expect(await asTenant(app, TWO, text)).toEqual([{ id: TWO }]);
    // The setting is empty, not absent, after a transaction: still nothing and no error.
    expect(await app.query("select from sites")).toEqual([]);
    const foreign = `insert into sites (organization_id, id, name)
      values ('${TWO}', '${ONE}', 'x')`;
    await expect(asTenant(app, ONE, foreign)).rejects.toThrow("row-level security");
    // Planted fault: `with check (true)` in the wall -> the foreign row goes in.
  });

  test("reads global tables without writing them, and writes walled ones", async () => {
    await migrateUp(scratch.options());
    await insertTenants();
    const { app } = scratch;
    expect(await app.query("select * from countries")).toEqual([]);
    await expect(app.query("insert into countries values ('x', 'x')")).rejects.toThrow(
      "permission denied",
    );
    const update = "update sites set name = 'new' returning organization_id as id";
    expect(await asTenant(app, ONE, update)).toEqual([{ id: ONE }]);
    const invoice = `insert into billing.invoices (organization_id, id, amount)
      values ('${ONE}', '${ONE}', 1) returning id`;
    expect(await asTenant(app, ONE, invoice)).toEqual([{ id: ONE }]);
  });

  test("creates, changes and truncates nothing", async () => {
    await migrateUp(scratch.options({ system: SYSTEM_MIGRATIONS }));
    for (const text of [
      "create table t (id int)",
      "create schema s",
      "create table billing.t (id int)",
      "alter table sites disable row level security",
      "drop policy tenant_wall on sites",
      "create policy open on sites using (true)",
      "truncate sites cascade",
      `set role ${scratch.ownerRole}`,
      "delete from backwright.migrations",
      "select * from backwright.api_keys",
      "delete from backwright.audit",
    ]) {
      await expect(scratch.app.query(text), text).rejects.toThrow(
        /permission denied|must be owner/,
      );
    }
  });

  test("gets nothing by which rows behind a wall could be seen", async () => {
    await scratch.write([
      {
        name: "ways-around",
        up: `create view as_owner as select * from sites;
          create view as_caller with (security_invoker) as select * from sites;
          create materialized view copied as select * from sites;
          create table parts (organization_id uuid, id int) partition by list (id);
          create table parts_1 partition of parts for values in (1);
          alter table parts enable row level security;
          alter table parts force row level security;
          create policy tenant_wall on parts using (organization_id =
            (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);`,
      },
    ]);
    await migrateUp(scratch.options());
    await insertTenants();
    await scratch.owner.query("insert into parts values ($1, 1)", [TWO]);
    const { app } = scratch;
    for (const name of ["as_owner", "copied", "parts_1"]) {
      await expect(app.query(`select from ${name}`), name).rejects.toThrow("permission denied");
    }
    expect(await asTenant(app, ONE, "select id from as_caller")).toEqual([{ id: ONE }]);
    expect(await asTenant(app, ONE, "select from parts")).toEqual([]);
    expect(await asTenant(app, TWO, "select id from parts")).toEqual([{ id: 1 }]);
    // Planted fault: grant select on everything without a wall -> red three times.
  });

  test("has grants that were changed by hand put back by the next run", async () => {
    await migrateUp(scratch.options());
    await scratch.owner.query(
      `grant insert on countries to ${scratch.appRole};
       revoke select on sites from ${scratch.appRole};
       drop policy owner_all on sites; create policy owner_all on sites using (true);`,
    );
    await expect(migrateUp(scratch.options({ walls }))).resolves.toMatchObject({ migrations: [] });
    await expect(scratch.app.query("insert into countries values ('x', 'x')")).rejects.toThrow();
    expect(await scratch.app.query("select from sites")).toEqual([]);
  });

  test("that can create objects stops the run", async () => {
    await migrateUp(scratch.options());
    const database = scratch.ownerRole.replace(/_owner$/, "");
    for (const place of ["schema billing", `database ${database}`]) {
      await scratch.owner.query(`grant create on ${place} to ${scratch.appRole}`);
      const failure = await migrateUp(scratch.options()).catch((error: unknown) => error);
      expect(String(failure)).toContain(`may create objects in ${place}.`);
      const fix = failure instanceof StartError ? (failure.fix ?? "") : "";
      await scratch.owner.query(fix.split("\n").slice(1).join("\n"));
      await migrateUp(scratch.options());
    }
  });

  test("uses sequences of the tables it writes", async () => {
    await scratch.write([{ name: "numbers", up: "create sequence numbers;" }]);
    await migrateUp(scratch.options());
    expect(await scratch.app.query("select nextval('numbers')::int as n")).toEqual([{ n: 1 }]);
  });
});

describe("the owner", () => {
  test("backfills all rows of all tenants although row security is forced", async () => {
    await migrateUp(scratch.options());
    await insertTenants();
    await scratch.write([
      { name: "add-code", up: "alter table sites add column code text;" },
      { name: "fill-code", up: "update sites set code = upper(name);" },
    ]);
    await migrateUp(scratch.options());
    expect(await scratch.owner.query("select code from sites")).toEqual([
      { code: "SITE" },
      { code: "SITE" },
    ]);
    // Planted fault: assert grants without owner_all -> 0 rows updated, silently.
  });

  test("reaches rows of a table that an earlier file of the same run has made", async () => {
    await scratch.write([
      { name: "seed", up: `insert into organizations values ('${ONE}', 'o'), ('${TWO}', 'p');` },
      { name: "fill", up: "update organizations set name = name || '!';" },
    ]);
    await migrateUp(scratch.options());
    expect(await scratch.owner.query("select name from organizations order by 1")).toEqual([
      { name: "o!" },
      { name: "p!" },
    ]);
    // Planted fault: assert grants once, after all files -> "violates row-level security policy".
  });

  test("loses its policy together with the wall", async () => {
    await migrateUp(scratch.options());
    await scratch.write([
      {
        name: "open-sites",
        up: "drop policy tenant_wall on sites; alter table sites disable row level security;",
      },
    ]);
    await migrateUp(scratch.options());
    const [row] = await scratch.owner.query(
      "select count(*)::int as n from pg_policy where polrelid = 'sites'::regclass",
    );
    expect(row).toEqual({ n: 0 });
    await expect(scratch.app.query("delete from sites")).rejects.toThrow("permission denied");
  });
});

describe("the model's walls", () => {
  const ways: readonly (readonly [string, string])[] = [
    ["alter table sites no force row level security", "does not force row level security"],
    ["alter table sites disable row level security", "has row level security disabled"],
    ["drop policy tenant_wall on sites", 'has no policy tenant_wall on "organization_id"'],
    [
      "alter policy tenant_wall on sites using (true)",
      'has no policy tenant_wall on "organization_id"',
    ],
    ["create policy open on sites using (true)", 'is opened by its other policy "open"'],
  ];
  test.each(ways)("stop the run when missing in the database: %s", async (statement, problem) => {
    await migrateUp(scratch.options({ walls }));
    await scratch.owner.query(statement);
    await expect(migrateUp(scratch.options({ walls }))).rejects.toThrow(`public.sites ${problem}`);
  });

  test("stop the run when their table is missing, unless files are still to come", async () => {
    const more = [...walls, { schema: null, table: "assets_2", column: "organization_id" }];
    await scratch.write([{ name: "later", up: "select 1;" }]);
    await migrateUp(scratch.options({ walls: more, to: "0001-initial" }));
    await expect(migrateUp(scratch.options({ walls: more }))).rejects.toThrow(
      "The database has no public.assets_2 of the model yet.",
    );
  });
});

describe("roles that would undo the wall are refused", () => {
  async function asAdmin(text: string): Promise<void> {
    const admin = await openSession(scratch.adminUrl);
    await admin.query(text);
    await admin.close();
  }

  test("a superuser as owner", async () => {
    const options = scratch.options({ ownerUrl: scratch.adminUrl });
    await expect(migrateUp(options)).rejects.toThrow("do not run as the superuser");
    const entered = { ...options, ownerRole: scratch.ownerRole };
    await expect(migrateUp(entered)).rejects.toThrow("do not run as the superuser");
  });

  test("an app role that does not exist, or is the owner or a member of it", async () => {
    const missing = migrateUp(scratch.options({ appRole: "nobody_here" }));
    await expect(missing).rejects.toThrow('"nobody_here", which serves, does not exist');
    const same = migrateUp(scratch.options({ appRole: scratch.ownerRole }));
    await expect(same).rejects.toThrow("is (a member of) the owner");
    await asAdmin(`grant ${scratch.ownerRole} to ${scratch.appRole}`);
    await expect(migrateUp(scratch.options())).rejects.toThrow("is (a member of) the owner");
  });

  test("an app role that row security does not bind", async () => {
    await asAdmin(`alter role ${scratch.appRole} bypassrls`);
    await expect(migrateUp(scratch.options())).rejects.toThrow("does not bind the role");
  });

  test("while a member of the owner may migrate as the owner", async () => {
    const member = `${scratch.ownerRole}_member`;
    await asAdmin(`create role ${member} login password 'x' in role ${scratch.ownerRole}`);
    const database = scratch.ownerRole.replace(/_owner$/, "");
    const ownerUrl = addressWith(scratch.ownerUrl, { user: member, password: "x", database });
    await migrateUp(scratch.options({ ownerUrl, ownerRole: scratch.ownerRole, walls }));
    const [row] = await scratch.owner.query(
      "select tableowner as owner from pg_tables where tablename = 'sites'",
    );
    expect(row).toEqual({ owner: scratch.ownerRole });
    await asAdmin(`drop role ${member}`);
  });
});
