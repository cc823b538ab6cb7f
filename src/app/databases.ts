// Which PostgreSQL a command talks to: the addresses in the settings, else the embedded server.
import { StartError } from "../base/errors.ts";
import { given, modeOf, notSet, readSettings, type Settings } from "../base/settings.ts";
import { discardEmbedded, startEmbedded } from "../database/embedded.ts";
import { embeddedCredentials, hasEmbeddedCredentials } from "../database/embedded-credentials.ts";
import { hasEmbeddedData } from "../database/embedded-places.ts";
import { databaseName, roleNames, setupDatabase } from "../database/roles.ts";
import { openSession, postgresFailure, type Session } from "../database/session.ts";
import { forgetDevelopmentKeys } from "./keys-file.ts";
import type { Project } from "./project.ts";

export interface ProjectDatabase {
  /** The app login. */
  readonly url: string;
  /** The owner login; undefined where only the app login is configured. */
  readonly ownerUrl: string | undefined;
  readonly appRole: string;
  readonly isEmbedded: boolean;
  /** Gives the embedded server up; nothing for an address. */
  release(): Promise<void>;
}

/** Opens the project's database; starts the embedded server where no address is set. */
export async function openProjectDatabase(
  project: Project,
  settings: Settings,
  onProgress: (message: string) => void,
): Promise<ProjectDatabase> {
  if (settings.databaseUrl !== undefined) {
    const ownerUrl = settings.databaseOwnerUrl;
    const appRole = decodeURIComponent(new URL(settings.databaseUrl).username);
    if (appRole === "") {
      throw new StartError("DATABASE_URL names no user.", {
        fix: "DATABASE_URL=postgres://myapp_app:password@host:5432/myapp",
      });
    }
    const release = () => Promise.resolve();
    return { url: settings.databaseUrl, ownerUrl, appRole, isEmbedded: false, release };
  }
  return embeddedDatabase(project, onProgress, setupDatabase);
}

/**
 * The same for a look: makes nothing and corrects nothing. Undefined where the project's embedded
 * database was never made.
 */
export async function openExistingDatabase(
  project: Project,
  settings: Settings,
  onProgress: (message: string) => void,
): Promise<ProjectDatabase | undefined> {
  if (settings.databaseUrl !== undefined) return openProjectDatabase(project, settings, onProgress);
  const isThere = await isEmbeddedThere(project);
  return isThere ? embeddedDatabase(project, onProgress, () => Promise.resolve()) : undefined;
}

/** For commands to which a database is of use when it has been filled. Throws StartError. */
export async function openFilledDatabase(
  project: Project,
  settings: Settings,
  onProgress: (message: string) => void,
): Promise<ProjectDatabase> {
  if (settings.databaseUrl === undefined && !(await isEmbeddedThere(project))) {
    throw new StartError("There is no development database yet.", {
      fix: "npx backwright dev makes it, with its tables and the demo data; or set DATABASE_URL.",
    });
  }
  return openProjectDatabase(project, settings, onProgress);
}

async function isEmbeddedThere({ state }: Project): Promise<boolean> {
  return (await hasEmbeddedData(state)) && (await hasEmbeddedCredentials(state));
}

async function embeddedDatabase(
  project: Project,
  onProgress: (message: string) => void,
  prepare: typeof setupDatabase,
): Promise<ProjectDatabase> {
  const server = await startEmbedded({ directory: project.state, onProgress });
  try {
    const database = databaseName(project.backend.name);
    const passwords = await embeddedCredentials(project.state);
    await prepare({ adminUrl: server.adminUrl, database, passwords });
    const { app, owner } = roleNames(database);
    return {
      url: server.url(app, passwords.app, database),
      ownerUrl: server.url(owner, passwords.owner, database),
      appRole: app,
      isEmbedded: true,
      release: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The settings of a command, which signs nothing: development where no database is named. */
export function commandSettings(): Settings {
  return readSettings({ SECRET_KEY: "unused".repeat(8), ...process.env }, modeOf(process.env));
}

/** Opens the project's database for a command, and gives it up again; `open` says which will do. */
export async function withProjectDatabase<T>(
  project: Project,
  onProgress: (message: string) => void,
  work: (database: ProjectDatabase) => Promise<T>,
  open = openFilledDatabase,
): Promise<T> {
  const database = await open(project, commandSettings(), onProgress);
  const ignoreSignals = releaseOnSignal(database);
  try {
    return await work(database);
  } catch (error) {
    if (postgresFailure(error)?.kind !== "missing") throw error;
    throw new StartError("The database lacks tables that this needs.", {
      fix: "npx backwright migrate up (`npx backwright dev` does it by itself)",
      cause: error,
    });
  } finally {
    ignoreSignals();
    await database.release();
  }
}

/**
 * Ctrl-C during a command: the embedded server is given up before the process ends; else it would
 * run on. A second signal ends it at once. Returns what takes that back. Leaves signals alone that
 * the command listens to by itself.
 */
export function releaseOnSignal({
  isEmbedded,
  release,
}: Pick<ProjectDatabase, "isEmbedded" | "release">): () => void {
  if (!isEmbedded) return () => undefined;
  const end = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 0) return;
    const code = signal === "SIGINT" ? 130 : 143;
    release().then(
      () => process.exit(code),
      () => process.exit(code),
    );
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  return () => {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
  };
}

/** A session of the owner, who sees every tenant. */
export function withOwner<T>(
  project: Project,
  onProgress: (message: string) => void,
  work: (owner: Session) => Promise<T>,
): Promise<T> {
  return withProjectDatabase(project, onProgress, async (database) => {
    const owner = await openSession(requireOwnerUrl(database));
    try {
      return await work(owner);
    } finally {
      await owner.close();
    }
  });
}

/**
 * Deletes the embedded server's data and the development keys. Throws StartError where an address
 * is set, because that database is not ours to delete, and while a process uses the server.
 */
export async function resetDatabase(project: Project): Promise<void> {
  const isNamed = given(process.env, "DATABASE_URL") !== undefined;
  if (isNamed || process.env.NODE_ENV === "production") {
    throw new StartError("Only the embedded development database can be reset.", {
      fix: "Unset DATABASE_URL (and NODE_ENV=production), or delete that database by hand.",
    });
  }
  await discardEmbedded(project.state);
  await forgetDevelopmentKeys(project);
}

/** Of what serves: stops it, and gives its database up whatever comes of that. */
export function stopper(
  running: { stop(): Promise<void> },
  database: ProjectDatabase,
): () => Promise<void> {
  return async () => {
    try {
      await running.stop();
    } finally {
      await database.release();
    }
  };
}

/** The owner's address. Throws StartError naming the setting. */
export function requireOwnerUrl(database: ProjectDatabase): string {
  if (database.ownerUrl !== undefined) return database.ownerUrl;
  throw notSet("DATABASE_OWNER_URL");
}
