// The commands that come and go: what they print, where, and how they end.
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession } from "../../src/database/session.ts";
import { EXAMPLE, startTestBackend, type TestBackend } from "../support/backend.ts";
import { createTestDatabase, type TestDatabase, testAdminUrl } from "../support/postgres.ts";
import { type Ended, type Environment, runProgram } from "./program.ts";
import { copyExample, type ProjectCopy } from "./project-copy.ts";

describe("help", { concurrent: true }, () => {
  test.each([
    [
      ["--help"],
      ["dev", "start", "migrate", "database|db", "keys", "manifest", "access", "doctor"],
    ],
    [["dev", "--help"], ["embedded PostgreSQL"]],
    [
      ["start", "--help"],
      ["DATABASE_URL", "SECRET_KEY"],
    ],
    [
      ["migrate", "--help"],
      ["new", "up", "down", "status"],
    ],
    [
      ["migrate", "new", "--help"],
      ["<name>", "backwright migrate new"],
    ],
    [["migrate", "up", "--help"], ["--to"]],
    [["migrate", "down", "--help"], ["--steps"]],
    [["migrate", "status", "--help"], ["--json"]],
    [
      ["database", "setup", "--help"],
      ["--admin-url", "backwright database setup"],
    ],
    [
      ["keys", "create", "--help"],
      ["--tenant", "--role", "--subject", "--days"],
    ],
    [["manifest", "--help"], ["JSON"]],
    [["help", "migrate"], ["status"]],
  ])("%j goes to standard output and ends with 0", async (args, words) => {
    const { code, stdout, stderr } = await runProgram(args, { directory: "/" });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Usage: backwright/);
    for (const word of words) expect(stdout).toContain(word);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThan(101);
  });
});

describe("a mistake", { concurrent: true }, () => {
  // Planted fault: allowUnknownOption() -> red.
  test.each([
    [["deev"], /unknown command 'deev'\n\(Did you mean dev\?\)/],
    [["migrat", "up"], /Did you mean migrate\?/],
    [["migrate", "stauts"], /Did you mean status\?/],
    [["migrate", "up", "--too", "x"], /unknown option '--too'\n\(Did you mean --to\?\)/],
    [["--projekt", ".", "dev"], /Did you mean --project\?/],
    [["dev", "--bogus"], /unknown option '--bogus'/],
    [["dev", "now"], /too many arguments/],
    [["migrate", "new"], /missing required argument 'name'/],
    [["migrate", "down", "--steps", "none"], /It must be a whole number from 1/],
    [["migrate", "down", "--steps", "0"], /It must be a whole number from 1/],
    [["keys", "create"], /required option '--tenant <id>' not specified/],
    [["database", "setup"], /missing required argument 'name'/],
    [["keys", "lst"], /Did you mean list\?/],
    [["access", "--formt", "json"], /Did you mean --format\?/],
    [["keys", "rotate", "x", "--grace-minutes", "-1"], /It must be a whole number from 0 to 43200/],
    [["db", "rest"], /Did you mean reset\?/],
  ])("%j is named on standard error, with what was meant, and ends with 1", async (args, text) => {
    const { code, stdout, stderr } = await runProgram(args, { directory: EXAMPLE });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(text);
    expect(stderr).toContain("--help");
  });
});

