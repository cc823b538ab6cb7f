// `backwright dev` and `backwright start`: run until a signal, then stop in order.
import { type DevelopmentBackend, develop, developmentSettings } from "../app/develop.ts";
import { developWatching } from "../app/develop-watching.ts";
import { serveProduction } from "../app/produce.ts";
import { loadProject } from "../app/project.ts";
import { readSettings, type Settings } from "../base/settings.ts";
import { createLog, type ProcessLog } from "../observe/log.ts";
import { printBanner } from "./banner.ts";
import { onLostShell } from "./npm-shell.ts";
import { printFailure, progress, styledProgress } from "./output.ts";

interface Stoppable {
  stop(): Promise<void>;
}

export async function runDevelopment(folder: string, isWatching: boolean): Promise<void> {
  const settings = developmentSettings();
  const log = createLog(settings.logLevel);
  const started = await untilStopped(log, () =>
    isWatching ? startWatching(folder, settings, log) : startOnce(folder, settings, log),
  );
  if (started !== undefined) printBanner(started.project, started.running);
}

async function startOnce(folder: string, settings: Settings, log: ProcessLog) {
  const project = await loadProject(folder);
  const running = await develop(project, settings, log, progress);
  return { project, running, stop: () => running.stop() };
}

async function startWatching(folder: string, settings: Settings, log: ProcessLog) {
  let hadTypeErrors = false;
  const started = await developWatching({
    folder,
    settings,
    log,
    onProgress: progress,
    onReload(durationMs, { project, running }) {
      progress(styledProgress("green", `Reloaded in ${durationMs} ms`));
      // The first keys, or another address: what the banner said is no longer so.
      const hadKeys = shown.keys.length > 0;
      if (running.url !== shown.url || running.keys.length > 0 !== hadKeys) {
        printBanner(project, running);
      }
      shown = running;
    },
    onFailure: (error) => printFailure(error, false),
    onTypes(errors) {
      if (errors !== "") progress(`${styledProgress("red", "types")}\n${errors}`);
      else if (hadTypeErrors) progress(styledProgress("green", "types are right again"));
      hadTypeErrors = errors !== "";
    },
  });
  let shown: Pick<DevelopmentBackend, "url" | "keys"> = started.running;
  return started;
}

export async function runProduction(folder: string): Promise<void> {
  const project = await loadProject(folder);
  const settings = readSettings(process.env, "production");
  const log = createLog(settings.logLevel);
  await untilStopped(log, () => serveProduction(project, settings, log, progress));
}

/**
 * Runs `start` and stops what it made on a signal, also while it is still starting. A
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
  onLostShell(() => {
    if (!isStopping) void stop("SIGTERM");
  });
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
