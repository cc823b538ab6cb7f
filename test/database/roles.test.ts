import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressWith } from "../../src/database/embedded-url.ts";
import { checkServingRole, roleNames, setupDatabase, setupSql } from "../../src/database/roles.ts";
import { openSession } from "../../src/database/session.ts";
import { createTestDatabase, type TestDatabase, testAdminUrl } from "../support/postgres.ts";

const adminUrl = testAdminUrl();
const PASSWORDS = { owner: "owner password", app: "app password" };

async function query<T>(url: string, text: string, values?: readonly unknown[]): Promise<T[]> {
  const session = await openSession(url);
  try {
    return await session.query<T>(text, values);
  } finally {
    await session.close();
  }
}

async function remove(database: string): Promise<void> {
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  await query(adminUrl, `drop database if exists ${quote(database)} with (force)`);
  for (const role of Object.values(roleNames(database))) {
    await query(adminUrl, `drop role if exists ${quote(role)}`);
  }
}

const loginTo = (database: string, role: "owner" | "app", passwords = PASSWORDS) =>
  addressWith(adminUrl, {
    user: roleNames(database)[role],
    password: passwords[role],
    database,
  });

async function check(url: string, before = "select 1"): Promise<void> {
  const session = await openSession(url);
  try {
    await session.query(before);
    await checkServingRole(async (text) => ({ rows: await session.query(text) }));
  } finally {
    await session.close();
  }
}

/** What the roles and the database are, as the catalogue says it. */
async function facts(database: string): Promise<unknown> {
  const { owner, app } = roleNames(database);
  const roles = await query(
    adminUrl,
    `select rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication,
       rolcanlogin, (select rolpassword from pg_authid a where a.oid = r.oid) as verifier
     from pg_roles r where rolname = any($1) order by rolname`,
    [[owner, app]],
  );
  const databases = await query(
    adminUrl,
    `select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding,
       datacl::text as privileges from pg_database where datname = $1`,
    [database],
  );
  return { roles, databases };
}