describe("in a project", () => {
  let project: ProjectCopy;
  let database: TestDatabase;
  beforeAll(async () => {
    project = await copyExample();
    database = await createTestDatabase("commands");
  });
  afterAll(async () => {
    await database?.drop();
    await project?.remove();
  });

  const run = (args: readonly string[], environment: Environment = {}): Promise<Ended> =>
    runProgram(args, {
      directory: project.directory,
      environment: {
        DATABASE_URL: database.appUrl,
        DATABASE_OWNER_URL: database.ownerUrl,
        ...environment,
      },
    });

  async function succeeds(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(args);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
    return stdout;
  }

  const states = async (): Promise<Record<string, string>> => {
    const text = await succeeds("migrate", "status", "--json");
    const rows = JSON.parse(text) as { name: string; state: string }[];
    return Object.fromEntries(rows.map(({ name, state }) => [name, state]));
  };

  test("migrate status, up, new, up, down and up again do what they say", {
    timeout: 90_000,
  }, async () => {
    expect(await states()).toMatchObject({ "0001-init": "pending" });
    expect(await succeeds("migrate", "up")).toMatch(/applied 0001-init in \d+ ms/);
    expect(await succeeds("migrate", "up")).toBe("Nothing to do.\n");
    expect(await succeeds("migrate", "status")).toMatch(/^applied +app +0001-init /m);
    expect(await succeeds("migrate", "new", "nothing")).toContain("Nothing to migrate");

    const path = join(project.directory, "schema/places.ts");
    const schema = await readFile(path, "utf8");
    const column = 'address: text(),\n    openingHours: text("opening_hours"),';
    await writeFile(path, schema.replace("address: text(),", column));
    const written = await succeeds("migrate", "new", "opening-hours");
    expect(written).toContain("0006-opening-hours");
    const folder = join(project.directory, "migrations/0006-opening-hours");
    expect((await readdir(folder)).sort()).toEqual(["down.sql", "snapshot.json", "up.sql"]);
    expect(await readFile(join(folder, "up.sql"), "utf8")).toContain("opening_hours");
    expect(await states()).toMatchObject({ "0006-opening-hours": "pending" });

    expect(await succeeds("migrate", "up")).toContain("applied 0006-opening-hours");
    expect(await succeeds("migrate", "down")).toContain("taken back 0006-opening-hours");
    expect(await states()).toMatchObject({
      "0001-init": "applied",
      "0006-opening-hours": "pending",
    });
    expect(await succeeds("migrate", "up", "--to", "0006-opening-hours")).toContain("applied 0006");
    await succeeds("migrate", "down", "--steps", "6");
    expect(await states()).toMatchObject({ "0001-init": "pending" });
    await writeFile(path, schema);
    await rm(folder, { recursive: true });
    await succeeds("migrate", "up");
  });

  test("a migration changed after it was applied is named, with advice", async () => {
    const kept = join(project.directory, "kept");
    const folder = join(project.directory, "migrations/0001-init");
    await cp(folder, kept, { recursive: true });
    await writeFile(join(folder, "up.sql"), "select 1;\n");
    try {
      const status = await run(["migrate", "status", "--json"]);
      expect([status.code, status.stdout]).toEqual([1, expect.stringContaining('"changed"')]);
      const { code, stderr } = await run(["migrate", "up"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/0001-init: changed\n {2}fix: An applied file stays as it is/);
    } finally {
      await cp(kept, folder, { recursive: true });
      await rm(kept, { recursive: true });
    }
  });

  test("migrate without the owner's address says which setting is missing", async () => {
    const { code, stderr } = await run(["migrate", "up"], { DATABASE_OWNER_URL: undefined });
    expect(code).toBe(1);
    expect(stderr).toMatch(/DATABASE_OWNER_URL is not set.*\n {2}fix: DATABASE_OWNER_URL=/);
  });

  // Planted: folders like ours of the project passed over -> red.
  test("a backend that does not load is an error that names the file", async () => {
    const path = join(project.directory, "backend.ts");
    const kept = await readFile(path, "utf8");
    await writeFile(path, 'throw new Error("a mistake of mine");\n');
    const broken = await run(["manifest"]);
    const inner = join(project.directory, "src/app");
    await mkdir(inner, { recursive: true });
    await writeFile(join(inner, "part.ts"), '\nthrow new Error("a part of mine");\n');
    await writeFile(path, 'import "./src/app/part.ts";\n');
    const part = await run(["manifest"]);
    expect(part.stderr).toMatch(/backend\.ts could not be loaded: a part .*src\/app\/part\.ts:2\)/);
    await writeFile(path, "export default 1;\n");
    const wrong = await run(["manifest"]);
    await writeFile(path, kept);
    expect([broken.code, broken.stdout]).toEqual([1, ""]);
    expect(broken.stderr).toMatch(/backend\.ts:1 could not be loaded: a mistake of mine/);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/does not export a backend as its default\.\n {2}fix: /);
  });

  test("manifest is JSON, and the same bytes every time", async () => {
    const [first, second] = [await succeeds("manifest"), await succeeds("manifest")];
    expect(JSON.parse(first)).toMatchObject({ manifest: 1, name: "work-orders" });
    expect(second).toBe(first);
  });
});

describe("the embedded database", () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = await copyExample();
  });
  afterAll(() => project?.remove());
  const run = (args: readonly string[], environment: Environment = {}): Promise<Ended> =>
    runProgram(args, { directory: project.directory, environment });

  test("is opened by psql or another client, and deleted only when that is meant", {
    timeout: 60_000,
  }, async () => {
    await run(["migrate", "up"]);
    const url = await run(["db", "url"]);
    expect([url.code, url.stdout]).toEqual([0, expect.stringMatching(/^postgres:\/\/\w+_owner:/)]);
    const app = await run(["db", "url", "--app"]);
    expect(app.stdout).toMatch(/^postgres:\/\/\w+_app:/);

    const bin = join(project.directory, "bin");
    await mkdir(bin);
    const script = '#!/bin/sh\necho "$# $PGPASSWORD" "$@"\nexit 3\n';
    await writeFile(join(bin, "psql"), script, { mode: 0o755 });
    const psql = await run(["db", "psql", "--", "-c", "select 1"], {
      PATH: `${bin}:/usr/bin:/bin`,
    });
    expect(psql.code).toBe(3);
    const [, password = "", address = ""] = /^3 (\S+) (\S+) -c select 1\n/.exec(psql.stdout) ?? [];
    expect(address).toMatch(/^postgres:\/\/\w+_owner@/);
    expect(address).not.toContain(password);
    const none = await run(["db", "psql"], { PATH: bin.replace(/bin$/, "empty") });
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringMatching(/psql is not.*\n {2}fix: apt/),
    ]);

    const asked = await run(["db", "reset"]);
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining("Nothing was deleted")]);
    for (const setting of [{ NODE_ENV: "production" }, { DATABASE_URL: "postgres://x/y" }]) {
      const refused = await run(["db", "reset", "--yes"], setting);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("Only the emb")]);
    }
    expect((await run(["migrate", "status"])).stdout).toMatch(/applied +app +0001-init/);
    const { code, stdout } = await run(["db", "reset", "--yes"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("is gone")]);
    expect((await run(["migrate", "status"])).stderr).toContain("no development database yet");
  });
});

