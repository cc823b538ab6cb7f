// What the doctor finds: each finding is made on purpose once, and its end is the exit code.
//
// Planted faults, each red before it was taken out again:
// - the doctor that opens the database as other commands do -> a project without a database
// - hasPendingChanges that is always false -> tables that no migration has yet
// - missingGrants and assertWalls not asked -> rights and walls
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeVersion, ownVersion, unknownSettings } from "../../src/app/doctor.ts";
import type { Finding } from "../../src/app/finding.ts";
import { openSession } from "../../src/database/session.ts";
import { EXAMPLE } from "../support/backend.ts";
import { createTestDatabase, type TestDatabase, testAdminUrl } from "../support/postgres.ts";
import { type Environment, runProgram } from "./program.ts";
import { copyExample, type ProjectCopy } from "./project-copy.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase("doctor");
});
afterAll(() => database?.drop());

async function examine(environment: Environment = {}, directory = EXAMPLE) {
  const { code, stdout, stderr } = await runProgram(["doctor", "--json"], {
    directory,
    environment: {
      DATABASE_URL: database.appUrl,
      DATABASE_OWNER_URL: database.ownerUrl,
      SECRET_KEY: "0123456789abcdef0123456789abcdef",
      ...environment,
    },
  });
  expect(stderr).toBe("");
  const findings: readonly Finding[] = JSON.parse(stdout);
  return { code, of: (about: string) => findings.filter((one) => one.about === about) };
}

test("a database that is not migrated is a warning, and everything else is in order", async () => {
  const { code, of } = await examine();
  expect(code).toBe(0);
  const abouts = ["Node", "backwright", "settings", "backend", "tables", "port", "app login"];
  for (const about of [...abouts, "PostgreSQL", "connections", "clock", "owner login"]) {
    expect(of(about)).toMatchObject([{ level: "ok" }]);
  }
  expect(of("migrations")).toMatchObject([{ level: "warning", fix: "npx backwright migrate up" }]);
});

describe("in a project of its own", () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = await copyExample();
  });
  afterAll(() => project?.remove());
  const embedded = () =>
    examine({ DATABASE_URL: undefined, DATABASE_OWNER_URL: undefined }, project.directory);
  const isThere = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );

  test("a project without a database is told how to get one, and gets none", async () => {
    const { code, of } = await embedded();
    expect(code).toBe(0);
    expect(of("database")).toMatchObject([{ level: "warning", message: "there is none yet" }]);
    expect(of("database")[0]?.fix).toMatch(/^npx backwright dev/);
    expect([of("app login"), of("migrations")]).toEqual([[], []]);
    expect(await isThere(project.state)).toBe(false);
  });

  // Planted: `complete` whatever the name -> red.
  test("an environment by name that has no database is no complete one", async () => {
    const none = { DATABASE_URL: undefined, DATABASE_OWNER_URL: undefined };
    const { of } = await examine({ ...none, BACKWRIGHT_ENV: "staging" }, project.directory);
    const message = "of staging have no DATABASE_URL: `start` would refuse them";
    expect(of("settings")).toMatchObject([{ level: "warning", message }]);
  });

  test("a database that is there is looked at, and left as it was", {
    timeout: 90_000,
  }, async () => {
    const upTo = ["migrate", "up", "--to", "0001-init"];
    await runProgram(upTo, { directory: project.directory });
    for (const _ of [1, 2]) {
      const { code, of } = await embedded();
      expect(code).toBe(0);
      expect(of("app login")).toMatchObject([{ level: "ok" }]);
      expect(of("migrations")).toMatchObject([
        { level: "warning", fix: "npx backwright migrate up" },
      ]);
      expect(of("migrations")[0]?.message).toContain("0002-search");
      expect(await project.postmaster()).toBeUndefined();
    }
  });

  test("tables that no migration has yet are a warning, whatever the database says", async () => {
    const path = join(project.directory, "schema/places.ts");
    const schema = await readFile(path, "utf8");
    await writeFile(path, schema.replace("address: text(),", "address: text(), hours: text(),"));
    const { code, of } = await examine({}, project.directory);
    await writeFile(path, schema);
    expect(code).toBe(0);
    const fix = "npx backwright migrate new <name>";
    expect(of("tables")).toMatchObject([{ level: "warning", fix }]);
  });
});

