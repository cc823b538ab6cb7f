// Bulk: the same write of many records of one resource in one transaction. Each record is told by
// itself; or, atomic, all are written or none.
import { decide, grantOf } from "../access/decide.ts";
import { type ErrorDetail, refuseInvalid } from "../base/errors.ts";
import { BULK_RECORDS_MAX } from "../base/limits.ts";
import type { Transaction } from "../database/transaction.ts";
import { encodeArray } from "../model/fields.ts";
import { mismatch } from "../model/input-words.ts";
import type { CreateGrant, ResourceModel } from "../model/model.ts";
import { lockManyStatement } from "../sql/action.ts";
import { inClaimedTransaction } from "./claimed.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { canCreateMany, createMany, type RecordValues } from "./create-many.ts";
import { executeWrite, type WriteReply } from "./execute-write.ts";
import { publicError } from "./failures.ts";
import { checkSameRequest, claimKey } from "./idempotency.ts";
import { objectOf, refuseUnknown } from "./input-problems.ts";
import {
  type Done,
  isDone,
  isOfTheWhole,
  keptOutcomes,
  type Outcome,
  outcomesAgain,
  placed,
  refusalOf,
} from "./outcomes.ts";
import { parseBody } from "./parse-body.ts";
import { parseTarget } from "./parse-several.ts";
import { planCreate, requireVersions } from "./plan-write.ts";
import { lessToWrite, ReplySize } from "./reply-size.ts";
import { requireReadable } from "./version-tokens.ts";
import { deleteRecord, updateRecord } from "./write.ts";

/** As `replyBytesMax`: nobody is sent the reply. */
export const UNSENT = Number.POSITIVE_INFINITY;

export type BulkVerb = "create" | "update" | "delete";

export interface BulkInput {
  /** `{ records, atomic? }` */
  readonly body: unknown;
  readonly idempotencyKey?: string | undefined;
  /** REPLY_BYTES_MAX unless given. */
  readonly replyBytesMax?: number | undefined;
}

export interface SeveralReply {
  readonly outcomes: readonly Outcome[];
  readonly replayed: boolean;
}

const STATUS = { create: 201, update: 200, delete: 204 } as const;

/**
 * Writes up to BULK_RECORDS_MAX records. Throws BackwrightError where the request as a whole is
 * refused, or, atomic, one of its records; nothing is written then.
 */
export async function bulkWrite(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  verb: BulkVerb,
  { body, idempotencyKey, replyBytesMax }: BulkInput,
): Promise<SeveralReply> {
  decide(request.actor, resource, verb);
  const { records, isAtomic } = parseRequest(body);
  const read = grantOf(request.actor, resource, "read");
  const claim = claimKey(idempotencyKey, request, resource, `bulk ${verb}`, body, read);
  const bulk = { context, request, resource, verb, records, isAtomic, replyBytesMax };
  try {
    const claimed = await inClaimedTransaction(
      context,
      request,
      claim,
      (transaction) => new BulkRun(bulk).inTransaction(transaction),
      keptOutcomes,
    );
    if ("made" in claimed) return { outcomes: claimed.made, replayed: false };
    checkSameRequest(claimed.stored, claimed.claim);
    const outcomes = await outcomesAgain(context, request, () => resource, claimed.stored);
    return { outcomes, replayed: true };
  } catch (error) {
    throw publicError(error, context.constraints);
  }
}

interface Bulk {
  readonly context: OperationsContext;
  readonly request: RequestContext;
  readonly resource: ResourceModel;
  readonly verb: BulkVerb;
  readonly records: readonly unknown[];
  readonly isAtomic: boolean;
  readonly replyBytesMax: number | undefined;
}

/** A record that is still to be written; its place among the records of the request. */
interface Pending {
  readonly index: number;
}
interface PendingCreate extends Pending {
  readonly values: RecordValues;
}
interface PendingChange extends Pending {
  readonly id: string;
  readonly version: string | undefined;
  readonly body: unknown;
}

/** Ends the request: what one record of an atomic one, or the whole, was refused for. */
class Abandoned extends Error {}

/** One try of the transaction. */
class BulkRun {
  readonly #bulk: Bulk;
  readonly #outcomes: Outcome[] = [];
  readonly #replied: ReplySize;

  constructor(bulk: Bulk) {
    this.#bulk = bulk;
    this.#replied = new ReplySize(lessToWrite("records"), bulk.replyBytesMax);
  }

