// The doctor's part that asks a database: the two logins, the server, the connections that are
// left, the clocks, the migrations and what they assert. Reads only.
import { now } from "../base/clock.ts";
import type { Settings } from "../base/settings.ts";
import { checkServingRole } from "../database/roles.ts";
import { openSession, type Session } from "../database/session.ts";
import { missingFinders } from "../migrate/finders.ts";
import { assertWalls, missingGrants } from "../migrate/grants.ts";
import { migrationStatus } from "../migrate/runner.ts";
import { wallsOf } from "../migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import { findersOf } from "../sql/finder.ts";
import type { ProjectDatabase } from "./databases.ts";
import { attempt, type Finding, ok, type Tell } from "./finding.ts";
import type { Project } from "./project.ts";
import { SERVING_NAME } from "./serve.ts";

// Not the name of serving processes, whose connections are counted.
const SESSION = { applicationName: "backwright doctor" };

export async function examineDatabase(
  project: Project,
  settings: Settings,
  database: ProjectDatabase,
  tell: Tell,
): Promise<void> {
  const session = await attempt("app login", tell, () => openSession(database.url, SESSION));
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
  const migrated = await attempt("migrations", tell, () => migrations(project, database));
  if (migrated === undefined) return;
  tell(migrated);
  if (migrated.level === "ok") await examineRights(project, database, tell);
}

/** What a migration run asserts: the app's rights, and the walls between tenants. */
async function examineRights(
  project: Project,
  { ownerUrl, appRole }: ProjectDatabase,
  tell: Tell,
): Promise<void> {
  if (ownerUrl === undefined) return; // Only the owner sees all of it.
  await attempt("rights", tell, async () => {
    const owner = await openSession(ownerUrl, SESSION);
    try {
      const [row] = await owner.query<{ name: string }>("select current_user::text as name");
      const roles = { owner: row?.name ?? "", app: appRole };
      if ((await missingGrants(owner, roles)).length > 0) {
        const message = "of the app login are not those that a migration run gives it";
        tell({ about: "rights", level: "warning", message, fix: "backwright migrate up" });
      } else tell(ok("rights", "of the app login are those that it needs"));
      const walls = wallsOf(project.model);
      await attempt("walls", tell, async () => {
        await assertWalls(owner, walls, roles);
        tell(ok("walls", `keep tenants apart in ${walls.length} tables`));
      });
    } finally {
      await owner.close();
    }
  });
}

interface ServerFacts {
  readonly version: string;
  readonly connections: number;
  readonly used: number;
  /** By processes that serve with this login. */
  readonly own: number;
  readonly now: number;
}

const SERVER_FACTS = `
select current_setting('server_version') as version,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - current_setting('reserved_connections')::int as connections,
  (select count(*)::int from pg_stat_activity
   where backend_type = 'client backend' and pid <> pg_backend_pid()) as used,
  (select count(*)::int from pg_stat_activity
   where usename = current_user and application_name = '${SERVING_NAME}') as own,
  (extract(epoch from clock_timestamp()) * 1000)::float as now`;

// LIMIT: keys expire and actions are stamped by both clocks; more than this is seen by people.
const SKEW_MS_MAX = 2_000;

async function examineServer(session: Session, settings: Settings, tell: Tell): Promise<void> {
  await session.query("select 1"); // The first answer is slower than the clocks differ.
  const before = now();
  const [facts] = await session.query<ServerFacts>(SERVER_FACTS);
  if (facts === undefined) return;
  const skewMs = Math.round(facts.now - (before + now()) / 2);
  tell(ok("PostgreSQL", facts.version));
  const wanted = settings.readConnections + settings.writeConnections;
  const free = facts.connections - facts.used;
  const serving = Math.ceil(facts.own / wanted);
  const processes = serving === 1 ? "1 process serves" : `${serving} processes serve`;
  const budget =
    `${wanted} a process; ${facts.used} of ${facts.connections} are in use` +
    (facts.own === 0 ? "" : `, ${facts.own} of them ours (${processes})`);
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

async function examineOwner({ ownerUrl }: ProjectDatabase, tell: Tell): Promise<void> {
  if (ownerUrl === undefined) {
    const message = "DATABASE_OWNER_URL is not set: this machine can serve, but not migrate";
    tell({ about: "owner login", level: "warning", message });
    return;
  }
  await attempt("owner login", tell, async () => {
    const owner = await openSession(ownerUrl, SESSION);
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