describe("setupDatabase", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase("roles_setup");
  });
  afterAll(() => database.drop());

  // Planted fault: no revoke from public -> red ("anybody" may connect); create role with
  // createrole -> red.
  test("makes two ordinary logins: an owner, and an app that owns nothing", async () => {
    const { owner, app } = roleNames(database.database);
    const ordinary = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolcanlogin: true,
      verifier: expect.stringMatching(/^SCRAM-SHA-256\$4096:/),
    };
    expect(await facts(database.database)).toEqual({
      roles: [
        { rolname: app, ...ordinary },
        { rolname: owner, ...ordinary },
      ],
      databases: [
        { owner, encoding: "UTF8", privileges: `{${owner}=CTc/${owner},${app}=c/${owner}}` },
      ],
    });
    await query(database.ownerUrl, "create table made_by_owner (id int)");
    await expect(query(database.appUrl, "create table made_by_app (id int)")).rejects.toThrow(
      /permission denied for schema public/,
    );
    await expect(query(database.appUrl, "create temporary table t (id int)")).rejects.toThrow(
      /permission denied/,
    );
  });

  test("keeps the roles of one database out of another", async () => {
    const other = await createTestDatabase("roles_other");
    const crossed = addressWith(database.appUrl, { database: other.database });
    await expect(openSession(crossed)).rejects.toThrow(/permission denied for database/);
    await other.drop();
  });

  // Planted fault: alter role at every call -> red (the verifier gets a new salt).
  test("changes nothing when all is right", async () => {
    const name = `roles_again_${process.pid}`;
    const options = { adminUrl, database: name, passwords: PASSWORDS };
    await setupDatabase(options);
    const before = await facts(name);
    await setupDatabase(options);
    expect(await facts(name)).toEqual(before);
    await remove(name);
  });

  // Planted fault: attributes only at creation -> red; password only at creation -> red.
  test("corrects what somebody changed: rights, password, owner, privileges", async () => {
    const name = `roles_drift_${process.pid}`;
    const { owner, app } = roleNames(name);
    await setupDatabase({ adminUrl, database: name, passwords: PASSWORDS });
    const before = await facts(name);
    await query(adminUrl, `alter role "${app}" superuser bypassrls createdb createrole`);
    await query(adminUrl, `alter role "${owner}" nologin password 'other'`);
    await query(adminUrl, `grant all on database "${name}" to public`);
    await query(adminUrl, `alter database "${name}" owner to current_user`);
    await query(addressWith(adminUrl, { database: name }), "grant all on schema public to public");
    await setupDatabase({ adminUrl, database: name, passwords: PASSWORDS });
    const verifier = expect.stringMatching(/^SCRAM/);
    const after = (await facts(name)) as { roles: object[]; databases: object[] };
    const expected = before as { roles: object[]; databases: object[] };
    expect(after.databases).toEqual(expected.databases);
    expect(after.roles).toEqual(expected.roles.map((role) => ({ ...role, verifier })));
    await query(loginTo(name, "owner"), "create table t (id int)");
    await expect(query(loginTo(name, "app"), "create table u (id int)")).rejects.toThrow(/denied/);
    await remove(name);
  });

  test("sets new passwords, and the old ones stop working", async () => {
    const name = `roles_password_${process.pid}`;
    await setupDatabase({ adminUrl, database: name, passwords: PASSWORDS });
    const passwords = { owner: "second, with 'quotes' and $1", app: '\\second"' };
    await setupDatabase({ adminUrl, database: name, passwords });
    expect(await query(loginTo(name, "owner", passwords), "select 1 as one")).toHaveLength(1);
    expect(await query(loginTo(name, "app", passwords), "select 1 as one")).toHaveLength(1);
    await expect(openSession(loginTo(name, "app"))).rejects.toThrow(/password authentication/);
    await remove(name);
  });

  // Planted fault: no advisory lock -> red (duplicate key in pg_authid, or tuple concurrently
  // updated).
  test("may be called by many at once", async () => {
    const name = `roles_race_${process.pid}`;
    const options = { adminUrl, database: name, passwords: PASSWORDS };
    await Promise.all(Array.from({ length: 6 }, () => setupDatabase(options)));
    expect(await query(loginTo(name, "app"), "select 1 as one")).toHaveLength(1);
    await remove(name);
  });

  // Planted fault: identifiers in plain quotes -> red.
  test("works for a name with quotes, spaces and 57 bytes", async () => {
    for (const name of [`we"ird' na;me %${process.pid}`, `${"ü".repeat(28)}x`]) {
      await setupDatabase({ adminUrl, database: name, passwords: PASSWORDS });
      const [row] = await query(loginTo(name, "app"), "select current_user::text as role");
      expect(row).toEqual({ role: `${name}_app` });
      await remove(name);
    }
  });

  test("refuses names that no role can carry, and passwords that drivers differ on", async () => {
    for (const name of ["", "x".repeat(58), "ü".repeat(29), "a\0b"]) {
      expect(() => roleNames(name)).toThrow(/cannot name a database/);
    }
    expect(roleNames("x".repeat(57)).owner).toHaveLength(63);
    const passwords = { owner: "pässword", app: "x" };
    const refused = setupDatabase({ adminUrl, database: `roles_never_${process.pid}`, passwords });
    await expect(refused).rejects.toThrow(/printable ASCII/);
  });

  // Planted fault: without allowSetRole -> red ("must be able to SET ROLE"); repeating NOSUPERUSER
  // in alter role -> red.
  test("needs no superuser: CREATEROLE and CREATEDB are enough", async () => {
    const name = `roles_modest_${process.pid}`;
    const admin = `admin_${process.pid}`;
    await query(adminUrl, `create role ${admin} login createrole createdb password 'modest'`);
    const modestUrl = addressWith(adminUrl, {
      user: admin,
      password: "modest",
      database: "postgres",
    });
    const options = { adminUrl: modestUrl, database: name, passwords: PASSWORDS };
    await setupDatabase(options);
    await setupDatabase(options);
    await check(loginTo(name, "app"));
    await query(loginTo(name, "owner"), "create table t (id int)");
    await remove(name);
    await query(adminUrl, `drop role ${admin}`);
  });

  // Planted fault: `password '<text>'` instead of the verifier -> red.
  test("never sends a password in clear text", async ({ skip }) => {
    const [preloaded] = await query<{ libraries: string }>(
      adminUrl,
      "select current_setting('shared_preload_libraries') as libraries",
    );
    skip(!preloaded?.libraries.includes("pg_stat_statements"), "this server keeps no statements");
    const name = `roles_secret_${process.pid}`;
    const passwords = { owner: "clear-text-owner", app: "clear-text-app" };
    const watched = addressWith(adminUrl, { database: "postgres" });
    await query(watched, "create extension if not exists pg_stat_statements");
    await query(watched, "select pg_stat_statements_reset()");
    await setupDatabase({ adminUrl, database: name, passwords });
    const statements = await query<{ query: string }>(
      watched,
      "select query from pg_stat_statements where query ilike '%role%'",
    );
    expect(statements.length).toBeGreaterThan(0);
    expect(JSON.stringify(statements)).not.toContain("clear-text");
    await remove(name);
  });
});

