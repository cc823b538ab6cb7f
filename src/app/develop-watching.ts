// Development with one's editor open: a saved file is served within a second, in the same process
// on the same port. What does not load is told, and what served before goes on serving.
import { monotonicMs } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { given, type Settings } from "../base/settings.ts";
import { TablesMissing } from "../migrate/grants.ts";
import { TypeCheck } from "./check-types.ts";
import { openProjectDatabase, type ProjectDatabase } from "./databases.ts";
import {
  applyMigrations,
  type DevelopmentBackend,
  develop,
  developmentSettings,
} from "./develop.ts";
import { loadEnvironmentFiles } from "./environment-files.ts";
import { hasPendingChanges } from "./pending-changes.ts";
import { loadProject, type Project } from "./project.ts";
import { ProjectModules } from "./project-modules.ts";
import { FileWatcher } from "./watch-files.ts";
import { WatchedFiles } from "./watched-files.ts";

export interface WatchingOptions {
  readonly folder: string;
  readonly settings: Settings;
  readonly log: Log;
  readonly onProgress: (message: string) => void;
  readonly onReload: (durationMs: number, served: Served) => void;
  readonly onFailure: (error: unknown) => void;
  /** What tsc says of the project; "" where all is well. */
  readonly onTypes: (errors: string) => void;
}

export interface Served {
  readonly project: Project;
  readonly running: DevelopmentBackend;
}

export interface WatchedDevelopment extends Served {
  stop(): Promise<void>;
}

/** Starts as `develop` does, and after each change. Throws StartError from the first start. */
export async function developWatching(options: WatchingOptions): Promise<WatchedDevelopment> {
  const modules = new ProjectModules();
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

const HOW_TO_MIGRATE =
  "To write the next migration, which is applied as soon as it is there: " +
  "npx backwright migrate new <name>";

class Restarts {
  readonly #options: WatchingOptions;
  readonly #modules: ProjectModules;
  readonly #database: ProjectDatabase;
  readonly #files: WatchedFiles;
  readonly #watcher: FileWatcher;
  readonly #types: TypeCheck;
  #settings: Settings;
  /** What serves, and what was loaded last, which may not serve yet. */
  #project: Project;
  #loaded: Project;
  /** The tables were told to be ahead of the migrations. */
  #isAhead = false;
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
    this.#loaded = project;
    this.#database = database;
    this.#settings = options.settings;
    this.#port = options.settings.port;
    this.#types = new TypeCheck(project.directory, options.onTypes);
    this.#files = new WatchedFiles(modules, options.folder, project);
    this.#watcher = new FileWatcher(
      (path) => this.#files.has(path),
      () => this.#changed(),
    );
  }

  async start(): Promise<DevelopmentBackend> {
    const running = await this.#serve(this.#project, false);
    this.#look();
    return running;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#watcher.close();
    this.#types.stop();
    await this.#restarting;
    clearTimeout(this.#looking);
    try {
      await this.#running?.stop();
    } finally {
      await this.#database.release();
    }
  }

  async #serve(project: Project, isMigrated: boolean): Promise<DevelopmentBackend> {
    const { log, onProgress } = this.#options;
    // The embedded server is given up at the end, not between two starts.
    const database = { ...this.#database, release: () => Promise.resolve() };
    const own = { ...this.#settings, port: this.#port };
    const running = await develop(project, own, log, onProgress, { database, isMigrated });
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
    const { folder, onProgress, onReload, onFailure } = this.#options;
    const started = monotonicMs();
    const previous = { project: this.#project, settings: this.#settings, port: this.#port };
    this.#modules.forget();
    try {
      const settings = readAgain(folder, this.#settings);
      const project = await loadProject(folder);
      refuseNewName(previous.project, project);
      this.#loaded = project;
      await applyMigrations(project, this.#database, onProgress);
      const before = this.#running;
      this.#running = undefined;
      await before?.stop();
      if (settings.port !== this.#settings.port) this.#port = settings.port;
      this.#settings = settings;
      const running = await this.#serve(project, true);
      onReload(Math.round(monotonicMs() - started), { project, running });
    } catch (error) {
      if (error instanceof TablesMissing)
        this.#offer(`${error.message} What served before goes on.`);
      else onFailure(error);
      this.#settings = previous.settings;
      this.#port = previous.port;
      if (this.#running === undefined) {
        await this.#serve(previous.project, true).catch(onFailure);
      }
    }
    this.#look();
  }

  #offer(what: string): void {
    this.#options.onProgress(`${what} ${HOW_TO_MIGRATE}`);
    this.#isAhead = true;
  }

  /** Watches what was loaded; types and tables are looked at when nothing more is saved. */
  #look(): void {
    if (this.#isStopping) return;
    this.#watcher.watch(this.#files.folders());
    this.#types.stop();
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => {
      this.#types.run();
      this.#compareTables().catch(this.#options.onFailure);
    }, LOOK_AFTER_MS);
  }

  async #compareTables(): Promise<void> {
    const isAhead = await hasPendingChanges(this.#loaded);
    if (this.#isStopping) return;
    if (isAhead === this.#isAhead) return; // Told once, not at every save.
    if (isAhead) this.#offer("The tables differ from the last migration.");
    else this.#options.onProgress("The tables are those of the last migration again.");
    this.#isAhead = isAhead;
  }
}

/** What can change while it runs; a key that was made for this run stays. */
function readAgain(folder: string, before: Settings): Settings {
  loadEnvironmentFiles(folder, "development");
  const settings = developmentSettings();
  const isFixed =
    settings.databaseUrl === before.databaseUrl &&
    settings.databaseOwnerUrl === before.databaseOwnerUrl &&
    settings.logLevel === before.logLevel;
  if (!isFixed) {
    throw new StartError("DATABASE_URL, DATABASE_OWNER_URL and LOG_LEVEL are read at the start.", {
      fix: "Stop `npx backwright dev` and start it again.",
    });
  }
  const { secretKey } = given(process.env, "SECRET_KEY") === undefined ? before : settings;
  return { ...settings, secretKey };
}

function refuseNewName(previous: Project, { backend }: Project): void {
  if (backend.name === previous.backend.name) return;
  throw new StartError("The backend has another name, and with it another database.", {
    fix: "Stop `npx backwright dev` and start it again.",
  });
}
