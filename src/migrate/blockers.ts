// Who stands in the way of a statement that waits for a lock. Asked from a second connection while
// the wait lasts: afterwards PostgreSQL no longer knows.

import { setTimeout as sleep } from "node:timers/promises";
import { openSession, type Session } from "../database/session.ts";

export interface BlockerWatch {
  /** The last sessions seen in the way of the watched process; empty when none were seen. */
  readonly seen: () => readonly string[];
  readonly stop: () => Promise<void>;
}

interface BlockerRow {
  readonly pid: number;
  readonly name: string | null;
  readonly user: string | null;
  readonly state: string | null;
  readonly seconds: number | null;
  readonly query: string | null;
}

/**
 * Looks every `everyMs` for what blocks the server process `pid`. Gives no reason to fail: when no
 * second connection can be had, nobody is seen.
 */
export function watchBlockers(url: string, pid: number, everyMs: number): BlockerWatch {
  const ended = new AbortController();
  let blockers: readonly string[] = [];
  const watching = (async () => {
    let session: Session | undefined;
    try {
      for (;;) {
        await sleep(everyMs, undefined, { signal: ended.signal });
        session ??= await openSession(url, { applicationName: "backwright migrate (watch)" });
        const found = await readBlockers(session, pid);
        if (found.length > 0) blockers = found;
      }
    } catch {
      // Stopped, or without a connection.
    } finally {
      await session?.close();
    }
  })();
  return {
    seen: () => blockers,
    async stop() {
      ended.abort();
      await watching;
    },
  };
}

async function readBlockers(session: Session, pid: number): Promise<readonly string[]> {
  const rows = await session.query<BlockerRow>(
    `select pid, application_name as name, usename as "user", state, query,
       extract(epoch from clock_timestamp() - xact_start)::int as seconds
     from pg_stat_activity where pid = any(pg_blocking_pids($1))`,
    [pid],
  );
  return rows.map(describeBlocker);
}

function describeBlocker(row: BlockerRow): string {
  const parts = [
    row.name === null || row.name === "" ? null : `application "${row.name}"`,
    row.user === null ? null : `user ${row.user}`,
    row.state,
    row.seconds === null ? null : `in its transaction for ${row.seconds} s`,
    firstWord(row.query),
  ];
  return `process ${row.pid} (${parts.filter((part) => part !== null).join(", ")})`;
}

/** The verb alone: the rest of a statement may carry data of users. */
function firstWord(query: string | null): string | null {
  const word = /^\s*([a-z]+)\b/i.exec(query ?? "")?.[1];
  return word === undefined ? null : `last statement: ${word.toLowerCase()}`;
}
