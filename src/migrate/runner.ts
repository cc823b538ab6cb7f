// Applies migrations to a database: the built-in ones of the schema `backwright` first, then the
// app's, one run at a time. Says what it did in a value; printing is the command line's part.

import { monotonicMs } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import { openSession, type Session } from "../database/session.ts";
import type { Finder } from "../sql/finder.ts";
import { quoteIdentifier } from "../sql/quote.ts";
import type { WalledTable } from "../sql/row-security.ts";
import { applyStep, type RunContext, withLockRetry } from "./apply.ts";
import { readMigrations } from "./files.ts";
import { assertFinders } from "./finders.ts";
import { assertGrants, assertWalls, type DatabaseRoles } from "./grants.ts";
import {
  assertContinuable,
  createHistory,
  type KnownMigration,
  type MigrationScope,
  type MigrationStatus,
  readStatus,
} from "./history.ts";
import { acquireMigrationLock, findMigrationRun, releaseMigrationLock } from "./lock.ts";
import { readScript } from "./script.ts";

/** A migration of Backwright's own schema. May name roles by `:app_role` and `:owner_role`. */
export interface SystemMigration {
  readonly name: string;
  readonly up: string;
  readonly down: string;
}

export interface MigrationSources {
  /** The app's migrations; a folder that does not exist holds none. */
  readonly directory: string;
  readonly system: readonly SystemMigration[];
}

export interface MigrateOptions extends MigrationSources {
  /** A direct connection (no transaction pooler) as the role that owns the tables. */
  readonly ownerUrl: string;
  readonly appRole: string;
  /** The role that owns the tables, where the login of `ownerUrl` is only a member of it. */
  readonly ownerRole?: string;
  /** How long a statement waits for a lock before its file is rolled back. Default 2000. */
  readonly lockTimeoutMs?: number;
  /** How often a file is tried when it does not get a lock. Default 5. */
  readonly lockAttempts?: number;
  /** How long to wait for another run to end. Default 60,000. */
  readonly runWaitMs?: number;
  /** Recorded in the history beside each migration. */
  readonly appVersion?: string;
  readonly onProgress?: (message: string) => void;
}

export interface MigrateUpOptions extends MigrateOptions {
  /** The last of the app's migrations to apply. Default: all. */
  readonly to?: string;
  /** The model's walls, which must hold in the database once everything is applied. */
  readonly walls?: readonly WalledTable[];
  /** The model's finders, which the database has once everything is applied; left alone without. */
  readonly finders?: readonly Finder[];
}

export interface MigrateDownOptions extends MigrateOptions {
  /** How many of the app's migrations to take back, newest first. Default 1. */
  readonly steps?: number;
}

export interface MigrationSummary {
  readonly direction: "up" | "down";
  readonly migrations: readonly {
    readonly scope: MigrationScope;
    readonly name: string;
    readonly durationMs: number;
  }[];
  readonly durationMs: number;
}

const LOCK_TIMEOUT_MS = 2_000;
const LOCK_ATTEMPTS = 5;
const RUN_WAIT_MS = 60_000;

/**
 * Applies what is pending, each file once however many runs start together, then asserts grants
 * and walls. A file is applied with its record or not at all; one outside a transaction that is
 * interrupted stays "started" and stops later runs. Throws a StartError saying what stands.
 */
export async function migrateUp(options: MigrateUpOptions): Promise<MigrationSummary> {
  const known = await knownMigrations(options);
  return withRun(options, async (context) => {
    const { session } = context;
    await createHistory(session);
    const status = await readStatus(session, known);
    assertContinuable(status, known);
    const pending = pendingUntil(options.to, known, status);
    const migrations: MigrationSummary["migrations"][number][] = [];
    let last = status.findLast(({ state }) => state === "applied")?.name;
    for (const migration of pending) {
      const { scope, name, up: script } = migration;
      context.onProgress(`Applying ${name}`);
      const standing = `the database stands ${last === undefined ? "empty" : `after ${last}`}`;
      const step = { direction: "up", migration, script, standing } as const;
      const durationMs = await applyStep(context, step);
      migrations.push({ scope, name, durationMs });
      last = name;
    }
    await withLockRetry(context, "Granting to the app's role", () =>
      assertGrants(session, context.roles),
    );
    const complete = !(await readStatus(session, known)).some(({ state }) => state === "pending");
    if (complete) await assertWalls(session, options.walls ?? [], context.roles);
    const { finders } = options;
    if (complete && finders !== undefined) {
      await withLockRetry(context, "Making the finders", () =>
        assertFinders(session, finders, context.roles),
      );
    }
    return { direction: "up", migrations };
  });
}

