// The work-orders example served on a throw-away database, with a fetch that speaks JSON.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { loadProject, type Project } from "../../src/app/project.ts";
import { type RunningBackend, serve } from "../../src/app/serve.ts";
import { newId } from "../../src/base/ids.ts";
import type { Log } from "../../src/base/log.ts";
import { type Mode, readSettings, type Settings } from "../../src/base/settings.ts";
import { roleNames } from "../../src/database/roles.ts";
import { openSession, type Session } from "../../src/database/session.ts";
import { createApiKey } from "../../src/identity/api-keys.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { wallsOf } from "../../src/migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { compileModel } from "../../src/model/compile.ts";
import type { AnyBackend } from "../../src/model/declare-untyped.ts";
import { Caller } from "../../src/operations/caller.ts";
import { BROKEN_CONTRACT } from "../../src/server/exchange.ts";
import { findersOf } from "../../src/sql/finder.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";

export const EXAMPLE = join(import.meta.dirname, "../../examples/work-orders");

export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed JSON. Tests know what they asked for. */
  // biome-ignore lint/suspicious/noExplicitAny: a reply has the shape that the test expects.
  readonly json: any;
}

export interface Person {
  readonly tenantId: string;
  readonly id: string;
  readonly role: string;
  readonly key: string;
}

export interface TestBackend extends RunningBackend {
  readonly project: Project;
  readonly database: TestDatabase;
  readonly settings: Settings;
  /** A session as the owner, who sees every tenant. */
  readonly owner: Session;
  readonly log: readonly LogLine[];
  tenant(name: string): Promise<string>;
  /** A key for a subject; a new subject has a row in `users` unless it is a bare id. */
  person(tenantId: string, role: string, id?: string): Promise<Person>;
  /** Operations as a person, without HTTP. */
  as(who: Omit<Person, "key">): Promise<Caller>;
  request(path: string, options?: RequestOptions): Promise<Reply>;
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly method?: string;
  /** Sent as `Authorization: Bearer`. */
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestBackendOptions {
  /** Another project than the work-orders example. */
  readonly directory?: string;
  /** Another declaration over the tables of the same project. */
  readonly backend?: AnyBackend;
  readonly environment?: Readonly<Record<string, string>>;
  /** Development unless given: its replies are checked against the contract. */
  readonly mode?: Mode;
}

/** `name` begins the database's name. Close it in afterAll. */
export async function startTestBackend(
  name: string,
  options: TestBackendOptions = {},
): Promise<TestBackend> {
  const loaded = await loadProject(options.directory ?? EXAMPLE);
  const { backend = loaded.backend } = options;
  const project: Project = { ...loaded, backend, model: compileModel(backend) };
  const database = await createTestDatabase(name);
  await migrateUp({
    ownerUrl: database.ownerUrl,
    appRole: roleNames(database.database).app,
    directory: project.migrations,
    system: SYSTEM_MIGRATIONS,
    walls: wallsOf(project.model),
    finders: findersOf(project.model),
  });
  const settings = readSettings(
    {
      PORT: "0",
      DATABASE_URL: database.appUrl,
      DATABASE_OWNER_URL: database.ownerUrl,
      SECRET_KEY: randomBytes(32).toString("base64"),
      HOST: "127.0.0.1",
      ...options.environment,
    },
    options.mode ?? "development",
  );
  const log: LogLine[] = [];
  const { model } = project;
  const running = await serve({
    model,
    settings,
    databaseUrl: database.appUrl,
    log: recordingLog(log),
  });
  const owner = await openSession(database.ownerUrl);
  return {
    ...running,
    project,
    database,
    settings,
    owner,
    log,
    async tenant(tenantName) {
      const id = newId();
      await owner.query("insert into organizations (id, name) values ($1, $2)", [id, tenantName]);
      return id;
    },
    async person(tenantId, role, given) {
      const id = given ?? newId();
      if (given === undefined) {
        const email = `${randomBytes(6).toString("hex")}@example.org`;
        const values = [tenantId, id, `${role} ${email}`, email];
        const columns = "organization_id, id, name, email";
        await owner.query(`insert into users (${columns}) values ($1, $2, $3, $4)`, values);
      }
      const key = await createApiKey(owner, { tenantId, role, subject: id, name: role });
      return { tenantId, id, role, key };
    },
    async as({ tenantId, role, id }) {
      const identity = { tenantId, role, id, credential: id };
      return new Caller(running.context, await running.authenticator.actorFor(identity));
    },
    async request(path, request = {}) {
      const reply = await send(running.url, path, request);
      expectContractKept(log);
      return reply;
    },
    async close() {
      await running.stop();
      await owner.close();
      await database.drop();
      expectContractKept(log);
    },
  };
}

/** Every reply, whoever fetched it, is checked against the OpenAPI document of its role. */
function expectContractKept(log: readonly LogLine[]): void {
  const broken = log.filter((line) => line.message === BROKEN_CONTRACT);
  const told = broken.map(({ method, url, status, problems }) => {
    return `${method} ${url} ${status}: ${JSON.stringify(problems)}`;
  });
  if (broken.length > 0) throw new Error([BROKEN_CONTRACT, ...told.slice(0, 5)].join("\n  "));
}

/** One request to any address, JSON in and out. */
export async function send(url: string, path: string, options: RequestOptions): Promise<Reply> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.key !== undefined) headers.authorization = `Bearer ${options.key}`;
  if (options.body !== undefined) headers["content-type"] ??= "application/json";
  const reply = await fetch(`${url}${path}`, {
    method: options.method ?? (options.body === undefined ? "GET" : "POST"),
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await reply.text();
  const isJson = reply.headers.get("content-type")?.includes("json") === true && text !== "";
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  return { status: reply.status, headers: reply.headers, text, json };
}

function recordingLog(lines: LogLine[]): Log {
  const record =
    (level: LogLine["level"]) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      lines.push({ ...fields, level, message });
    };
  return { info: record("info"), warn: record("warn"), error: record("error") };
}
