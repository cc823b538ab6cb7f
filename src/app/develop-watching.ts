// Development with one's editor open: a saved file is served within a second, in the same process
// on the same port. What does not load is told, and what served before goes on serving.
import { dirname, sep } from "node:path";
import { monotonicMs } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Settings } from "../base/settings.ts";
import { readLatestSnapshot } from "../migrate/files.ts";
import { planMigration } from "../migrate/plan.ts";
import { schemaSource } from "../migrate/source.ts";
import { TypeCheck } from "./check-types.ts";
import { openProjectDatabase, type ProjectDatabase } from "./databases.ts";
import { type DevelopmentBackend, develop } from "./develop.ts";
import { loadProject, type Project } from "./project.ts";
import { ProjectModules } from "./project-modules.ts";
import { FileWatcher } from "./watch-files.ts";

export interface WatchingOptions {
  readonly folder: string;
  readonly settings: Settings;
  readonly log: Log;
  readonly onProgress: (message: string) => void;
  readonly onReload: (durationMs: number) => void;
  readonly onFailure: (error: unknown) => void;
  /** What tsc says of the project; "" where all is well. */
  readonly onTypes: (errors: string) => void;
}

export interface WatchedDevelopment {
  readonly project: Project;
  readonly running: DevelopmentBackend;
  stop(): Promise<void>;
}

/** Starts as `develop` does, and after each change. Throws StartError from the first start. */
export async function developWatching(options: WatchingOptions): Promise<WatchedDevelopment> {
  const modules = new ProjectModules(options.folder);
  const project = await loadProject(options.folder);
  const { settings, onProgress } = options;
  const database = await openProjectDatabase(project, settings, onProgress);
  const restarts = new Restarts(options, modules, project, database);
  try {
    const running = await restarts.start();
    return { project, running, stop: () => restarts.stop() };
  } catch (error) {
    await restarts.stop();
    throw error;
  }
}

// LIMIT: both cost half a second of processor time, which a start should not share.
const LOOK_AFTER_MS = 1_000;

class Restarts {
  readonly #options: WatchingOptions;
  readonly #modules: ProjectModules;
  readonly #database: ProjectDatabase;
  readonly #watcher: FileWatcher;
  readonly #types: TypeCheck;
  #project: Project;
  #running: DevelopmentBackend | undefined;
  #port: number | undefined;
  /** The restart under way; the next one waits for it. */
  #restarting: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isStopping = false;
  #looking: NodeJS.Timeout | undefined;

  constructor(
    options: WatchingOptions,
    modules: ProjectModules,
    project: Project,
    database: ProjectDatabase,
  ) {
    this.#options = options;
    this.#modules = modules;
    this.#project = project;
    this.#database = database;
    this.#port = options.settings.port;
    this.#types = new TypeCheck(project.directory, options.onTypes);
    this.#watcher = new FileWatcher(
      (path) => modules.files.has(path) || path.startsWith(project.migrations + sep),
      () => this.#changed(),
    );
  }

  async start(): Promise<DevelopmentBackend> {
    const running = await this.#serve(this.#project);
    this.#look();
    return running;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#watcher.close();
    this.#types.stop();
    await this.#restarting;
    clearTimeout(this.#looking);
    await this.#running?.stop();
    await this.#database.release();
  }

  async #serve(project: Project): Promise<DevelopmentBackend> {
    const { settings, log, onProgress } = this.#options;
    // The embedded server is given up at the end, not between two starts.
    const database = { ...this.#database, release: () => Promise.resolve() };
    const own = this.#port === undefined ? settings : { ...settings, port: this.#port };
    const running = await develop(project, own, log, onProgress, { database });
    this.#port = Number(new URL(running.url).port);
    this.#project = project;
    this.#running = running;
    return running;
  }

  /** Changes that come during a restart lead to one more, however many they are. */
  #changed(): void {
    if (this.#waiting > 0 || this.#isStopping) return;
    this.#waiting += 1;
    this.#restarting = this.#restarting.then(async () => {
      this.#waiting -= 1;
      if (!this.#isStopping) await this.#restart();
    });
  }

  async #restart(): Promise<void> {
    const { folder, onReload, onFailure } = this.#options;
    const started = monotonicMs();
    const previous = this.#project;
    this.#modules.forget();
    try {
      const project = await loadProject(folder);
      refuseNewName(previous, project);
      await this.#running?.stop();
      this.#running = undefined;
      await this.#serve(project);
      onReload(Math.round(monotonicMs() - started));
    } catch (error) {
      onFailure(error);
      if (this.#running === undefined) await this.#serve(previous).catch(onFailure);
    }
    this.#look();
  }

  /** Watches what was loaded; types and tables are looked at when nothing more is saved. */
  #look(): void {
    const project = this.#project;
    const folders = [...this.#modules.files].map((file) => dirname(file));
    this.#watcher.watch(new Set([...folders, project.migrations]));
    this.#types.stop();
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => {
      this.#types.run();
      this.#offerMigration(project).catch(this.#options.onFailure);
    }, LOOK_AFTER_MS);
  }

  async #offerMigration(project: Project): Promise<void> {
    const previous = await readLatestSnapshot(project.migrations);
    const plan = await planMigration(schemaSource(project.backend, project.model), previous);
    if (plan.empty || this.#isStopping) return;
    this.#options.onProgress(
      "The tables differ from the last migration. To write the next one, which is applied as " +
        "soon as it is there: backwright migrate new <name>",
    );
  }
}

function refuseNewName(previous: Project, { backend }: Project): void {
  if (backend.name === previous.backend.name) return;
  throw new StartError("The backend has another name, and with it another database.", {
    fix: "Stop `backwright dev` and start it again.",
  });
}
