// Which PostgreSQL a command talks to: the addresses in the settings, else the embedded server.
import { StartError } from "../base/errors.ts";
import type { Settings } from "../base/settings.ts";
import { startEmbedded } from "../database/embedded.ts";
import { embeddedCredentials } from "../database/embedded-credentials.ts";
import { roleNames, setupDatabase } from "../database/roles.ts";
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
    if (appRole === "") throw new StartError("DATABASE_URL names no user.");
    const release = () => Promise.resolve();
    return { url: settings.databaseUrl, ownerUrl, appRole, isEmbedded: false, release };
  }
  const server = await startEmbedded({ directory: project.state, onProgress });
  try {
    const database = databaseName(project.backend.name);
    const passwords = await embeddedCredentials(project.state);
    await setupDatabase({ adminUrl: server.adminUrl, database, passwords });
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

/** The owner's address. Throws StartError naming the setting. */
export function requireOwnerUrl(database: ProjectDatabase): string {
  if (database.ownerUrl !== undefined) return database.ownerUrl;
  throw new StartError("DATABASE_OWNER_URL is not set. It is the login that migrates.", {
    fix: "DATABASE_OWNER_URL=postgres://myapp_owner:password@host:5432/myapp",
  });
}

/** work-orders → work_orders */
export function databaseName(backendName: string): string {
  const name = backendName.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  return name.replace(/^_+|_+$/g, "").slice(0, 57) || "backwright";
}
