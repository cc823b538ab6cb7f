// Actions: authorise → parse → one transaction of claim, lock, run, reply → commit. Whatever is
// thrown in between undoes all of it.
import { and, eq, getColumns, type Table } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { z } from "zod";
import { decide, decideAction, maskFingerprint } from "../access/decide.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { roundedNumbers } from "../base/exact-number.ts";
import { newId } from "../base/ids.ts";
import { DatabaseFailure } from "../database/failures.ts";
import type { Transaction } from "../database/transaction.ts";
import type { AnyActionContext, AnyEvent } from "../model/declare-untyped.ts";
import type { ActionModel, Model, ReadGrant, ResourceModel } from "../model/model.ts";
import { emitStatement, lockStatement } from "../sql/action.ts";
import type { Value } from "../sql/statement.ts";
import { actionActor } from "./action-actor.ts";
import { actionOps } from "./action-ops.ts";
import { type ActionTarget, changeRecord } from "./change.ts";
import { inClaimedTransaction } from "./claimed.ts";
import type { OperationsContext, RecordReply, RequestContext } from "./context.ts";
import type { WriteReply } from "./execute-write.ts";
import { publicError } from "./failures.ts";
import { checkSameRequest, claimKey } from "./idempotency.ts";
import { IN_OUR_WORDS, invalidInput } from "./input-problems.ts";
import { OUTPUT, OUTPUT_UNSEEN, showOutcomeAgain } from "./kept-output.ts";
import { type RecordInput, requireVersions } from "./plan-write.ts";
import { ReplySize } from "./reply-size.ts";
import { wholeRecord } from "./whole-record.ts";

export interface ActionInput extends RecordInput {
  readonly body: unknown;
  /** The reply is stored, though by another than the action. */
  readonly isKept?: boolean;
}

/** Runs an action on a record. Throws BackwrightError; nothing is written then. */
export async function runAction(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  name: string,
  input: ActionInput,
): Promise<WriteReply> {
  const action = decideAction(request.actor, resource, name);
  const read = decide(request.actor, resource, "read");
  requireVersions(resource, input.version);
  const operation = `${name} ${input.id}`;
  const body = input.body ?? null;
  const claim = claimKey(input.idempotencyKey, request, resource, operation, body, read);
  const target: ActionTarget = { resource, action, id: input.id };
  const isStored = claim !== undefined || input.isKept === true;
  try {
    const parsed = await parseInput(action, input.body);
    const run = new ActionRun(context, request, target, read);
    const outcome = await inClaimedTransaction(
      context,
      request,
      claim,
      (transaction) => run.inTransaction(transaction, parsed, input.version, isStored),
      (reply) => reply,
    );
    if ("made" in outcome) return { ...outcome.made, isNew: false, replayed: false };
    checkSameRequest(outcome.stored, outcome.claim);
    return await showOutcomeAgain(context, request, resource, outcome.stored);
  } catch (error) {
    throw actionError(error, context);
  }
}

/** One action on one record; its transaction may be tried several times. */
class ActionRun {
  readonly #context: OperationsContext;
  readonly #request: RequestContext;
  readonly #target: ActionTarget;
  readonly #read: ReadGrant;

  constructor(
    context: OperationsContext,
    request: RequestContext,
    target: ActionTarget,
    read: ReadGrant,
  ) {
    this.#context = context;
    this.#request = request;
    this.#target = target;
    this.#read = read;
  }

  async inTransaction(
    transaction: Transaction,
    input: unknown,
    version: string | undefined,
    isStored: boolean,
  ): Promise<RecordReply> {
    await this.#lock(transaction, version);
    const { action } = this.#target;
    const unanswered = new Set<Promise<unknown>>();
    const context = await this.#actionContext(transaction, input, unanswered);
    const result = await action.run(context);
    // What the code did not wait for is part of the action all the same.
    await Promise.all(unanswered);
    return this.#reply(transaction, result, isStored);
  }

  /** Throws NOT_FOUND for a record that is absent or invisible, VERSION_CONFLICT for another. */
  async #lock(transaction: Transaction, version: string | undefined): Promise<void> {
    const { resource, id } = this.#target;
    const { shapes, model } = this.#context;
    const statement = shapes.get(`lock|${resource.name}|${this.#request.actor.role}`, () =>
      lockStatement(resource, this.#read.rows, model),
    );
    const [row] = await transaction.run(statement, [id]);
    if (row === undefined) throw new BackwrightError("NOT_FOUND");
    if (version !== undefined && row[0] !== version) throw new BackwrightError("VERSION_CONFLICT");
  }

