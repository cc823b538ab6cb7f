// The table backwright.migrations: what was applied, and how that compares with what there is.
//
//   (no row) --up--> applied --down--> (no row)            one transaction each
//   (no row) --> started --> applied --> reverting --> (no row)   files without a transaction
//
// A row found "started" or "reverting" belongs to a run that was interrupted.

import { StartError } from "../base/errors.ts";
import type { Session } from "../database/session.ts";
import { quoteLiteral } from "../sql/quote.ts";
import type { MigrationScript } from "./script.ts";

export type MigrationScope = "system" | "app";

/** A migration that this process could apply. */
export interface KnownMigration {
  readonly scope: MigrationScope;
  readonly name: string;
  readonly up: MigrationScript;
  readonly down: MigrationScript | null;
}

export interface MigrationStatus {
  readonly name: string;
  readonly scope: MigrationScope;
  /**
   * changed: applied, then its up.sql was edited. missing: applied, but not here. started,
   * reverting: interrupted outside a transaction; `advice` says how to go on.
   */
  readonly state: "applied" | "pending" | "changed" | "missing" | "started" | "reverting";
  /** ISO 8601 in UTC. */
  readonly appliedAt: string | null;
  /** SHA-256 of up.sql: of the one that was applied, else of the one here. */
  readonly checksum: string;
  readonly advice: string | null;
}

interface HistoryRow {
  readonly scope: MigrationScope;
  readonly name: string;
  readonly checksum: string;
  readonly state: "applied" | "started" | "reverting";
  readonly applied_at: string | null;
}

/**
 * `commit_guard` refers to a row that never exists until the runner clears it: a COMMIT inside a
 * file then fails as a whole, instead of leaving half a migration that nobody recorded.
 */
export const COMMIT_GUARD = "migrations_commit_guard";
const CREATE_HISTORY = `
create table backwright.migrations (
  scope text not null check (scope in ('system', 'app')),
  name text not null check (name <> ''),
  checksum text not null,
  state text not null check (state in ('started', 'applied', 'reverting')),
  started_at timestamptz not null default clock_timestamp(),
  applied_at timestamptz,
  duration_ms integer,
  app_version text,
  commit_guard text,
  primary key (scope, name),
  constraint ${COMMIT_GUARD} foreign key (scope, commit_guard)
    references backwright.migrations (scope, name) deferrable initially deferred
);`;

/** Creates schema and table where they are missing. Only under the migration lock. */
export async function createHistory(session: Session): Promise<void> {
  const [found] = await session.query<{ schema: boolean }>(
    "select exists (select from pg_namespace where nspname = 'backwright') as schema",
  );
  if (found?.schema !== true) await session.query("create schema backwright");
  if (!(await hasHistory(session))) await session.query(CREATE_HISTORY);
}

const BEGIN_ANEW =
  "To begin anew with an empty development database: npx backwright db reset, then dev.";

/** Compares what is known here with the history. Read-only; no history: nothing is applied. */
export async function readStatus(
  session: Session,
  known: readonly KnownMigration[],
): Promise<readonly MigrationStatus[]> {
  const rows = (await hasHistory(session)) ? await readHistory(session) : [];
  const missing = rows.filter(
    (row) => !known.some((one) => one.scope === row.scope && one.name === row.name),
  );
  return [
    ...known.map((one) => statusOf(one, rows)),
    ...missing.map((row) => ({
      ...identityOf(row),
      state: "missing" as const,
      appliedAt: row.applied_at,
      checksum: row.checksum,
      advice:
        row.scope === "system"
          ? "A newer Backwright has migrated this database: install that version or a later one."
          : "Restore its folder from version control; this checkout may be older than the data. " +
            BEGIN_ANEW,
    })),
  ];
}

/** Throws a StartError unless applied migrations are unchanged, present, complete and first. */
export function assertContinuable(
  status: readonly MigrationStatus[],
  known: readonly KnownMigration[],
): void {
  const broken = status.filter(({ state }) => state !== "applied" && state !== "pending");
  const [first] = broken;
  if (first !== undefined) {
    const lines = broken.map(({ scope, name, state }) => `  - ${scope} ${name}: ${state}`);
    throw new StartError(`The migrations and the database disagree:\n${lines.join("\n")}`, {
      ...(first.advice === null ? {} : { fix: first.advice }),
    });
  }
  for (const scope of ["system", "app"] as const) {
    const own = status.filter((row) => row.scope === scope);
    const pending = own.findIndex(({ state }) => state === "pending");
    const late = own.findIndex(({ state }, index) => state === "applied" && index > pending);
    if (pending < 0 || late < 0) continue;
    const [before, after] = [own[pending]?.name ?? "", own[late]?.name ?? ""];
    const place = known.find((one) => one.scope === scope && one.name === before)?.up.source;
    throw new StartError(
      `The migration ${before} (${place ?? scope}) is new, but ${after} after it is applied.`,
      { fix: "Give it the next free number, so that every database runs the same order." },
    );
  }
}

async function hasHistory(session: Session): Promise<boolean> {
  // Not to_regclass(), which fails for a role that may not use the schema.
  const [found] = await session.query<{ history: boolean }>(
    `select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'backwright' and c.relname = 'migrations') as history`,
  );
  return found?.history === true;
}

function readHistory(session: Session): Promise<HistoryRow[]> {
  return session.query<HistoryRow>(
    `select scope, name, checksum, state,
       to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as applied_at
     from backwright.migrations order by started_at, name`,
  );
}

function statusOf(known: KnownMigration, rows: readonly HistoryRow[]): MigrationStatus {
  const row = rows.find((one) => one.scope === known.scope && one.name === known.name);
  const checksum = row?.checksum ?? known.up.checksum;
  const base = { ...identityOf(known), appliedAt: row?.applied_at ?? null, checksum };
  if (row === undefined) return { ...base, state: "pending", advice: null };
  if (row.state !== "applied") return { ...base, state: row.state, advice: interruptedAdvice(row) };
  if (row.checksum === known.up.checksum) return { ...base, state: "applied", advice: null };
  const advice =
    known.scope === "system"
      ? "This Backwright differs from the one that migrated the database: reinstall it."
      : `An applied file stays as it is: restore ${known.up.source} (git checkout), ` +
        `and put the change into a new migration. ${BEGIN_ANEW}`;
  return { ...base, state: "changed", advice };
}

function identityOf({ scope, name }: Pick<HistoryRow, "scope" | "name">) {
  return { scope, name };
}

/** How a person settles a file that ran outside a transaction and did not come to its end. */
export function interruptedAdvice(row: Pick<HistoryRow, "scope" | "name" | "state">): string {
  const where = `where scope = ${quoteLiteral(row.scope)} and name = ${quoteLiteral(row.name)}`;
  const done = `update backwright.migrations set state = 'applied', applied_at = now() ${where};`;
  const undone = `delete from backwright.migrations ${where};`;
  const [complete, repeat] = row.state === "started" ? [done, undone] : [undone, done];
  return (
    "It ran outside a transaction and was interrupted. Look at what it left in the database " +
    "(indexes that were not finished: select indexrelid::regclass from pg_index where not " +
    "indisvalid). If its change is complete, run as the owner:\n" +
    `  ${complete}\nIf not, clean up what there is of it, then run this and repeat the command:\n` +
    `  ${repeat}`
  );
}