test("rights and walls that are not those of a migration run are told", {
  timeout: 90_000,
}, async () => {
  const settings = { DATABASE_URL: database.appUrl, DATABASE_OWNER_URL: database.ownerUrl };
  const up = () => runProgram(["migrate", "up"], { directory: EXAMPLE, environment: settings });
  expect((await up()).code).toBe(0);
  const good = await examine();
  expect(good.code).toBe(0);
  expect([good.of("migrations"), good.of("rights"), good.of("walls")]).toMatchObject([
    [{ level: "ok" }],
    [{ level: "ok" }],
    [{ level: "ok", message: expect.stringMatching(/^keep tenants apart in \d\d tables$/) }],
  ]);
  const owner = await openSession(database.ownerUrl);
  const [app] = await owner.query<{ name: string }>(
    "select rolname as name from pg_roles where rolname like current_database() || '%app'",
  );
  await owner.query(`revoke insert on sites from "${app?.name}"`);
  const poor = await examine();
  await owner.query("alter table sites disable row level security");
  const open = await examine();
  await owner.query("alter table sites enable row level security");
  await owner.close();
  expect(poor.of("rights")).toMatchObject([{ level: "warning", fix: "npx backwright migrate up" }]);
  expect([open.code, open.of("walls")]).toMatchObject([
    1,
    [{ level: "failure", message: expect.stringContaining("public.sites has row level secur") }],
  ]);
  expect((await up()).code).toBe(0);
  expect((await examine()).of("rights")).toMatchObject([{ level: "ok" }]);
});

test("another copy of the package than the project's is a warning", async () => {
  const folder = await mkdtemp(join(tmpdir(), "backwright-version-"));
  const installed = join(folder, "node_modules/backwright");
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, "package.json"), JSON.stringify({ version: "0.0.9" }));
  const inside = join(folder, "apps/api");
  const [other, same] = [ownVersion(inside, "0.1.0"), ownVersion(inside, "0.0.9")];
  await rm(folder, { recursive: true });
  expect(other).toMatchObject({ level: "warning", fix: "npx backwright doctor" });
  expect(other.message).toBe("this is 0.1.0, but the project has 0.0.9");
  expect([same.level, ownVersion("/", "0.1.0").level]).toEqual(["ok", "ok"]);
});

test("what keeps a backend from serving is a failure, and the exit code says so", async () => {
  const admin = await examine({ DATABASE_URL: testAdminUrl() });
  expect([admin.code, admin.of("app login")[0]?.level]).toEqual([1, "failure"]);
  expect(admin.of("app login")[0]?.message).toContain("superuser");
  const silent = await examine({ DATABASE_URL: "postgres://a:secret@127.0.0.1:1/x" });
  expect([silent.code, silent.of("app login")[0]?.level]).toEqual([1, "failure"]);
  expect(JSON.stringify(silent.of("app login"))).not.toContain("secret");
  const bare = await examine({ SECRET_KEY: undefined });
  expect([bare.code, bare.of("settings")[0]?.message]).toEqual([
    1,
    "SECRET_KEY is not set. It signs page cursors.",
  ]);
  const greedy = await examine({
    DATABASE_WRITE_CONNECTIONS: "64",
    DATABASE_READ_CONNECTIONS: "16",
  });
  expect(greedy.of("connections")[0]?.message).toMatch(/^80 a process; \d+ of \d+ are in use/);
});

test("a port that is taken is a failure", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { code, of } = await examine({ PORT: String(port), HOST: "127.0.0.1" });
  taken.close();
  expect([code, of("port")[0]?.level]).toEqual([1, "failure"]);
});

test("in words every finding is one line with a mark, without colours when piped", async () => {
  const { code, stdout } = await runProgram(["doctor"], {
    directory: EXAMPLE,
    environment: { DATABASE_URL: database.appUrl, CORS_ORIGIN: "*" },
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^✓ Node +\d+\.\d+\.\d+\n✓ backwright +\S+\n✗ settings +SECRET_KEY is/);
  expect(stdout).toContain(
    "! settings    CORS_ORIGIN is not a setting; did you mean CORS_ORIGINS?",
  );
  expect(stdout).toMatch(/\n {14}fix: SECRET_KEY=/);
});

describe("a variable", () => {
  // Planted fault: a letter too many not looked for -> red.
  test.each([
    ["DATABASE_URI", "DATABASE_URL"],
    ["DATABSE_URL", "DATABASE_URL"],
    ["DATABASE_URLS", "DATABASE_URL"],
    ["DATABASEE_URL", "DATABASE_URL"],
    ["SECERT_KEY", "SECRET_KEY"],
    ["LOG_LEVL", "LOG_LEVEL"],
    ["DATABASE_URL", undefined],
    ["DATABASE_PORT", undefined],
    ["POST", undefined],
    ["HOSTS", undefined],
  ])("%s is taken for %s", (name, meant) => {
    const [finding] = unknownSettings({ [name]: "x" });
    expect(finding?.message).toEqual(
      meant === undefined ? undefined : expect.stringContaining(`did you mean ${meant}?`),
    );
  });
});

test("a Node that is too old is a failure", () => {
  const level = (version: string): string => nodeVersion(version).level;
  expect(["20.19.0", "22.17.9", "22.18.0", "24.0.0"].map(level)).toEqual([
    "failure",
    "failure",
    "ok",
    "ok",
  ]);
});
