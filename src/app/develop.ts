// The development start: embedded server, migrations, seed on an empty database, then serving.
import type { Log } from "../base/log.ts";
import type { Settings } from "../base/settings.ts";
import { openSession, type Session } from "../database/session.ts";
import { migrateUp } from "../migrate/runner.ts";
import { wallsOf } from "../migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import { tableName } from "../sql/names.ts";
import { openProjectDatabase, requireOwnerUrl } from "./databases.ts";
import { readDevelopmentKeys, writeDevelopmentKeys } from "./keys-file.ts";
import { loadSeed, type Project } from "./project.ts";
import { type DevelopmentKey, runSeed } from "./seed.ts";
import { type RunningBackend, serve } from "./serve.ts";

export interface DevelopmentBackend extends RunningBackend {
  readonly keys: readonly DevelopmentKey[];
  readonly isEmbedded: boolean;
}

/** Starts a project for development. Throws StartError; whatever was started is stopped again. */
export async function develop(
  project: Project,
  settings: Settings,
  log: Log,
  onProgress: (message: string) => void,
): Promise<DevelopmentBackend> {
  const database = await openProjectDatabase(project, settings, onProgress);
  try {
    const ownerUrl = requireOwnerUrl(database);
    const { migrations } = await migrateUp({
      ownerUrl,
      appRole: database.appRole,
      directory: project.migrations,
      system: SYSTEM_MIGRATIONS,
      walls: wallsOf(project.model),
    });
    const applied = migrations.filter((migration) => migration.scope === "app");
    if (applied.length > 0) onProgress(`Applied ${applied.map(({ name }) => name).join(", ")}`);
    const running = await serve({ model: project.model, settings, databaseUrl: database.url, log });
    const keys = await seedOnce(project, running, ownerUrl, onProgress);
    return {
      ...running,
      keys,
      isEmbedded: database.isEmbedded,
      stop: async () => {
        await running.stop();
        await database.release();
      },
    };
  } catch (error) {
    await database.release();
    throw error;
  }
}

/** Seeds a database without tenants; otherwise the keys of an earlier start. */
async function seedOnce(
  project: Project,
  running: RunningBackend,
  ownerUrl: string,
  onProgress: (message: string) => void,
): Promise<readonly DevelopmentKey[]> {
  const owner = await openSession(ownerUrl);
  try {
    if (await hasTenants(owner, project)) return readDevelopmentKeys(project);
    const seed = await loadSeed(project);
    if (seed === undefined) return [];
    onProgress("Writing demo data…");
    const keys = await runSeed(seed, running, owner);
    await writeDevelopmentKeys(project, keys);
    return keys;
  } catch (error) {
    await running.stop();
    throw error;
  } finally {
    await owner.close();
  }
}

async function hasTenants(owner: Session, project: Project): Promise<boolean> {
  const table = tableName(project.model.tenant);
  const [row] = await owner.query<{ found: boolean }>(
    `select exists (select from ${table}) as found`,
  );
  return row?.found === true;
}
