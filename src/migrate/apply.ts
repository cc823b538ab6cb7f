// Runs one script against the database, up or down, and records it in the history. A script and
// its record are one transaction, unless the script asks to run outside.

import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import { postgresFailure, type Session } from "../database/session.ts";
import { quoteIdentifier } from "../sql/quote.ts";
import { watchBlockers } from "./blockers.ts";
import { assertGrants, type DatabaseRoles } from "./grants.ts";
import { interruptedAdvice } from "./history.ts";
import { createExtension } from "./script.ts";
import { EndedTransaction, type MigrationStep, outsideFailure, stepFailure } from "./step.ts";

export interface RunContext {
  readonly session: Session;
  readonly ownerUrl: string;
  readonly roles: DatabaseRoles;
  readonly lockTimeoutMs: number;
  readonly lockAttempts: number;
  readonly appVersion: string | null;
  readonly onProgress: (message: string) => void;
}

const FIRST_PAUSE_MS = 500;
const PAUSE_MS_MAX = 8_000;

/** Applies the step and returns how long its last attempt took, in milliseconds. */
export async function applyStep(context: RunContext, step: MigrationStep): Promise<number> {
  return step.script.transaction ? applyInTransaction(context, step) : applyOutside(context, step);
}

/**
 * Runs `work` in a transaction that gives up on a lock after the lock timeout, and repeats it when
 * it did. Throws a StartError naming who was in the way after the last attempt.
 */
export async function withLockRetry(
  context: RunContext,
  subject: string,
  work: () => Promise<void>,
): Promise<void> {
  const { session } = context;
  const pid = await processId(session);
  for (let attempt = 1; ; attempt += 1) {
    const watch = watchBlockers(context.ownerUrl, pid, Math.max(context.lockTimeoutMs / 3, 20));
    try {
      await session.query(
        `begin; set local lock_timeout = ${Math.round(context.lockTimeoutMs)}; ` +
          "set local search_path to public",
      );
      await work();
      await session.query("commit");
      return;
    } catch (error) {
      await rollback(session);
      if (postgresFailure(error)?.kind !== "lock") throw error;
      if (attempt >= context.lockAttempts) throw lockFailure(context, subject, watch.seen(), error);
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), PAUSE_MS_MAX);
      context.onProgress(
        `${subject} waits for a lock${blockedBy(watch.seen())}; ` +
          `attempt ${attempt + 1} of ${context.lockAttempts} in ${pauseMs} ms.`,
      );
      await watch.stop();
      await sleep(pauseMs);
    } finally {
      await watch.stop();
    }
  }
}

async function applyInTransaction(context: RunContext, step: MigrationStep): Promise<number> {
  const { session } = context;
  let durationMs = 0;
  let inScript = false;
  try {
    await withLockRetry(context, step.migration.name, async () => {
      const start = monotonicMs();
      await guardCommit(context, step);
      const before = await transactionId(session);
      inScript = true;
      await session.query(scriptText(context, step));
      inScript = false;
      if ((await transactionId(session)) !== before) throw new EndedTransaction();
      await assertGrants(session, context.roles);
      durationMs = Math.round(monotonicMs() - start);
      await finish(context, step, durationMs);
    });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw stepFailure(step, error, inScript);
  }
  return durationMs;
}

async function applyOutside(context: RunContext, step: MigrationStep): Promise<number> {
  const { session } = context;
  const { scope, name, up } = step.migration;
  const state = step.direction === "up" ? "started" : "reverting";
  for (const extension of step.script.extensions) {
    await session.query(createExtension(extension)).catch((error: unknown) => {
      throw stepFailure(step, error, true); // Nothing of the file has run.
    });
  }
  await session.query(
    `insert into backwright.migrations (scope, name, checksum, state, app_version)
     values ($1, $2, $3, $4, $5)
     on conflict (scope, name) do update set state = excluded.state`,
    [scope, name, up.checksum, state, context.appVersion],
  );
  const start = monotonicMs();
  try {
    // With values PostgreSQL takes the text as one statement, and refuses more.
    await session.query(scriptText(context, step), []);
  } catch (error) {
    const failure = postgresFailure(error);
    // PostgreSQL's own parser names no place in a function: nothing has run yet.
    const refused = failure?.kind === "syntax" && failure.where === null;
    if (!refused) {
      throw outsideFailure(step, error, interruptedAdvice({ scope, name, state }));
    }
    await (step.direction === "up" ? forget(session, step) : restore(session, step));
    throw stepFailure(step, error, true);
  }
  const durationMs = Math.round(monotonicMs() - start);
  await finish(context, step, durationMs);
  return durationMs;
}

/** Marks the step's row so that only `finish` makes the transaction fit to commit. */
async function guardCommit(context: RunContext, step: MigrationStep): Promise<void> {
  const { scope, name, up } = step.migration;
  await context.session.query(
    `insert into backwright.migrations (scope, name, checksum, state, app_version, commit_guard)
     values ($1, $2, $3, 'started', $4, '')
     on conflict (scope, name) do update set commit_guard = ''`,
    [scope, name, up.checksum, context.appVersion],
  );
}

async function finish(context: RunContext, step: MigrationStep, durationMs: number): Promise<void> {
  if (step.direction === "down") return forget(context.session, step);
  await context.session.query(
    `update backwright.migrations
     set state = 'applied', commit_guard = null, applied_at = clock_timestamp(), duration_ms = $3
     where scope = $1 and name = $2`,
    [step.migration.scope, step.migration.name, durationMs],
  );
}

async function forget(session: Session, step: MigrationStep): Promise<void> {
  await session.query("delete from backwright.migrations where scope = $1 and name = $2", [
    step.migration.scope,
    step.migration.name,
  ]);
}

async function restore(session: Session, step: MigrationStep): Promise<void> {
  await session.query(
    "update backwright.migrations set state = 'applied' where scope = $1 and name = $2",
    [step.migration.scope, step.migration.name],
  );
}

/** Built-in files may name the two roles; those of an app name none. */
function scriptText({ roles }: RunContext, { migration, script }: MigrationStep): string {
  if (migration.scope !== "system") return script.sql;
  return script.sql
    .replaceAll(/(?<![:\w]):app_role\b/g, () => quoteIdentifier(roles.app))
    .replaceAll(/(?<![:\w]):owner_role\b/g, () => quoteIdentifier(roles.owner));
}

async function processId(session: Session): Promise<number> {
  const [row] = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
  return row?.pid ?? 0;
}

async function transactionId(session: Session): Promise<string | null> {
  const [row] = await session.query<{ id: string | null }>(
    "select pg_current_xact_id_if_assigned()::text as id",
  );
  return row?.id ?? null;
}

async function rollback(session: Session): Promise<void> {
  try {
    await session.query("rollback");
  } catch {
    // The connection is gone, and PostgreSQL rolls back by itself.
  }
}

function blockedBy(blockers: readonly string[]): string {
  return blockers.length === 0 ? "" : ` held by ${blockers.join(", ")}`;
}

function lockFailure(
  context: RunContext,
  subject: string,
  blockers: readonly string[],
  cause: unknown,
): StartError {
  return new StartError(
    `${subject} did not get a lock in ${context.lockAttempts} attempts of ` +
      `${context.lockTimeoutMs} ms${blockedBy(blockers)}. It was rolled back.`,
    {
      fix:
        "Wait until that session has ended its transaction, or end it with " +
        "select pg_terminate_backend(<process>), and run the command again.",
      cause,
    },
  );
}
