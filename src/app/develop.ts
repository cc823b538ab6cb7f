// The development start: embedded server, migrations, seed on an empty database, then serving.
import type { Log } from "../base/log.ts";
import { readSettings, type Settings } from "../base/settings.ts";
import { openSession, type Session } from "../database/session.ts";
import { migrateUp } from "../migrate/runner.ts";
import { wallsOf } from "../migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import { findersOf } from "../sql/finder.ts";
import { tableName } from "../sql/names.ts";
import {
  openProjectDatabase,
  type ProjectDatabase,
  requireOwnerUrl,
  stopper,
} from "./databases.ts";
import { requestExplainer } from "./explain-request.ts";
import { readDevelopmentKeys, writeDevelopmentKeys } from "./keys-file.ts";
import { loadSeed, type Project } from "./project.ts";
import { type DevelopmentKey, runSeed } from "./seed.ts";
import { DEFAULT_PORTS, type Entrance, type RunningBackend, serve } from "./serve.ts";

interface Seeded {
  readonly keys: readonly DevelopmentKey[];
  /** The id of a tenant, where there is one. */
  readonly tenantId: string | undefined;
}

export interface DevelopmentBackend extends RunningBackend, Seeded {
  readonly isEmbedded: boolean;
  readonly settings: Settings;
}

export interface DevelopOptions {
  readonly entrance?: Entrance;
  /** One that is open already. It is released at the end. */
  readonly database?: ProjectDatabase;
  /** The migrations have been applied. */
  readonly isMigrated?: boolean;
}

/** Of `backwright dev`, whose terminal is for people: warnings alone unless LOG_LEVEL says more. */
export function developmentSettings(): Settings {
  return readSettings({ LOG_LEVEL: "warn", ...process.env }, "development");
}

/** Starts a project for development. Throws StartError; whatever was started is stopped again. */
export async function develop(
  project: Project,
  settings: Settings,
  log: Log,
  onProgress: (message: string) => void,
  { entrance, database: given, isMigrated }: DevelopOptions = {},
): Promise<DevelopmentBackend> {
  const database = given ?? (await openProjectDatabase(project, settings, onProgress));
  try {
    const ownerUrl = requireOwnerUrl(database);
    if (isMigrated !== true) await applyMigrations(project, database, onProgress);
    const running = await serve({
      model: project.model,
      settings,
      databaseUrl: database.url,
      log,
      explain: requestExplainer(project.model, database),
      ...(entrance === undefined ? {} : { entrance }),
    });
    if (entrance === undefined && settings.port === undefined) tellPort(running, onProgress);
    const seeded = await seedOnce(project, running, ownerUrl, onProgress);
    return {
      ...running,
      ...seeded,
      isEmbedded: database.isEmbedded,
      settings,
      stop: stopper(running, database),
    };
  } catch (error) {
    await database.release();
    throw error;
  }
}

function tellPort({ url }: RunningBackend, onProgress: (message: string) => void): void {
  const { first } = DEFAULT_PORTS;
  if (Number(new URL(url).port) === first) return;
  onProgress(`Port ${first} is taken by another program: this is the next one that is free.`);
}

/** Throws StartError; what serves already is not disturbed. */
export async function applyMigrations(
  project: Project,
  database: ProjectDatabase,
  onProgress: (message: string) => void,
): Promise<void> {
  const { migrations } = await migrateUp({
    ownerUrl: requireOwnerUrl(database),
    appRole: database.appRole,
    directory: project.migrations,
    system: SYSTEM_MIGRATIONS,
    walls: wallsOf(project.model),
    finders: findersOf(project.model),
  });
  const applied = migrations.filter((migration) => migration.scope === "app");
  if (applied.length > 0) onProgress(`Applied ${applied.map(({ name }) => name).join(", ")}`);
}

// Any constant will do, as long as no other code of ours locks the same one.
const SEED_LOCK = 0x62772d02;
const UNFINISHED = "demo data unfinished";

/** Seeds a database without tenants; otherwise the keys of an earlier start. */
async function seedOnce(
  project: Project,
  running: RunningBackend,
  ownerUrl: string,
  onProgress: (message: string) => void,
): Promise<Seeded> {
  const owner = await openSession(ownerUrl);
  try {
    // RACE: of two first starts one seeds and the other waits. Ending the session ends the lock.
    await owner.query("select pg_advisory_lock($1)", [SEED_LOCK]);
    await removeUnfinished(owner, project);
    const present = await firstTenant(owner, project);
    if (present !== undefined) {
      return { keys: await readDevelopmentKeys(project), tenantId: present };
    }
    const seed = await loadSeed(project);
    if (seed === undefined) return { keys: [], tenantId: undefined };
    onProgress("Writing demo data…");
    await owner.query(`comment on schema backwright is '${UNFINISHED}'`);
    const keys = await runSeed(seed, running, owner);
    await writeDevelopmentKeys(project, keys);
    await owner.query("comment on schema backwright is null");
    return { keys, tenantId: await firstTenant(owner, project) };
  } catch (error) {
    await running.stop();
    throw error;
  } finally {
    await owner.close();
  }
}

/** What a seed left that was killed or failed. It began on a database without tenants. */
async function removeUnfinished(owner: Session, project: Project): Promise<void> {
  const [row] = await owner.query<{ note: string | null }>(
    "select obj_description('backwright'::regnamespace, 'pg_namespace') as note",
  );
  if (row?.note !== UNFINISHED) return;
  const own = ["api_keys", "idempotency", "audit", "events"].map((name) => `backwright.${name}`);
  const tables = [...[...project.model.tables.values()].map((table) => tableName(table)), ...own];
  await owner.query(`truncate ${tables.join(", ")} cascade`);
}

async function firstTenant(owner: Session, project: Project): Promise<string | undefined> {
  const table = tableName(project.model.tenant);
  const [row] = await owner.query<{ id: string }>(
    `select id::text as id from ${table} order by id limit 1`,
  );
  return row?.id;
}
