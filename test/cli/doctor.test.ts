// What the doctor finds: each finding is made on purpose once, and its end is the exit code.
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Finding, nodeVersion, unknownSettings } from "../../src/app/doctor.ts";
import { EXAMPLE } from "../support/backend.ts";
import { createTestDatabase, type TestDatabase, testAdminUrl } from "../support/postgres.ts";
import { type Environment, runProgram } from "./program.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase("doctor");
});
afterAll(() => database?.drop());

async function examine(environment: Environment = {}) {
  const { code, stdout, stderr } = await runProgram(["doctor", "--json"], {
    directory: EXAMPLE,
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
  const abouts = ["Node", "settings", "backend", "port", "app login", "PostgreSQL", "connections"];
  for (const about of [...abouts, "clock", "owner login"]) {
    expect(of(about)).toMatchObject([{ level: "ok" }]);
  }
  expect(of("migrations")).toMatchObject([{ level: "warning", fix: "backwright migrate up" }]);
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
  expect(stdout).toMatch(/^✓ Node +\d+\.\d+\.\d+\n✗ settings +SECRET_KEY is not set/);
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
