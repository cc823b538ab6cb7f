// One migration run at a time in a database, held by the session: PostgreSQL lets go of it when
// the connection ends, however it ends. Needs a direct connection, not a transaction pooler.

import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import type { Session } from "../database/session.ts";

/** "BWMG" in ASCII, and 1 for the runner: advisory locks share one space per database. */
const LOCK_CLASS = 0x42_57_4d_47;
const LOCK_RUNNER = 1;
const POLL_MS = 200;
const REPORT_EVERY_MS = 10_000;

export interface LockWait {
  readonly waitMs: number;
  readonly onProgress: (message: string) => void;
}

/**
 * Takes the lock, or throws a StartError naming the holder after `waitMs`.
 *
 * RACE: asks again and again instead of waiting inside PostgreSQL. A waiting statement holds a
 * snapshot; CREATE INDEX CONCURRENTLY in the other runner would wait for it, and it for the lock.
 */
export async function acquireMigrationLock(session: Session, wait: LockWait): Promise<void> {
  const start = monotonicMs();
  let reportAt = start;
  while (!(await tryLock(session))) {
    const elapsed = monotonicMs() - start;
    if (elapsed >= wait.waitMs) {
      throw new StartError(
        `Another migration run still holds the lock after ${Math.round(elapsed / 1000)} s: ` +
          `${await describeRun(session)}.`,
        { fix: "Wait for it to end, or end that process, and run the command again." },
      );
    }
    if (monotonicMs() >= reportAt) {
      wait.onProgress(`Waiting for another migration run: ${await describeRun(session)}.`);
      reportAt = monotonicMs() + REPORT_EVERY_MS;
    }
    await sleep(Math.min(POLL_MS, wait.waitMs - elapsed));
  }
}

export async function releaseMigrationLock(session: Session): Promise<void> {
  await session.query("select pg_advisory_unlock($1, $2)", [LOCK_CLASS, LOCK_RUNNER]);
}

async function tryLock(session: Session): Promise<boolean> {
  const [row] = await session.query<{ locked: boolean }>(
    "select pg_try_advisory_lock($1, $2) as locked",
    [LOCK_CLASS, LOCK_RUNNER],
  );
  return row?.locked === true;
}

async function describeRun(session: Session): Promise<string> {
  return (await findMigrationRun(session)) ?? "a session that has just ended";
}

/** Who holds the lock, in words; null when no run is under way. */
export async function findMigrationRun(session: Session): Promise<string | null> {
  const [holder] = await session.query<{ pid: number; name: string | null; user: string | null }>(
    `select l.pid, a.application_name as name, a.usename as "user"
     from pg_locks l left join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.classid = $1::oid and l.objid = $2::oid
       and l.objsubid = 2
       and l.database = (select oid from pg_database where datname = current_database())`,
    [LOCK_CLASS, LOCK_RUNNER],
  );
  if (holder === undefined) return null;
  const name = holder.name === null || holder.name === "" ? "unnamed" : `"${holder.name}"`;
  return `process ${holder.pid} (application ${name}, user ${holder.user ?? "unknown"})`;
}
