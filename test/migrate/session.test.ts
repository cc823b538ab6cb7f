import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { addressWith } from "../../src/database/embedded-url.ts";
import { openSession, postgresFailure } from "../../src/database/session.ts";
import { createScratch, type Scratch } from "./scratch.ts";

let scratch: Scratch;
beforeAll(async () => {
  scratch = await createScratch();
});
afterAll(() => scratch.drop());

describe("a session", () => {
  test("works in UTC, under its name, and passes notices on", async () => {
    const notices: string[] = [];
    const onNotice = (message: string) => notices.push(message);
    const session = await openSession(scratch.ownerUrl, { applicationName: "me", onNotice });
    const [row] = await session.query(
      `do $$ begin raise notice 'half-way'; end $$;
       select current_setting('TimeZone') as zone, current_setting('application_name') as name`,
    );
    await session.close();
    expect(row).toEqual({ zone: "UTC", name: "me" });
    expect(notices).toEqual(["half-way"]);
  });

  test("takes one statement with values, even with none, and any number without", async () => {
    const { owner } = scratch;
    expect(await owner.query("select 1 as a; select 2 as a")).toEqual([{ a: 2 }]);
    expect(await owner.query("select $1::int as a", [3])).toEqual([{ a: 3 }]);
    await expect(owner.query("select 1; select 2", [])).rejects.toThrow("multiple commands");
    expect(await owner.query("-- nothing")).toEqual([]);
  });

  test("that the server ends fails at its next query, not the process", async () => {
    const session = await openSession(scratch.ownerUrl);
    const [row] = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
    const ended = session.query("select pg_sleep(10)").catch((error: unknown) => error);
    await scratch.owner.query("select pg_terminate_backend($1)", [row?.pid]);
    expect(postgresFailure(await ended)?.code).toBe("57P01");
    const next = await session.query("select 1").catch((error: unknown) => error);
    expect(next).toBeInstanceOf(Error);
    expect(postgresFailure(next)).toBeNull();
    await session.close();
  });
});

describe("a connection that fails names host, database and what to check", () => {
  const named = (database: string, host = "127.0.0.1:1") =>
    `Cannot connect to the database "${database}" at ${host} as "me"`;
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["postgres://me:secret@127.0.0.1:1/shop", named("shop"), /PostgreSQL runs there/],
    ["postgres://me:secret@/shop?host=/no/such", `socket /no/such/.s.PGSQL.5432`, /runs there/],
    ["postgres://me:secret@no-host.invalid/shop", "no-host.invalid:5432", /host name/],
    ["postgres://me:secret@[", "not a valid PostgreSQL URL", /percent-encoded/],
  ];
  test.each(cases)("%s", async (url, message, fix) => {
    const failure = await openSession(url).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    if (!(failure instanceof StartError)) return;
    expect(failure.message).toContain(message);
    expect(failure.fix).toMatch(fix);
    expect(`${failure.message}${failure.fix}`).not.toContain("secret");
  });

  test("a wrong password and a missing database", async () => {
    const { ownerUrl, ownerRole } = scratch;
    const database = ownerRole.replace(/_owner$/, "");
    const password = addressWith(ownerUrl, { password: "secret", database });
    const refused = openSession(password);
    await expect(refused).rejects.toThrow(`as "${ownerRole}"`);
    await expect(refused).rejects.toMatchObject({
      fix: expect.stringContaining("user and password"),
    });
    await expect(openSession(addressWith(ownerUrl, { database: "none" }))).rejects.toMatchObject({
      fix: 'Create the database "none", or correct its name in the address.',
    });
  });
});
