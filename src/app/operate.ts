// A project's operations without a port: what commands use that read and write as somebody.
import type { Log } from "../base/log.ts";
import type { Settings } from "../base/settings.ts";
import { openFilledDatabase, stopper } from "./databases.ts";
import type { Project } from "./project.ts";
import { type Entrance, type RunningBackend, serve } from "./serve.ts";

/** Nobody comes in. */
const CLOSED: Entrance = {
  prefix: "",
  open: () => Promise.resolve({ url: "", drain: () => Promise.resolve() }),
};

/** Opens what serving would open, but no port. Throws StartError. */
export async function operate(
  project: Project,
  settings: Settings,
  log: Log,
  onProgress: (message: string) => void,
): Promise<RunningBackend> {
  const database = await openFilledDatabase(project, settings, onProgress);
  try {
    const { model } = project;
    const entrance = CLOSED;
    const running = await serve({ model, settings, databaseUrl: database.url, log, entrance });
    return { ...running, stop: stopper(running, database) };
  } catch (error) {
    await database.release();
    throw error;
  }
}
