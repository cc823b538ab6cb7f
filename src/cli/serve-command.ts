// `backwright dev` and `backwright start`: run until a signal, then stop in order.
import { openProjectDatabase } from "../app/databases.ts";
import { develop } from "../app/develop.ts";
import { loadProject, type Project } from "../app/project.ts";
import { serve } from "../app/serve.ts";
import { StartError } from "../base/errors.ts";
import { readSettings } from "../base/settings.ts";
import { missingFinders } from "../migrate/finders.ts";
import { migrationStatus } from "../migrate/runner.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import { createLog, type ProcessLog } from "../observe/log.ts";
import { findersOf } from "../sql/finder.ts";
import { printBanner } from "./banner.ts";
import { progress } from "./output.ts";

interface Stoppable {
  stop(): Promise<void>;
}

export async function runDevelopment(folder: string): Promise<void> {
  const project = await loadProject(folder);
  const settings = readSettings(process.env, "development");
  const log = createLog(process.env.LOG_LEVEL === undefined ? "warn" : settings.logLevel);
  const running = await untilStopped(log, () => develop(project, settings, log, progress));
  if (running !== undefined) printBanner(project, running);
}

export async function runProduction(folder: string): Promise<void> {
  const project = await loadProject(folder);
  const settings = readSettings(process.env, "production");
  const log = createLog(settings.logLevel);
  await untilStopped(log, async () => {
    const database = await openProjectDatabase(project, settings, progress);
    const pending = await pendingMigrations(database.url, project);
    if (pending.length > 0) log.warn({ pending }, "migrations are pending: not ready");
    let isMigrated = pending.length === 0;
    const running = await serve({
      model: project.model,
      settings,
      databaseUrl: database.url,
      log,
      readiness: () =>
        isMigrated ? { ready: true } : { ready: false, reason: "migrations pending" },
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
    return running;
  });
}

const LOOK_FOR_MIGRATIONS_MS = 2_000;

/** Migrations, and the finders that a run of migrations makes after them. */
async function pendingMigrations(url: string, project: Project): Promise<readonly string[]> {
  const directory = project.migrations;
  const rows = await migrationStatus({ ownerUrl: url, directory, system: SYSTEM_MIGRATIONS });
  const changed = rows.find((row) => row.state !== "applied" && row.state !== "pending");
  if (changed !== undefined) {
    throw new StartError(`The migration ${changed.name} is ${changed.state} in the database.`, {
      fix: changed.advice ?? "backwright migrate status",
    });
  }
  const pending = rows.filter((row) => row.state === "pending").map((row) => row.name);
  return [...pending, ...(await missingFinders(url, findersOf(project.model)))];
}

/**
 * Runs `start` and stops what it made on SIGINT or SIGTERM, also while it is still starting. A
 * second signal ends the process at once; the embedded server is then found by the next start.
 */
async function untilStopped<T extends Stoppable>(
  log: ProcessLog,
  start: () => Promise<T>,
): Promise<T | undefined> {
  let isStopping = false;
  let started: T | undefined;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (isStopping) {
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
    isStopping = true;
    if (started === undefined) return; // Stopped below, as soon as it has started.
    progress("Stopping…");
    await finish(started, log);
  };
  process.on("SIGINT", (signal) => void stop(signal));
  process.on("SIGTERM", (signal) => void stop(signal));
  process.on("SIGHUP", (signal) => void stop(signal)); // The terminal was closed.
  try {
    started = await start();
  } catch (error) {
    if (!isStopping) throw error;
    log.flush();
    process.exit(0); // Ctrl-C reaches the programs that a start runs as well: theirs is no failure.
  }
  if (!isStopping) return started;
  await finish(started, log);
  return undefined;
}

async function finish(running: Stoppable, log: ProcessLog): Promise<void> {
  let code = 0;
  try {
    await running.stop();
  } catch (error) {
    code = 1;
    log.error({ err: error }, "stopping failed");
  }
  log.flush();
  process.exit(code);
}