describe("setupSql", () => {
  // Planted fault: without the revoke -> red (setupDatabase finds other privileges).
  test("leads to what setupDatabase makes", async () => {
    const [byText, byCode] = [`sql"text_${process.pid}`, `sql"code_${process.pid}`];
    const script = setupSql(byText);
    expect(script.match(/^\\password ".*"$/gm)).toEqual([
      `\\password "sql""text_${process.pid}_owner"`,
      `\\password "sql""text_${process.pid}_app"`,
    ]);
    const [outside = "", inside = ""] = script.split(/^\\connect .*$/m);
    const statements = (text: string) => text.match(/^(?!--|\\).+;$/gm) ?? [];
    for (const statement of statements(outside)) await query(adminUrl, statement);
    const url = addressWith(adminUrl, { database: byText });
    for (const statement of statements(inside)) await query(url, statement);
    await setupDatabase({ adminUrl, database: byCode, passwords: PASSWORDS });
    const text = JSON.stringify(await facts(byText)).replaceAll("text_", "code_");
    const code = JSON.stringify(await facts(byCode)).replace(/"SCRAM[^"]*"/g, "null");
    expect(text).toBe(code);
    await remove(byText);
    await remove(byCode);
  });
});

describe("checkServingRole", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase("roles_check");
  });
  afterAll(() => database.drop());

  test("accepts the app role", async () => {
    await expect(check(database.appUrl)).resolves.toBeUndefined();
  });

  test("refuses a superuser, also behind SET ROLE", async () => {
    await expect(check(database.adminUrl)).rejects.toThrow(/which is a superuser/);
    const behind = `set role "${roleNames(database.database).app}"`;
    await expect(check(database.adminUrl, behind)).rejects.toThrow(/which is a superuser/);
  });

  test("refuses the owner of the database and whoever can become it", async () => {
    await expect(check(database.ownerUrl)).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringContaining(`owns the database "${database.database}"`),
      fix: expect.stringMatching(/DATABASE_URL=postgres:.*_app.*DATABASE_OWNER_URL/),
    });
    const { owner, app } = roleNames(database.database);
    await query(adminUrl, `grant "${owner}" to "${app}" with inherit false`);
    await expect(check(database.appUrl)).rejects.toThrow(/owns the database/);
    await query(adminUrl, `revoke "${owner}" from "${app}"`);
  });

  // Planted fault: owned_table without membership -> red in the second half.
  test("refuses the owner of any table, directly or through a role", async () => {
    const { app } = roleNames(database.database);
    await query(database.adminUrl, "create schema elsewhere");
    await query(database.adminUrl, "create table elsewhere.things (id int)");
    await query(database.adminUrl, `alter table elsewhere.things owner to "${app}"`);
    await expect(check(database.appUrl)).rejects.toThrow(/owns the table elsewhere\.things/);
    const group = `group_${process.pid}`;
    await query(adminUrl, `create role ${group}`);
    await query(database.adminUrl, `alter table elsewhere.things owner to ${group}`);
    await expect(check(database.appUrl)).resolves.toBeUndefined();
    await query(adminUrl, `grant ${group} to "${app}"`);
    await expect(check(database.appUrl)).rejects.toThrow(/owns the table elsewhere\.things/);
    await query(database.adminUrl, "drop schema elsewhere cascade");
    await query(adminUrl, `drop role ${group}`);
  });

  test("refuses BYPASSRLS", async () => {
    const { app } = roleNames(database.database);
    await query(adminUrl, `alter role "${app}" bypassrls`);
    await expect(check(database.appUrl)).rejects.toThrow(/BYPASSRLS/);
    await query(adminUrl, `alter role "${app}" nobypassrls`);
  });

  test("refuses a server before PostgreSQL 18", async () => {
    const old = checkServingRole(async () => ({
      rows: [{ version: 170_004, version_name: "17.4" }],
    }));
    await expect(old).rejects.toMatchObject({
      message: expect.stringContaining("PostgreSQL 17.4; 18 or newer is needed"),
      fix: expect.stringContaining("PostgreSQL 18"),
    });
  });
});

test("a throw-away database leaves neither itself nor its roles behind", async ({ annotate }) => {
  const begin = performance.now();
  const databases = [];
  for (let count = 0; count < 5; count += 1) databases.push(await createTestDatabase("timing"));
  const createMs = (performance.now() - begin) / 5;
  for (const database of databases) await database.drop();
  const dropMs = (performance.now() - begin) / 5 - createMs;
  await annotate(`create ${createMs.toFixed(0)} ms, drop ${dropMs.toFixed(0)} ms`);
  const names = databases.flatMap(({ database }) => [
    database,
    ...Object.values(roleNames(database)),
  ]);
  const left = await query(
    adminUrl,
    `select rolname from pg_roles where rolname = any($1)
     union all select datname from pg_database where datname = any($1)`,
    [names],
  );
  expect(names).toHaveLength(15);
  expect(left).toEqual([]);
});
