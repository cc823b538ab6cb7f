// `backwright start`: production. It refuses what is unsafe or incomplete, says what to do, and
// keeps secrets to itself.

import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadProject } from "../../src/app/project.ts";
import { roleNames } from "../../src/database/roles.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { findersOf } from "../../src/sql/finder.ts";
import { exchange, requestText } from "../server/raw-http.ts";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Ended, type Environment, type Program, runProgram, startProgram } from "./program.ts";

const SECRET_KEY = "a-secret-key-of-thirty-two-letters";
let backend: TestBackend;
let person: Person;
const programs: Program[] = [];
beforeAll(async () => {
  backend = await startTestBackend("start");
  person = await backend.person(await backend.tenant("Acme"), "manager");
});
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill("SIGKILL");
});
afterAll(() => backend?.close());

const START = ["start", "--project", EXAMPLE];

function production(environment: Environment = {}): Environment {
  const url = backend.database.appUrl;
  return { DATABASE_URL: url, SECRET_KEY, HOST: "127.0.0.1", PORT: "0", ...environment };
}

/** What a refused start says; nothing is on standard output. */
async function refusal(environment: Environment): Promise<string> {
  const ended = await runProgram(START, { environment });
  expect([ended.code, ended.stdout]).toEqual([1, ""]);
  expect(ended.stderr).toMatch(/^error .+\n {2}fix: .+/);
  expect(ended.stderr).not.toMatch(/ {4}at |node:internal/);
  return ended.stderr;
}

async function serving(environment: Environment): Promise<{ program: Program; url: string }> {
  const program = startProgram(START, { environment });
  programs.push(program);
  const [, url = ""] = await program.prints(/"url":"(http:[^"]+)"/);
  return { program, url };
}

describe("a start is refused, with a fix,", { concurrent: true }, () => {
  test.each<[what: string, setting: Environment, message: RegExp]>([
    ["without DATABASE_URL", { DATABASE_URL: undefined }, /DATABASE_URL is not set/],
    ["with an empty DATABASE_URL", { DATABASE_URL: "" }, /DATABASE_URL is not set/],
    ["with another database's", { DATABASE_URL: "mysql://h/x" }, /not a PostgreSQL address/],
    ["without SECRET_KEY", { SECRET_KEY: undefined }, /SECRET_KEY is not set/],
    ["with a short SECRET_KEY", { SECRET_KEY: "short" }, /shorter than 32/],
    ["with a PORT that is none", { PORT: "http" }, /PORT must be a whole number/],
    ["with an unknown LOG_LEVEL", { LOG_LEVEL: "loud" }, /LOG_LEVEL must be one of/],
    [
      "with a statement timeout of nothing",
      { DATABASE_STATEMENT_TIMEOUT: "0" },
      /DATABASE_STATEMENT_TIMEOUT must be/,
    ],
  ])("%s", async (_what, setting, message) => {
    expect(await refusal(production(setting))).toMatch(message);
  });

  // Planted fault: serve() without checkServingRole -> red, see roles.test.ts for each reason.
  test("as a superuser", async () => {
    const said = await refusal(production({ DATABASE_URL: backend.database.adminUrl }));
    expect(said).toMatch(/superuser.*tenants would not be kept apart/);
    expect(said).toMatch(/fix: .*_app/);
  });

  test("as the owner", async () => {
    const said = await refusal(production({ DATABASE_URL: backend.database.ownerUrl }));
    expect(said).toMatch(/tenants would not be kept apart/);
  });

  test("where PostgreSQL does not answer, and the password is not repeated", async () => {
    const url = "postgres://app:a-password@127.0.0.1:9/app";
    const said = await refusal(production({ DATABASE_URL: url }));
    expect(said).toMatch(/Cannot connect to the database "app" at 127\.0\.0\.1:9/);
    expect(said).not.toContain("a-password");
  });

  test("with a wrong password, which is not repeated", async () => {
    const url = new URL(backend.database.appUrl.replace("@/", "@localhost/"));
    url.password = "wrong-password";
    const said = await refusal(production({ DATABASE_URL: url.href }));
    expect(said).toMatch(/password authentication failed/);
    expect(said).not.toContain("wrong-password");
  });

  test("where its port is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await refusal(production({ PORT: String(port) }))).toContain(`Port ${port} is taken`);
    taken.close();
  });

  test("in a folder without a backend", async () => {
    const empty = await mkdtemp(join(tmpdir(), "backwright-empty-"));
    const ended = await runProgram(["start"], { directory: empty, environment: production() });
    await rm(empty, { recursive: true });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/There is no backend\.ts in .*\n {2}fix: .*--project/);
  });
});

