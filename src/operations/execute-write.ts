// Runs a planned write until it is decided: written, replayed, refused with a reason, or given up.
import { grantOf, maskFingerprint } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import type { Row } from "../database/database.ts";
import { DatabaseFailure } from "../database/failures.ts";
import type { ResourceModel } from "../model/model.ts";
import type { Statement, Value } from "../sql/statement.ts";
import { REFUSED_IDEMPOTENCY_RACE, WRITE_RESULT } from "../sql/write-shape.ts";
import type { OperationsContext, RecordReply, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import { checkSameRequest, type KeyClaim, type StoredReply } from "./idempotency.ts";
import { wholeRecord } from "./whole-record.ts";

export interface WriteReply extends RecordReply {
  /** The stored reply of an earlier request with the same Idempotency-Key. */
  readonly replayed: boolean;
  /** Whether the request made the record. */
  readonly isNew: boolean;
}

// RACE: a guard that held when it was diagnosed but not in the write means that the row changed in
// between; the same again decides anew.
const ATTEMPTS_MAX = 4;

/** One write, ready to run: its statements and the values that they share. */
export interface PlannedWrite {
  readonly resource: ResourceModel;
  readonly isRemoval?: true;
  readonly isCreation?: true;
  readonly claim: KeyClaim | undefined;
  readonly statement: Statement;
  readonly inputs: readonly Value[];
  /** Throws what was wrong, or returns when nothing is wrong any more. */
  readonly diagnose: () => Promise<void>;
}

/** Throws BackwrightError; nothing is written then. */
export async function executeWrite(
  context: OperationsContext,
  request: RequestContext,
  write: PlannedWrite,
): Promise<WriteReply> {
  const { actor } = request;
  const { resource, claim } = write;
  const mask = maskFingerprint(grantOf(actor, resource, "read"));
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const row = await attemptWrite(context, request, write, attempt);
    if (row === undefined) continue;
    const id = row[WRITE_RESULT.id];
    if (id != null) {
      const json = row[WRITE_RESULT.reply] ?? "";
      const version = row[WRITE_RESULT.version] ?? null;
      return { id, json, version, mask, isNew: write.isCreation === true, replayed: false };
    }
    const stored = storedReply(row);
    if (stored !== undefined && claim !== undefined) {
      return replay(context, request, resource, claim, stored);
    }
    if (row[WRITE_RESULT.locked] === "false") {
      throw new BackwrightError("IDEMPOTENCY_IN_PROGRESS", { retryAfterSeconds: 1 });
    }
    // RACE: a twin may have committed between this statement's snapshot and its lock, so its reply
    // was not seen while its change already failed a guard. The next attempt sees it.
    if (claim !== undefined && attempt === 1) continue;
    await write.diagnose().catch((error: unknown) => {
      throw publicError(error, context.constraints);
    });
  }
  throw new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1 });
}

/** The result row, or undefined when the same again may end differently. */
async function attemptWrite(
  context: OperationsContext,
  request: RequestContext,
  write: PlannedWrite,
  attempt: number,
): Promise<Row | undefined> {
  try {
    const [row] = await context.database.write(write.statement, request.actor, write.inputs);
    return row;
  } catch (error) {
    const isLast = attempt === ATTEMPTS_MAX;
    if (!isLast && error instanceof DatabaseFailure) {
      if (error.kind === "serialization") return undefined;
      if (error.message === REFUSED_IDEMPOTENCY_RACE) return undefined;
      // RACE: a twin with the same key may have committed after this statement's snapshot; the
      // next attempt sees its reply. Without a twin it fails again and is a conflict.
      const mayBeTwin = error.kind === "unique" && write.claim !== undefined && attempt === 1;
      if (mayBeTwin) return undefined;
    }
    throw publicError(error, context.constraints, write.isRemoval);
  }
}

function storedReply(row: Row): StoredReply | undefined {
  const id = row[WRITE_RESULT.priorId];
  if (id == null) return undefined;
  return {
    hash: row[WRITE_RESULT.priorHash] ?? null,
    mask: row[WRITE_RESULT.priorMask] ?? null,
    id,
    json: row[WRITE_RESULT.priorReply] ?? "",
    version: row[WRITE_RESULT.priorVersion] ?? null,
    status: row[WRITE_RESULT.priorStatus] ?? null,
  };
}

/** The stored bytes, but only to somebody who may see the record today, under today's mask. */
export async function replay(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  claim: KeyClaim,
  stored: StoredReply,
): Promise<WriteReply> {
  checkSameRequest(stored, claim);
  return showAgain(context, request, resource, stored);
}

/** As above, for a stored reply that is known to be of the same request. */
export async function showAgain(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  stored: Pick<StoredReply, "id" | "json" | "version" | "mask" | "status">,
): Promise<WriteReply> {
  const { id, json, version } = stored;
  const read = grantOf(request.actor, resource, "read");
  const mask = maskFingerprint(read);
  const isNew = stored.status === "201";
  const same = { id, json, version, mask, isNew, replayed: true };
  // A deletion's reply shows nothing, and its record is gone.
  if (json === "") return same;
  if (read === undefined) {
    if (stored.mask === mask) return same;
    throw new BackwrightError("NOT_FOUND");
  }
  const { statement, reader } = wholeRecord(context, resource, request.actor.role, read);
  const [row] = await context.database
    .read(statement, request.actor, [id])
    .catch((error: unknown) => {
      throw publicError(error, context.constraints);
    });
  // A reply of the id alone was given for a row that its writer could not see in the first place.
  const idAlone = json === `{"id":"${id}"}`;
  if (row === undefined && !idAlone) throw new BackwrightError("NOT_FOUND");
  if (row === undefined || stored.mask === mask) return same;
  return { ...same, json: reader.json(row), version: reader.version(row) };
}
