// Judges what clients were told against what PostgreSQL holds, by plain SQL as the owner. Shares no
// code with the product: it knows the tables and nothing else.
import pg from "pg";
import type { RawReply } from "../server/raw-http.ts";

/** One write under one Idempotency-Key, however often it was sent. */
export interface SentWrite {
  readonly key: string;
  /** The record that an update is about; undefined for a create. */
  readonly recordId: string | undefined;
  /** Whole replies of success. A reply that was cut off is none. */
  readonly acknowledgements: readonly RawReply[];
  /** Whole replies that told the client to give up. */
  readonly refusals: readonly RawReply[];
}

interface Found {
  readonly orders: readonly { id: string; created_by: string; title: string; version: number }[];
  readonly audits: readonly { id: string; operation: string; title: string }[];
  readonly events: readonly { id: string; type: string; title: string; sequence: number }[];
  readonly stored: readonly { key: string; id: string; reply: string }[];
}

/**
 * Every way in which the database and the replies disagree, in words; empty when they agree. A
 * create writes its key into `description` and `title`, an update its key into `title`.
 */
export async function judge(ownerUrl: string, writes: readonly SentWrite[]): Promise<string[]> {
  const found = await read(ownerUrl);
  const problems = [
    ...writes.flatMap((write) => judgeWrite(write, found)),
    ...judgeRecords(found),
    ...judgeLastUpdates(writes, found),
  ];
  const expected = writes.filter((write) => write.recordId === undefined).length;
  if (found.orders.length > expected) {
    problems.push(`${found.orders.length} records of ${expected} creates`);
  }
  return problems;
}

async function read(ownerUrl: string): Promise<Found> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const all = async <T extends pg.QueryResultRow>(text: string): Promise<T[]> =>
      (await client.query<T>(text)).rows;
    const ours = "resource = 'workOrders'";
    return {
      orders: await all(
        "select id, coalesce(description, '') as created_by, title, version from work_orders",
      ),
      audits: await all(
        `select record_id as id, operation, coalesce(after->>'title', '') as title
         from backwright.audit where ${ours}`,
      ),
      events: await all(
        `select key as id, type, coalesce(record->>'title', '') as title, sequence
         from backwright.events where type like 'workOrders.%' order by position`,
      ),
      stored: await all("select key, record_id as id, reply from backwright.idempotency"),
    };
  } finally {
    await client.end();
  }
}

function judgeWrite(write: SentWrite, found: Found): string[] {
  const { key, recordId, acknowledgements, refusals } = write;
  const kind = recordId === undefined ? "create" : "update";
  const problems: string[] = [];
  const count = (what: string, number: number, wanted: number): void => {
    if (number !== wanted) problems.push(`${kind} ${key}: ${number} ${what}, not ${wanted}`);
  };
  const [first, ...others] = acknowledgements;
  // Acknowledged: exactly once. Not acknowledged: once or not at all, but never by halves.
  const orders = found.orders.filter((row) => row.created_by === key);
  const operation = kind === "create" ? "created" : "updated";
  const audits = found.audits.filter((row) => row.operation === operation && row.title === key);
  const events = found.events.filter(
    (row) => row.type === `workOrders.${operation}` && row.title === key,
  );
  const effects = kind === "create" ? orders.length : audits.length;
  const wanted = first === undefined ? Math.min(effects, 1) : 1;
  count("effects", effects, wanted);
  count("audit entries", audits.length, wanted);
  count("events", events.length, wanted);
  count("stored replies", found.stored.filter((row) => row.key === key).length, wanted);
  for (const refusal of refusals) {
    problems.push(`${kind} ${key}: refused with ${refusal.status} ${refusal.body}`);
  }
  if (first === undefined) return problems;
  for (const other of others) {
    if (sameBytes(first) !== sameBytes(other)) {
      problems.push(`${kind} ${key}: two replies differ: ${first.body} and ${other.body}`);
    }
  }
  const { data } = JSON.parse(first.body) as { data: { id: string; title: string } };
  const id = recordId ?? orders[0]?.id;
  if (data.id !== id) problems.push(`${kind} ${key}: told id ${data.id}, stored ${id}`);
  if (data.title !== key) problems.push(`${kind} ${key}: told title ${data.title}`);
  return problems;
}

const sameBytes = ({ status, headers, body }: RawReply): string =>
  [status, headers.get("etag"), headers.get("location"), body].join("\n");

/** Versions, audit entries and events of each record count the same writes. */
function judgeRecords({ orders, audits, events }: Found): string[] {
  const problems: string[] = [];
  const ids = new Set(orders.map((row) => row.id));
  for (const { id, operation } of audits) {
    if (!ids.has(id)) problems.push(`audit entry "${operation}" of ${id}, which does not exist`);
  }
  for (const { id, type } of events) {
    if (!ids.has(id)) problems.push(`event ${type} of ${id}, which does not exist`);
  }
  for (const { id, version } of orders) {
    const entries = audits.filter((row) => row.id === id).length;
    const sequences = events.filter((row) => row.id === id).map((row) => row.sequence);
    const wanted = Array.from({ length: version }, (_, at) => at + 1);
    if (entries !== version) problems.push(`${id}: version ${version}, ${entries} audit entries`);
    if (sequences.join() !== wanted.join()) {
      problems.push(`${id}: version ${version}, events ${sequences.join()}`);
    }
  }
  return problems;
}

/** Updates of one record are sent one after the other, so the last one stands. */
function judgeLastUpdates(writes: readonly SentWrite[], { orders }: Found): string[] {
  const last = new Map<string, string>();
  for (const { recordId, key, acknowledgements } of writes) {
    if (recordId !== undefined && acknowledgements.length > 0) last.set(recordId, key);
  }
  return [...last].flatMap(([id, key]) => {
    const order = orders.find((row) => row.id === id);
    return order?.title === key ? [] : [`${id}: the last acknowledged update ${key} is lost`];
  });
}
