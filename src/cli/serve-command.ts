// `backwright dev` and `backwright start`: run until a signal, then stop in order.
import { develop } from "../app/develop.ts";
import { serveProduction } from "../app/produce.ts";
import { loadProject } from "../app/project.ts";
import { readSettings } from "../base/settings.ts";
import { createLog, type ProcessLog } from "../observe/log.ts";
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
  await untilStopped(log, () => serveProduction(project, settings, log, progress));
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
