// A project served on a database of its own, for as long as a test file runs.
import { loadProject } from "../app/project.ts";
import { type SeedContext, seedContext } from "../app/seed.ts";
import { type RunningBackend, serve } from "../app/serve.ts";
import { newId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { readSettings } from "../base/settings.ts";
import { startEmbedded } from "../database/embedded.ts";
import { databaseName, roleNames } from "../database/roles.ts";
import { openSession, type Session } from "../database/session.ts";
import { createThrowawayDatabase, dropAbandoned } from "../database/throwaway.ts";
import { migrateUp } from "../migrate/runner.ts";
import { wallsOf } from "../migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import { findersOf } from "../sql/finder.ts";
import {
  type ActorOptions,
  actorOf,
  type RequestOptions,
  sendRequest,
  type TestActor,
  type TestReply,
} from "./actor.ts";
import { checkScenario, type Scenario } from "./scenario.ts";

export interface TestBackendOptions {
  /** The folder of backend.ts; the current one unless given. */
  readonly project?: string;
  /** More settings, such as `{ CORS_ORIGINS: "https://app.example.org" }`. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface TestBackend extends Omit<SeedContext, "key"> {
  readonly url: string;
  /** What the backend has logged so far. */
  readonly log: readonly LogLine[];
  /** A caller with a key. Its subject has no row unless `insert` or an operation makes one. */
  actor(of: ActorOptions): Promise<TestActor>;
  /** One request without a credential. */
  request(path: string, options?: RequestOptions): Promise<TestReply>;
  /** Sends a request and checks its reply and its events. Throws AssertionError. */
  scenario(scenario: Scenario): Promise<TestReply>;
  /** SQL as the owner, past every wall: to arrange what no operation may, and to look. */
  sql<T>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** Stops the backend and drops its database. */
  close(): Promise<void>;
}

/**
 * Serves a project on a throw-away database: migrated, empty, on a free port of 127.0.0.1. The
 * server is the project's embedded PostgreSQL, or the one at TEST_DATABASE_ADMIN_URL (the address
 * of a login that may create databases and roles). Call it once for each test file, and `close`
 * at its end. Throws StartError.
 */
export async function startTestBackend(options: TestBackendOptions = {}): Promise<TestBackend> {
  const project = await loadProject(options.project ?? process.cwd());
  const external = process.env.TEST_DATABASE_ADMIN_URL;
  const server = external ? undefined : await startEmbedded({ directory: project.state });
  const closing: (() => Promise<void>)[] = server === undefined ? [] : [() => server.stop()];
  const close = async (): Promise<void> => {
    const failures: unknown[] = [];
    // One that fails leaves the others to do: a server that nobody stops would run on.
    for (const step of closing.splice(0).reverse()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    const adminUrl = external || (server?.adminUrl ?? "");
    const name = `${databaseName(project.backend.name)}_test`;
    await dropAbandoned(adminUrl, name);
    const database = await createThrowawayDatabase(adminUrl, name);
    closing.push(() => database.drop());
    const { model } = project;
    await migrateUp({
      ownerUrl: database.ownerUrl,
      appRole: roleNames(database.database).app,
      directory: project.migrations,
      system: SYSTEM_MIGRATIONS,
      walls: wallsOf(model),
      finders: findersOf(model),
    });
    const settings = readSettings({ PORT: "0", ...options.environment }, "development");
    const log: LogLine[] = [];
    const databaseUrl = database.appUrl;
    const running = await serve({ model, settings, databaseUrl, log: recordingLog(log) });
    closing.push(() => running.stop());
    const owner = await openSession(database.ownerUrl);
    closing.push(() => owner.close());
    return testBackend(running, owner, log, close);
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

function testBackend(
  running: RunningBackend,
  owner: Session,
  log: readonly LogLine[],
  close: () => Promise<void>,
): TestBackend {
  const { url } = running;
  const context = seedContext(running, owner, () => undefined);
  const request = (path: string, options?: RequestOptions) => sendRequest(url, path, options);
  return {
    ...context,
    url,
    log,
    request,
    async actor({ tenantId, role, id = newId() }) {
      const who = { tenantId, role, id };
      const key = await context.key({ ...who, tenant: "", name: role });
      return actorOf(url, { ...who, key, operations: await context.as(who) });
    },
    scenario: (scenario) => checkScenario(scenario, { request, owner }),
    sql: (text, values) => owner.query(text, values),
    close,
  };
}

function recordingLog(lines: LogLine[]): Log {
  const record =
    (level: LogLine["level"]) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      lines.push({ ...fields, level, message });
    };
  return { info: record("info"), warn: record("warn"), error: record("error") };
}