describe("keys create", () => {
  let backend: TestBackend;
  let tenant: string;
  beforeAll(async () => {
    backend = await startTestBackend("keys");
    tenant = await backend.tenant("Acme");
  });
  afterAll(() => backend?.close());

  const subject = "0197e7a6-0000-7000-8000-000000000001";
  const create = (args: readonly string[]): Promise<Ended> =>
    runProgram(["keys", "create", ...args], {
      directory: EXAMPLE,
      environment: {
        DATABASE_URL: backend.database.appUrl,
        DATABASE_OWNER_URL: backend.database.ownerUrl,
      },
    });

  test("prints a key that works, alone on standard output, and keeps only its hash", async () => {
    const args = ["--tenant", tenant, "--role", "manager", "--subject", subject, "--days", "2"];
    const { code, stdout, stderr } = await create(args);
    expect([code, stderr]).toEqual([0, "Keep it secret; it is not shown again.\n"]);
    expect(stdout).toMatch(/^bw_[A-Za-z0-9_-]{43}\n$/);
    const key = stdout.trim();
    expect((await backend.request("/v1/sites", { key })).status).toBe(200);
    const [row] = await backend.owner.query<{ text: string; days: number }>(
      `select row_to_json(k)::text as text,
         extract(epoch from expires_at - now())::float / 86400 as days
       from backwright.api_keys k`,
    );
    expect(row?.text).not.toContain(key.slice(9));
    expect(row?.days).toBeCloseTo(2, 2);
  });

  test.each([
    [["--role", "king"], /There is no role "king"\.\n {2}fix: --role manager \|/],
    [
      ["--tenant", "acme"],
      /There is no tenant "acme" in the database\.\n {2}fix: --tenant [0-9a-f-]{36}, or/,
    ],
    [["--subject", "ada"], /--subject must be a UUID/],
    [["--days", "-1"], /whole number from 1/],
  ])("with %j is refused", async (wrong, message) => {
    const good = ["--tenant", tenant, "--role", "manager", "--subject", subject];
    const { code, stdout, stderr } = await create([...good, ...wrong]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });

  test("for a tenant that does not exist is refused", async () => {
    const args = ["--tenant", subject, "--role", "manager", "--subject", subject];
    const { code, stdout, stderr } = await create(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/tenant/i);
  });
});

describe("database setup", () => {
  test("without an administrator prints SQL and touches nothing", async () => {
    const { code, stdout, stderr } = await runProgram(["database", "setup", "my_app"], {
      directory: "/",
    });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain('create role "my_app_owner" login nosuperuser');
    expect(stdout).toContain('create database "my_app" owner "my_app_owner"');
    expect(stdout).toContain("\\password");
  });

  test("with one makes the database and prints the two addresses, which work", async () => {
    const name = `setup_${Math.random().toString(36).slice(2, 10)}`;
    const args = ["database", "setup", name, "--admin-url", testAdminUrl()];
    const { code, stdout, stderr } = await runProgram(args, { directory: "/" });
    const admin = await openSession(testAdminUrl());
    try {
      expect([code, stderr]).toEqual([0, expect.stringContaining("not shown again")]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines.map((line) => line.split("=")[0])).toEqual([
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
      ]);
      for (const line of lines) {
        const session = await openSession(line.slice(line.indexOf("=") + 1));
        const [row] = await session.query<{ name: string }>("select current_database() as name");
        expect(row?.name).toBe(name);
        await session.close();
      }
    } finally {
      await admin.query(`drop database if exists ${name} with (force)`);
      for (const role of ["app", "owner"]) await admin.query(`drop role if exists ${name}_${role}`);
      await admin.close();
    }
  });

  test("with a name that PostgreSQL cannot carry is refused", async () => {
    const { code, stderr } = await runProgram(["database", "setup", "x".repeat(60)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/60 bytes.*\n {2}fix: /);
  });
});