/**
 * Takes back the newest of the app's migrations by their down.sql, never those of Backwright.
 * Throws a StartError before anything changes when one of them has no down.sql.
 */
export async function migrateDown(options: MigrateDownOptions): Promise<MigrationSummary> {
  const steps = options.steps ?? 1;
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new StartError(`Cannot take back ${steps} migrations.`, { fix: "Give 1 or more." });
  }
  const known = await knownMigrations(options);
  return withRun(options, async (context) => {
    const status = await readStatus(context.session, known);
    assertContinuable(status, known);
    const plan = stepsBack(known, status, steps);
    const migrations: MigrationSummary["migrations"][number][] = [];
    for (const { migration, script } of plan) {
      const { scope, name } = migration;
      context.onProgress(`Taking back ${name}`);
      const standing = `${name} is still applied`;
      const step = { direction: "down", migration, script, standing } as const;
      migrations.push({ scope, name, durationMs: await applyStep(context, step) });
    }
    return { direction: "down", migrations };
  });
}

export interface StatusOptions extends MigrationSources {
  /** Any role that may read backwright.migrations. */
  readonly ownerUrl: string;
}

/** How the migrations here compare with the database: built-in ones first. Changes nothing. */
export async function migrationStatus(options: StatusOptions): Promise<readonly MigrationStatus[]> {
  const known = await knownMigrations(options);
  const session = await openSession(options.ownerUrl, { applicationName: "backwright migrate" });
  try {
    const run = await findMigrationRun(session);
    const status = await readStatus(session, known);
    return run === null ? status : status.map((row) => withoutAlarm(row, run));
  } finally {
    await session.close();
  }
}

/** A file outside a transaction is only known to be interrupted when nobody runs it. */
function withoutAlarm(row: MigrationStatus, run: string): MigrationStatus {
  if (row.state !== "started" && row.state !== "reverting") return row;
  return { ...row, advice: `A migration run is under way: ${run}. Wait for it to end.` };
}

async function knownMigrations(sources: MigrationSources): Promise<readonly KnownMigration[]> {
  const folders = await readMigrations(sources.directory);
  const system = sources.system.map(({ name, up, down }) => ({
    scope: "system" as const,
    name,
    up: readScript(`the built-in migration ${name}`, up),
    down: readScript(`the built-in migration ${name} (down)`, down),
  }));
  return [
    ...system,
    ...folders.map(({ name, up, down }) => ({ scope: "app" as const, name, up, down })),
  ];
}

async function withRun(
  options: MigrateOptions,
  work: (context: RunContext) => Promise<Omit<MigrationSummary, "durationMs">>,
): Promise<MigrationSummary> {
  const start = monotonicMs();
  const onProgress = options.onProgress ?? (() => undefined);
  const session = await openSession(options.ownerUrl, {
    applicationName: "backwright migrate",
    onNotice: onProgress,
  });
  try {
    const roles = await enterRole(session, options);
    const waitMs = options.runWaitMs ?? RUN_WAIT_MS;
    await acquireMigrationLock(session, { waitMs, onProgress });
    const summary = await work({
      session,
      ownerUrl: options.ownerUrl,
      roles,
      lockTimeoutMs: options.lockTimeoutMs ?? LOCK_TIMEOUT_MS,
      lockAttempts: options.lockAttempts ?? LOCK_ATTEMPTS,
      appVersion: options.appVersion ?? null,
      onProgress,
    });
    await releaseMigrationLock(session);
    return { ...summary, durationMs: Math.round(monotonicMs() - start) };
  } finally {
    await session.close();
  }
}

