// What killed transactions must have left: judged by plain SQL over the tables, knowing the
// requests and their replies and nothing of how they were run.
import type { TestBackend } from "../support/backend.ts";
import { BULK_RECORDS, type Killed } from "./kill-transactions.ts";

interface Effects {
  readonly orders: number;
  readonly versions: number;
  readonly entries: number;
  readonly changes: number;
  readonly events: number;
  readonly emitted: number;
  readonly replies: number;
}

const EFFECTS = `
  with orders as (select id, version from work_orders where id = $1 or description = $2)
  select (select count(*)::int from orders) as orders,
    (select coalesce(sum(version), 0)::int from orders) as versions,
    (select count(*)::int from backwright.audit
      where record_id in (select id from orders)) as entries,
    (select count(*)::int from backwright.audit
      where record_id in (select id from orders) and operation = 'assign') as changes,
    (select count(*)::int from backwright.events where key in (select id from orders)
      and type like 'workOrders.%') as events,
    (select count(*)::int from backwright.events where key in (select id from orders)
      and type = 'workOrder.assigned') as emitted,
    (select count(*)::int from backwright.idempotency where key = $3) as replies`;

/** Every way in which the database and the replies disagree, in words. */
export async function judgeTransactions(
  { owner }: TestBackend,
  killed: readonly Killed[],
): Promise<string[]> {
  const problems: string[] = [];
  const effects = async (id: string | null, description: string, key: string): Promise<Effects> => {
    const [row] = await owner.query<Effects & Record<string, unknown>>(EFFECTS, [
      id,
      description,
      key,
    ]);
    if (row === undefined) throw new Error("no effects");
    return row;
  };
  for (const { step, action, bulk } of killed) {
    for (const write of [action, bulk]) {
      const about = `${write.key} (${step})`;
      const replies = new Set(
        write.acknowledgements.map(({ status, body }) => `${status} ${body}`),
      );
      if (replies.size !== 1) problems.push(`${about}: ${replies.size} different replies`);
      if (write.acknowledgements.length < 2) problems.push(`${about}: not repeated`);
      for (const { status, body } of write.refusals) problems.push(`${about}: ${status} ${body}`);
    }
    const one = {
      orders: 1,
      versions: 2,
      entries: 2,
      changes: 1,
      events: 2,
      emitted: 1,
      replies: 1,
    };
    const n = BULK_RECORDS;
    const many = {
      orders: n,
      versions: n,
      entries: n,
      changes: 0,
      events: n,
      emitted: 0,
      replies: 1,
    };
    const none = "no such description";
    const found = [
      [action, one, await effects(action.recordId ?? null, none, action.key)],
      [bulk, many, await effects(null, bulk.key, bulk.key)],
    ] as const;
    for (const [{ key }, wanted, held] of found) {
      for (const [what, count] of Object.entries(wanted)) {
        const actual = held[what as keyof Effects];
        if (actual !== count) problems.push(`${key} (${step}): ${actual} ${what}, not ${count}`);
      }
    }
  }
  return problems;
}
