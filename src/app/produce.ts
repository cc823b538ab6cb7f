// The production start: serves at once, and becomes ready when no migration is pending.
import { StartError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Settings } from "../base/settings.ts";
import { missingFinders } from "../migrate/finders.ts";
import { migrationStatus } from "../migrate/runner.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import type { Readiness } from "../server/server.ts";
import { findersOf } from "../sql/finder.ts";
import { openProjectDatabase } from "./databases.ts";
import type { Project } from "./project.ts";
import { type Entrance, type RunningBackend, serve } from "./serve.ts";

export interface ProductionBackend extends RunningBackend {
  readiness(): Readiness;
}

const LOOK_FOR_MIGRATIONS_MS = 2_000;

/** Starts a project for production. Throws StartError; whatever was started is stopped again. */
export async function serveProduction(
  project: Project,
  settings: Settings,
  log: Log,
  onProgress: (message: string) => void,
  { entrance }: { readonly entrance?: Entrance } = {},
): Promise<ProductionBackend> {
  const database = await openProjectDatabase(project, settings, onProgress);
  const pending = await pendingMigrations(database.url, project);
  if (pending.length > 0) log.warn({ pending }, "migrations are pending: not ready");
  let isMigrated = pending.length === 0;
  const readiness = (): Readiness =>
    isMigrated ? { ready: true } : { ready: false, reason: "migrations pending" };
  const running = await serve({
    model: project.model,
    settings,
    databaseUrl: database.url,
    log,
    readiness,
    ...(entrance === undefined ? {} : { entrance }),
  });
  log.info({ url: running.url }, "serving");
  const look = async (): Promise<void> => {
    const left = await pendingMigrations(database.url, project);
    if (left.length > 0) return;
    await running.reload();
    isMigrated = true;
    clearInterval(looking);
    log.info({}, "migrations are applied: ready");
  };
  const looking = setInterval(() => {
    look().catch((error: unknown) => log.warn({ err: error }, "migrations cannot be compared"));
  }, LOOK_FOR_MIGRATIONS_MS).unref();
  if (isMigrated) clearInterval(looking);
  const stop = async (): Promise<void> => {
    clearInterval(looking);
    await running.stop();
  };
  return { ...running, readiness, stop };
}

/** Migrations, and the finders that a run of migrations makes after them. */
async function pendingMigrations(url: string, project: Project): Promise<readonly string[]> {
  const directory = project.migrations;
  const rows = await migrationStatus({ ownerUrl: url, directory, system: SYSTEM_MIGRATIONS });
  const changed = rows.find((row) => row.state !== "applied" && row.state !== "pending");
  if (changed !== undefined) {
    throw new StartError(`The migration ${changed.name} is ${changed.state} in the database.`, {
      fix: changed.advice ?? "npx backwright migrate status",
    });
  }
  const pending = rows.filter((row) => row.state === "pending").map((row) => row.name);
  return [...pending, ...(await missingFinders(url, findersOf(project.model)))];
}