  async #actionContext(
    transaction: Transaction,
    input: unknown,
    unanswered: Set<Promise<unknown>>,
  ): Promise<AnyActionContext> {
    const context = this.#context;
    const { model } = context;
    const target = this.#target;
    const { actor } = this.#request;
    const { relations } = model;
    const tx = transaction.drizzle({ relations, readOnly: servedTables(model) });
    const { table } = target.resource;
    const drizzleTable = relations[table.key]?.table as PgTable;
    const columns = getColumns(drizzleTable);
    const tenant = columns[table.tenantField?.ownName ?? "id"];
    const tenantId = table.tenantField === undefined ? target.id : actor.tenantId;
    const where = and(eq(columns.id as never, target.id), eq(tenant as never, tenantId));
    const read = async (): Promise<Readonly<Record<string, unknown>>> => {
      const [row] = await tx.select().from(drizzleTable).where(where);
      if (row === undefined) throw new Error("the record is gone");
      return Object.freeze(row);
    };
    const change = async (patch: Readonly<Record<string, unknown>>) => {
      await changeRecord(context, this.#request, transaction, target, patch);
      return read();
    };
    const tracked = <T>(answer: Promise<T>): Promise<T> => {
      unanswered.add(answer);
      const settle = (): boolean => unanswered.delete(answer);
      answer.then(settle, settle);
      return answer;
    };
    return Object.freeze({
      record: await read(),
      input,
      actor: actionActor(actor, model),
      change: (patch: Readonly<Record<string, unknown>>) => tracked(change(patch)),
      emit: (event: AnyEvent, payload: unknown) => tracked(this.#emit(transaction, event, payload)),
      ops: actionOps(context, this.#request, transaction, tracked),
      tx,
    });
  }

  async #emit(transaction: Transaction, event: AnyEvent, payload: unknown): Promise<void> {
    const { resource, id } = this.#target;
    const checked = await z.safeParseAsync(event.payload as z.ZodType, payload);
    if (!checked.success) {
      const message = `The payload of ${event.name} is not what the event declares.`;
      throw new TypeError(message, { cause: checked.error });
    }
    const statement = this.#context.shapes.get(`emit|${resource.name}`, () =>
      emitStatement(resource),
    );
    const json = JSON.stringify(checked.data);
    const inputs = [newId(), event.name, id, json, this.#request.requestId];
    const [row] = await transaction.run(statement, inputs);
    if (row === undefined) throw new Error(`${event.name} has no record to be an event of`);
  }

  async #reply(transaction: Transaction, result: unknown, isStored: boolean): Promise<RecordReply> {
    const { action, id } = this.#target;
    const { output } = action;
    if (output === undefined) {
      const seen = await this.#readAgain(transaction);
      const mask = maskFingerprint(this.#read);
      // Done, but out of the caller's sight by it: as with a PATCH, the id alone.
      if (seen === undefined) return { id, json: JSON.stringify({ id }), version: null, mask };
      return { id, ...seen, mask };
    }
    const checked = await z.safeParseAsync(output, result);
    if (!checked.success) {
      const message = `The action ${action.name} did not return what its output declares.`;
      throw new TypeError(message, { cause: checked.error });
    }
    const json = JSON.stringify(checked.data) ?? "null";
    // Code may put together what no request could have sent; the record's own size is no reason.
    new ReplySize(tooMuch(action)).add(json);
    const isSeen = !isStored || (await this.#readAgain(transaction)) !== undefined;
    return { id, json, version: null, mask: isSeen ? OUTPUT : OUTPUT_UNSEEN };
  }

  /** The record as the caller may read it now; undefined when out of sight. */
  async #readAgain(
    transaction: Transaction,
  ): Promise<{ json: string; version: Value } | undefined> {
    const { resource, id } = this.#target;
    const { role } = this.#request.actor;
    const { statement, reader } = wholeRecord(this.#context, resource, role, this.#read);
    const [row] = await transaction.run(statement, [id]);
    return row && { json: reader.json(row), version: reader.version(row) };
  }
}

const tooMuch = ({ name }: ActionModel): readonly ErrorDetail[] => [
  { field: name, message: "came to a larger reply than may be sent; nothing was written" },
];

/** Throws VALIDATION_ERROR naming what is wrong. */
async function parseInput(action: ActionModel, body: unknown): Promise<unknown> {
  // The code of an action works with JavaScript's numbers.
  const given = roundedNumbers(body ?? {});
  const parsed = await z.safeParseAsync(action.input ?? NOTHING, given, IN_OUR_WORDS);
  if (!parsed.success) throw invalidInput(parsed.error);
  return action.input === undefined ? undefined : parsed.data;
}

const NOTHING = z.strictObject({});

const served = new WeakMap<Model, ReadonlySet<Table>>();

/** The tables that the API serves, as Drizzle has them. */
function servedTables(model: Model): ReadonlySet<Table> {
  const known = served.get(model);
  if (known !== undefined) return known;
  const tables = [...model.resources.keys()].map((key) => model.relations[key]?.table as Table);
  const made = new Set(tables);
  served.set(model, made);
  return made;
}

const TRANSIENT = ["unavailable", "busy", "serialization", "stale", "timeout"];

/** What the code of an action throws is ours to report, unless it speaks to the caller. */
function actionError(error: unknown, { constraints }: OperationsContext): BackwrightError {
  if (error instanceof BackwrightError || error instanceof DatabaseFailure) {
    return publicError(error, constraints);
  }
  // Drizzle wraps what the connection said.
  const cause = error instanceof Error ? error.cause : undefined;
  const isTransient = cause instanceof DatabaseFailure && TRANSIENT.includes(cause.kind);
  return publicError(isTransient ? cause : error, constraints);
}
