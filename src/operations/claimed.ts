// The transaction plan of a write: claim of its Idempotency-Key, work, its reply stored, commit.
// What is stored for the key is handed back unread: who may see it is the operation's to decide.
import { BackwrightError } from "../base/errors.ts";
import type { Executor, Transaction } from "../database/transaction.ts";
import { claimKeyStatement, storedReplyStatement, storeReplyStatement } from "../sql/action.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import type { KeyClaim, StoredReply } from "./idempotency.ts";

/** What is kept of a reply for its repetition. */
export type KeptReply = Pick<StoredReply, "id" | "json" | "mask" | "version">;

export type Claimed<T> =
  | { readonly made: T }
  | { readonly stored: StoredReply; readonly claim: KeyClaim };

/**
 * Runs `work` in one transaction, unless its key has a reply already. Rejects with what `work`
 * threw, a DatabaseFailure, or IDEMPOTENCY_IN_PROGRESS; nothing is written then.
 */
export function inClaimedTransaction<T>(
  context: OperationsContext,
  request: RequestContext,
  claim: KeyClaim | undefined,
  work: (transaction: Transaction) => Promise<T>,
  kept: (made: T) => KeptReply,
): Promise<Claimed<T>> {
  return context.database.transaction(request.actor, async (transaction) => {
    if (claim === undefined) return { made: await work(transaction) };
    const { executor } = transaction;
    await lockKey(context, request, claim, executor);
    const stored = await readStored({ ...context, database: executor }, request, claim);
    if (stored !== undefined) return { stored, claim };
    const made = await work(transaction);
    await store(context, claim, kept(made), transaction);
    return { made };
  });
}

/** The key is ours until the transaction ends. */
async function lockKey(
  { shapes }: OperationsContext,
  { actor }: RequestContext,
  claim: KeyClaim,
  executor: Executor,
): Promise<void> {
  const statement = shapes.get("claim key", claimKeyStatement);
  const [locked] = await executor.write(statement, actor, [claim.lock]);
  if (locked?.[0] === "true") return;
  throw new BackwrightError("IDEMPOTENCY_IN_PROGRESS", { retryAfterSeconds: 1 });
}

/** What is stored for the key, in a snapshot from after its lock where that is held. */
export async function readStored(
  { shapes, database }: OperationsContext,
  { actor }: RequestContext,
  claim: KeyClaim,
): Promise<StoredReply | undefined> {
  const statement = shapes.get("stored reply", storedReplyStatement);
  const [row] = await database.read(statement, actor, [claim.scope, claim.key]);
  if (row === undefined) return undefined;
  const [hash = null, mask = null, id, json, version = null, status = null] = row;
  return { hash, mask, id: id ?? "", json: json ?? "", version, status };
}

async function store(
  { shapes }: OperationsContext,
  claim: KeyClaim,
  { id, json, version, mask }: KeptReply,
  transaction: Transaction,
): Promise<void> {
  const statement = shapes.get("store reply", storeReplyStatement);
  const inputs = [claim.scope, claim.key, claim.hash, mask, id, version, json];
  const [row] = await transaction.run(statement, inputs);
  // Only somebody who passed the claim by could have stored a reply meanwhile.
  if (row === undefined) throw new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1 });
}
