// What may be wrong around a project, looked at one thing after the other: this Node, the settings,
// the declaration, the database, the port. Changes nothing; starts the embedded server if it must.
import { createServer } from "node:net";
import { now } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import { SETTING_NAMES } from "../base/setting-table.ts";
import { type Environment, readSettings, type Settings } from "../base/settings.ts";
import { isNearly } from "../base/spelling.ts";
import { checkServingRole } from "../database/roles.ts";
import { openSession, type Session } from "../database/session.ts";
import { missingFinders } from "../migrate/finders.ts";
import { migrationStatus } from "../migrate/runner.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import { findersOf } from "../sql/finder.ts";
import { openProjectDatabase, type ProjectDatabase } from "./databases.ts";
import { loadProject, type Project } from "./project.ts";

export interface Finding {
  readonly about: string;
  readonly level: "ok" | "warning" | "failure";
  readonly message: string;
  readonly fix?: string;
}

/** Tells every finding as soon as it is there; what needs a step that failed is left out. */
export async function examine(
  folder: string,
  environment: Environment,
  tell: (finding: Finding) => void,
  onProgress: (message: string) => void,
): Promise<void> {
  tell(nodeVersion(process.versions.node));
  const settings = await attempt("settings", tell, async () => {
    const mode = environment.DATABASE_URL === undefined ? "development" : "production";
    const read = readSettings(environment, mode);
    tell(ok("settings", `are complete for ${mode}`));
    return read;
  });
  for (const finding of unknownSettings(environment)) tell(finding);
  const project = await attempt("backend", tell, async () => {
    const loaded = await loadProject(folder);
    tell(ok("backend", `${loaded.backend.name}: ${loaded.model.resources.size} resources`));
    return loaded;
  });
  if (settings === undefined) return;
  await examinePort(settings, tell);
  if (project === undefined) return;
  const database = await attempt("database", tell, () =>
    openProjectDatabase(project, settings, onProgress),
  );
  if (database === undefined) return;
  try {
    await examineDatabase(project, settings, database, tell);
  } finally {
    await database.release();
  }
}

const NODE_MIN = [22, 18] as const;

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isRecent = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (isRecent) return ok("Node", version);
  const message = `${version} is older than ${NODE_MIN.join(".")}`;
  return { about: "Node", level: "failure", message, fix: "Install Node 24." };
}

// Shorter names (PORT, HOST) are near too many of others.
const LENGTH_MIN = 5;

/** Variables that look like ours and are not read: a setting that is silently not in force. */
export function unknownSettings(environment: Environment): readonly Finding[] {
  return Object.keys(environment).flatMap((name) => {
    if (SETTING_NAMES.some((known) => known === name)) return [];
    const meant = SETTING_NAMES.find(
      (known) => known.length >= LENGTH_MIN && isNearly(name, known),
    );
    if (meant === undefined) return [];
    const message = `${name} is not a setting; did you mean ${meant}?`;
    return [{ about: "settings", level: "warning", message } as const];
  });
}

async function examinePort({ host, port }: Settings, tell: (finding: Finding) => void) {
  if (port === undefined || port === 0) {
    tell(ok("port", "the first free of 3000 to 3010"));
    return;
  }
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (failure === undefined) tell(ok("port", `${host}:${port} is free`));
  else {
    const message = `cannot listen on ${host}:${port}: ${failure.code}`;
    tell({
      about: "port",
      level: "failure",
      message,
      fix: "Stop what listens there, or set PORT.",
    });
  }
}

async function examineDatabase(
  project: Project,
  settings: Settings,
  database: ProjectDatabase,
  tell: (finding: Finding) => void,
): Promise<void> {
  const session = await attempt("app login", tell, () => openSession(database.url));
  if (session === undefined) return;
  try {
    await attempt("app login", tell, async () => {
      await checkServingRole(async (text) => ({ rows: await session.query(text) }));
      tell(ok("app login", "is held by row-level security"));
    });
    await examineServer(session, settings, tell);
  } finally {
    await session.close();
  }
  await examineOwner(database, tell);
  await attempt("migrations", tell, async () => tell(await migrations(project, database)));
}