  async inTransaction(transaction: Transaction): Promise<readonly Outcome[]> {
    const { verb, records } = this.#bulk;
    try {
      if (verb === "create") await this.#create(transaction);
      else await this.#change(transaction);
    } catch (error) {
      throw error instanceof Abandoned ? error.cause : error;
    }
    if (Object.keys(this.#outcomes).length === records.length) return this.#outcomes;
    throw new Error("a record of the request was lost sight of");
  }

  async #create(transaction: Transaction): Promise<void> {
    const { resource, request } = this.#bulk;
    const grant = decide(request.actor, resource, "create");
    const pending = this.#parsed<PendingCreate>((record, index) => {
      return { index, values: parseBody(record, grant, "create") };
    });
    const shapes = Map.groupBy(pending, ({ values }) =>
      values.map(({ field }) => field.name).join(),
    );
    for (const alike of shapes.values()) {
      await this.#inHalves(transaction, alike, (inner, some) =>
        this.#createAll(inner, some, grant),
      );
    }
  }

  async #createAll(
    inner: Transaction,
    records: readonly PendingCreate[],
    grant: CreateGrant,
  ): Promise<void> {
    const { request, resource } = this.#bulk;
    const context = { ...this.#bulk.context, database: inner.executor };
    const isTogether = records.length > 1 && canCreateMany(grant);
    const values = records.map((record) => record.values);
    const replies = isTogether ? await createMany(context, request, resource, grant, values) : [];
    await this.#oneByOne(inner, records, async (record, at) => {
      const together = replies[at];
      if (together !== undefined) return together;
      // By itself it is told why it was left out.
      const parts = { grant, values: record.values, claim: undefined };
      return executeWrite(context, request, planCreate(context, request, resource, parts));
    });
  }

  async #change(transaction: Transaction): Promise<void> {
    const { verb, context, request, resource } = this.#bulk;
    const pending = this.#parsed<PendingChange>((record, index) => {
      const { id, version, rest } = parseTarget(record);
      if (verb === "delete") refuseUnknown(rest, ["id", "version"]);
      requireVersions(resource, version);
      requireReadable(version, resource, request.actor);
      return { index, id, version, body: rest };
    });
    await this.#lock(transaction, pending);
    await this.#inHalves(transaction, pending, (inner, some) => {
      const within: OperationsContext = { ...context, database: inner.executor };
      const run = verb === "update" ? updateRecord : deleteRecord;
      return this.#oneByOne(inner, some, (record) => run(within, request, resource, record));
    });
  }

  /** In the order of their ids, so that two requests never wait for each other in a circle. */
  async #lock(transaction: Transaction, pending: readonly PendingChange[]): Promise<void> {
    const { context, request, resource, verb } = this.#bulk;
    const read = grantOf(request.actor, resource, "read");
    const { rows } = read ?? decide(request.actor, resource, verb as "update" | "delete");
    const key = `lock many|${resource.name}|${request.actor.role}|${verb}`;
    const statement = context.shapes.get(key, () =>
      lockManyStatement(resource, rows, context.model),
    );
    await transaction.run(statement, [encodeArray(pending.map(({ id }) => id))]);
  }

  #parsed<P extends Pending>(parse: (record: unknown, index: number) => P): readonly P[] {
    return this.#bulk.records.flatMap((record, index) => {
      try {
        return [parse(record, index)];
      } catch (error) {
        this.#refuse({ index }, error);
        return [];
      }
    });
  }

  /** Rejects where a statement failed: then nothing more can be asked of `inner`. */
  async #oneByOne<P extends Pending>(
    inner: Transaction,
    records: readonly P[],
    write: (record: P, at: number) => Promise<WriteReply>,
  ): Promise<void> {
    const status = STATUS[this.#bulk.verb];
    for (const [at, record] of records.entries()) {
      try {
        const { id, json, version, mask } = await write(record, at);
        this.#tell(record, { status, id, json, version, mask });
      } catch (error) {
        if (inner.failure !== undefined || error instanceof Abandoned) throw error;
        this.#refuse(record, error);
      }
    }
  }

  #tell({ index }: Pending, outcome: Done): void {
    const undone = this.#outcomes[index];
    if (undone !== undefined && isDone(undone)) this.#replied.remove(undone.json);
    try {
      this.#replied.add(outcome.json);
    } catch (cause) {
      throw new Abandoned("too large", { cause });
    }
    this.#outcomes[index] = outcome;
  }

  /** A statement that failed takes all beside it along, so it is narrowed down by halves. */
  async #inHalves<P extends Pending>(
    transaction: Transaction,
    records: readonly P[],
    write: (inner: Transaction, some: readonly P[]) => Promise<void>,
  ): Promise<void> {
    try {
      if (records.length > 0) await transaction.nested((inner) => write(inner, records));
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      const [first] = records;
      if (first !== undefined && records.length === 1) {
        this.#refuse(first, error);
        return;
      }
      const refused = publicError(error, this.#bulk.context.constraints);
      if (isOfTheWhole(refused)) throw error;
      const middle = Math.ceil(records.length / 2);
      await this.#inHalves(transaction, records.slice(0, middle), write);
      await this.#inHalves(transaction, records.slice(middle), write);
    }
  }

  /** Throws where the failure is one of the whole request. */
  #refuse({ index }: Pending, error: unknown): void {
    const { context, isAtomic, verb } = this.#bulk;
    const refused = publicError(error, context.constraints, verb === "delete");
    if (isOfTheWhole(refused)) throw error;
    if (isAtomic) {
      throw new Abandoned("refused", { cause: placed(refused, `records[${index}]`) });
    }
    this.#outcomes[index] = refusalOf(refused);
  }
}

/** Throws VALIDATION_ERROR. */
function parseRequest(body: unknown): { records: readonly unknown[]; isAtomic: boolean } {
  const { records, atomic = false, ...rest } = objectOf(body);
  refuseUnknown(rest, ["records", "atomic"]);
  const details: ErrorDetail[] = [];
  const isList = Array.isArray(records);
  if (!isList || records.length === 0 || records.length > BULK_RECORDS_MAX) {
    const message = `must be a list of 1 to ${BULK_RECORDS_MAX} records`;
    details.push({ field: "records", message: mismatch(message, records, isList) });
  }
  if (typeof atomic !== "boolean") {
    details.push({ field: "atomic", message: mismatch("must be true or false", atomic) });
  }
  refuseInvalid("VALIDATION_ERROR", details);
  return { records: records as unknown[], isAtomic: atomic === true };
}