/** Settles as whom the session works, and that the wall between tenants would hold for the app. */
async function enterRole(session: Session, options: MigrateOptions): Promise<DatabaseRoles> {
  await session.query("set search_path to public");
  // Lets the server notice that this process was killed, instead of finishing a long statement and
  // holding its locks. Not every operating system offers it.
  await session.query("set client_connection_check_interval = '2s'").catch(() => undefined);
  if (options.ownerRole !== undefined) {
    await session.query(`set role ${quoteIdentifier(options.ownerRole)}`);
  }
  const [role] = await session.query<{
    owner: string;
    superuser: string | null;
    app: string | null;
    member: boolean | null;
    unbound: boolean | null;
  }>(
    `select current_user as owner,
       (select rolname from pg_roles where rolsuper and rolname in (session_user, current_user)
         limit 1) as superuser,
       app.rolname as app, pg_has_role(app.oid, current_user::regrole::oid, 'MEMBER') as member,
       app.rolsuper or app.rolbypassrls as unbound
     from (values (1)) one left join pg_roles app on app.rolname = $1`,
    [options.appRole],
  );
  const owner = role?.owner ?? "";
  refuseUnsafeRoles(options.appRole, role?.superuser ?? null, role);
  return { owner, app: options.appRole };
}

function refuseUnsafeRoles(
  appRole: string,
  superuser: string | null,
  role: { app: string | null; member: boolean | null; unbound: boolean | null } | undefined,
): void {
  const setUp =
    "`npx backwright database setup` creates an owner and an app role as they should be.";
  if (superuser !== null) {
    throw new StartError(`Migrations do not run as the superuser "${superuser}".`, {
      fix: `Give the address of an ordinary role that owns the database. ${setUp}`,
    });
  }
  if (role?.app === null) {
    throw new StartError(`The role "${appRole}", which serves, does not exist.`, { fix: setUp });
  }
  if (role?.member === true) {
    throw new StartError(`The role "${appRole}", which serves, is (a member of) the owner.`, {
      fix: `It would see every tenant. Use two roles: ${setUp}`,
    });
  }
  if (role?.unbound === true) {
    throw new StartError(`Row level security does not bind the role "${appRole}".`, {
      fix:
        "Run as an administrator: " +
        `alter role ${quoteIdentifier(appRole)} nosuperuser nobypassrls;`,
    });
  }
}

function pendingUntil(
  to: string | undefined,
  known: readonly KnownMigration[],
  status: readonly MigrationStatus[],
): readonly KnownMigration[] {
  const last = to === undefined ? known.length - 1 : known.findIndex((one) => isNamed(one, to));
  if (to !== undefined && last < 0) {
    throw new StartError(`There is no migration "${to}".`, {
      fix: "Give a folder's name, number included; `npx backwright migrate status` lists them.",
    });
  }
  return known.filter(
    ({ scope, name }, index) =>
      index <= last &&
      status.some((row) => row.scope === scope && row.name === name && row.state === "pending"),
  );
}

function isNamed({ scope, name }: KnownMigration, wanted: string): boolean {
  return scope === "app" && name === wanted;
}

function stepsBack(
  known: readonly KnownMigration[],
  status: readonly MigrationStatus[],
  steps: number,
) {
  const applied = known.filter(
    ({ scope, name }) =>
      scope === "app" &&
      status.some((row) => row.scope === scope && row.name === name && row.state === "applied"),
  );
  if (steps > applied.length) {
    throw new StartError(`Cannot take back ${steps} migrations: ${applied.length} are applied.`, {
      fix: "`npx backwright migrate status` lists them.",
    });
  }
  return applied
    .slice(-steps)
    .reverse()
    .map((migration) => {
      const { down: script } = migration;
      if (script === null) {
        throw new StartError(`${migration.name} has no down.sql and cannot be taken back.`, {
          fix: "Write down.sql beside its up.sql, or undo it by a new migration.",
        });
      }
      return { migration, script };
    });
}