interface ServerFacts {
  readonly version: string;
  readonly connections: number;
  readonly used: number;
  readonly now: number;
}

const SERVER_FACTS = `
select current_setting('server_version') as version,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - current_setting('reserved_connections')::int as connections,
  (select count(*)::int from pg_stat_activity
   where backend_type = 'client backend' and pid <> pg_backend_pid()) as used,
  (extract(epoch from clock_timestamp()) * 1000)::float as now`;

// LIMIT: keys expire and actions are stamped by both clocks; more than this is seen by people.
const SKEW_MS_MAX = 2_000;

async function examineServer(
  session: Session,
  settings: Settings,
  tell: (finding: Finding) => void,
): Promise<void> {
  await session.query("select 1"); // The first answer is slower than the clocks differ.
  const before = now();
  const [facts] = await session.query<ServerFacts>(SERVER_FACTS);
  if (facts === undefined) return;
  const skewMs = Math.round(facts.now - (before + now()) / 2);
  tell(ok("PostgreSQL", facts.version));
  const wanted = settings.readConnections + settings.writeConnections;
  const free = facts.connections - facts.used;
  const budget = `${wanted} a process; ${facts.used} of ${facts.connections} are in use`;
  if (free < wanted) {
    const fix =
      "Raise max_connections, or lower DATABASE_READ_CONNECTIONS and …_WRITE_CONNECTIONS.";
    tell({ about: "connections", level: "failure", message: budget, fix });
  } else tell(ok("connections", `${budget}: room for ${Math.floor(free / wanted)} more processes`));
  if (Math.abs(skewMs) <= SKEW_MS_MAX) tell(ok("clock", "agrees with the database's"));
  else {
    const message = `the database's is ${skewMs} ms ahead of this one`;
    tell({
      about: "clock",
      level: "warning",
      message,
      fix: "Run a time service on both machines.",
    });
  }
}

async function examineOwner(
  { ownerUrl }: ProjectDatabase,
  tell: (finding: Finding) => void,
): Promise<void> {
  if (ownerUrl === undefined) {
    const message = "DATABASE_OWNER_URL is not set: this machine can serve, but not migrate";
    tell({ about: "owner login", level: "warning", message });
    return;
  }
  await attempt("owner login", tell, async () => {
    const owner = await openSession(ownerUrl);
    const [row] = await owner.query<{ is_owner: boolean }>(
      `select pg_has_role(current_user, datdba, 'MEMBER') as is_owner
       from pg_database where datname = current_database()`,
    );
    await owner.close();
    if (row?.is_owner === true) tell(ok("owner login", "owns the database"));
    else {
      const message = "DATABASE_OWNER_URL does not own the database";
      tell({ about: "owner login", level: "failure", message, fix: "backwright database setup" });
    }
  });
}

async function migrations(project: Project, database: ProjectDatabase): Promise<Finding> {
  const sources = { directory: project.migrations, system: SYSTEM_MIGRATIONS };
  const rows = await migrationStatus({ ...sources, ownerUrl: database.ownerUrl ?? database.url });
  const astray = rows.find(({ state }) => state !== "applied" && state !== "pending");
  const about = "migrations";
  if (astray !== undefined) {
    const message = `${astray.name} is ${astray.state} in the database`;
    return { about, level: "failure", message, fix: astray.advice ?? "backwright migrate status" };
  }
  const files = rows.filter(({ state }) => state === "pending").map(({ name }) => name);
  const pending = [...files, ...(await missingFinders(database.url, findersOf(project.model)))];
  if (pending.length === 0) return ok(about, "are applied");
  const message = `pending: ${pending.join(", ")}`;
  return { about, level: "warning", message, fix: "backwright migrate up" };
}

function ok(about: string, message: string): Finding {
  return { about, level: "ok", message };
}

/** What a step needs and does not find is a failure with the step's own words. */
async function attempt<T>(
  about: string,
  tell: (finding: Finding) => void,
  step: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const fix = error.fix === undefined ? {} : { fix: error.fix };
    tell({ about, level: "failure", message: error.message, ...fix });
    return undefined;
  }
}