test("--verbose shows the cause of a refusal, still without the password", async () => {
  const environment = production({ DATABASE_URL: "postgres://app:a-password@127.0.0.1:9/app" });
  const { code, stderr } = await runProgram(["--verbose", ...START], { environment });
  expect(code).toBe(1);
  expect(stderr).toMatch(/caused by: .*ECONNREFUSED/s);
  expect(stderr).not.toContain("a-password");
});

describe("while it serves", () => {
  let ended: Ended;
  let url: string;
  beforeAll(async () => {
    const started = await serving(production({ LOG_LEVEL: "trace" }));
    programs.pop(); // It serves several tests.
    url = started.url;
    const headers = {
      authorization: `Bearer ${person.key}`,
      "x-request-id": "asked-by-a-test",
      cookie: "session=a-cookie",
    };
    const body = JSON.stringify({ name: "a-body" });
    for (const text of [
      requestText({ path: "/v1/sites", headers, body }),
      requestText({ path: "/v1/sites?filter[name]=a-value", headers }),
      requestText({ path: "/v1/sites", headers: { authorization: "Bearer bw_guess" } }),
      requestText({ path: "/v1/nothing?q=a-value", headers }),
      "GARBAGE a-value\r\n\r\n",
    ]) {
      await exchange(url, text);
    }
    ended = await started.program.kill("SIGTERM");
  });

  // Planted fault: print("Stopping…") -> red, it is no JSON.
  test("standard output is JSON, one line each, and standard error is empty till the end", () => {
    const lines = ended.stdout.trimEnd().split("\n");
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(parsed[0]).toMatchObject({ level: 30, msg: "serving", url });
    expect(parsed.filter((line) => line.msg === "request")).toHaveLength(4);
    expect(parsed.filter((line) => line.requestId === "asked-by-a-test")).toHaveLength(3);
    expect(ended.stderr).toBe("Stopping…\n");
    expect(ended.code).toBe(0);
  });

  // Planted fault: log.info({ settings }) in runProduction -> red.
  test("no secret, body, cookie or value of a query is in it", () => {
    const { password } = new URL(backend.database.appUrl.replace("@/", "@localhost/"));
    const secrets = [SECRET_KEY, password, person.key, "bw_guess", "a-cookie", "a-body", "a-value"];
    for (const secret of secrets) expect(ended.stdout).not.toContain(secret);
  });

  test("no key is made or printed: that is for development", async () => {
    const keys = await backend.owner.query("select from backwright.api_keys");
    expect(keys).toHaveLength(1);
    expect(ended.stdout).not.toMatch(/bw_/);
  });
});

describe("with a migration that is pending", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase("pending");
  });
  afterAll(() => database?.drop());

  // Planted fault: runProduction with readiness that is always true -> red.
  test("it is alive but not ready, says why, and is ready once it is applied", async () => {
    const { url } = await serving(production({ DATABASE_URL: database.appUrl }));
    const ask = async (path: string) => {
      const reply = await exchange(url, requestText({ path }));
      return [reply.status, JSON.parse(reply.body) as unknown] as const;
    };
    expect(await ask("/health")).toEqual([200, { status: "ok" }]);
    expect(await ask("/ready")).toEqual([
      503,
      { status: "not ready", reason: expect.stringMatching(/migration/) },
    ]);
    const options = {
      ownerUrl: database.ownerUrl,
      appRole: roleNames(database.database).app,
      directory: join(EXAMPLE, "migrations"),
      system: SYSTEM_MIGRATIONS,
    };
    await migrateUp(options);
    // The finders of its searches are made by the same run, where the model is known.
    expect((await ask("/ready"))[0]).toBe(503);
    await migrateUp({ ...options, finders: findersOf((await loadProject(EXAMPLE)).model) });
    await expect.poll(() => ask("/ready"), { timeout: 15_000 }).toEqual([200, { status: "ready" }]);
  });
});
