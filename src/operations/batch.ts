// Batch: operations of several resources as one transaction, in their order, all or none. A later
// one may name the record of an earlier one by `{ "$result": 0 }`.
import { decide, decideAction } from "../access/decide.ts";
import { BackwrightError, notValid } from "../base/errors.ts";
import { isUuid } from "../base/ids.ts";
import { BATCH_OPERATIONS_MAX } from "../base/limits.ts";
import { allowedNames } from "../base/spelling.ts";
import type { Transaction } from "../database/transaction.ts";
import { encodeArray } from "../model/fields.ts";
import { mismatch } from "../model/input-words.ts";
import { offers, type ResourceModel } from "../model/model.ts";
import { lockManyStatement } from "../sql/action.ts";
import { runAction } from "./action.ts";
import type { SeveralReply } from "./bulk.ts";
import { inClaimedTransaction } from "./claimed.ts";
import type { OperationsContext, RecordReply, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import { checkSameRequest, claimKey } from "./idempotency.ts";
import { objectOf, refuseUnknown } from "./input-problems.ts";
import {
  type Done,
  isOfTheWhole,
  keptOutcomes,
  type Outcome,
  outcomesAgain,
  placed,
} from "./outcomes.ts";
import { parseTarget } from "./parse-several.ts";
import { getRecord } from "./read.ts";
import { lessToWrite, ReplySize } from "./reply-size.ts";
import { requireReadable } from "./version-tokens.ts";
import { createRecord, deleteRecord, restoreRecord, updateRecord } from "./write.ts";

export interface BatchInput {
  /** `{ operations }` */
  readonly body: unknown;
  readonly idempotencyKey?: string | undefined;
  /** The names of the resources that are served where that is not all. */
  readonly only?: ReadonlySet<string> | undefined;
}

const VERBS = { create: 201, get: 200, update: 200, delete: 204, restore: 200 } as const;
type Verb = keyof typeof VERBS;

/** One operation as it was sent, as far as it can be judged before the others have run. */
interface Operation {
  readonly resource: ResourceModel;
  /** A verb or the name of an action. */
  readonly name: string;
  readonly id: unknown;
  readonly version: unknown;
  readonly body: unknown;
}

const isVerb = (name: string): name is Verb => Object.hasOwn(VERBS, name);

/**
 * Runs up to BATCH_OPERATIONS_MAX operations. Throws the BackwrightError of the first that is
 * refused, placed among them; nothing is written then.
 */
export async function runBatch(
  context: OperationsContext,
  request: RequestContext,
  { body, idempotencyKey, only }: BatchInput,
): Promise<SeveralReply> {
  const all = [...context.model.resources.values()];
  const served = all.filter(
    ({ ownName, omitted }) => only?.has(ownName) !== false && omitted !== "all",
  );
  const operations = parseOperations(body, served);
  for (const [index, operation] of operations.entries()) {
    await at(index, context, async () => authorise(request, operation));
  }
  const everything = { name: "*" };
  const claim = claimKey(idempotencyKey, request, everything, "batch", body, undefined);
  const isKept = claim !== undefined;
  try {
    const claimed = await inClaimedTransaction(
      context,
      request,
      claim,
      (transaction) => runAll(context, request, { operations, isKept }, transaction),
      keptOutcomes,
    );
    if ("made" in claimed) return { outcomes: claimed.made, replayed: false };
    checkSameRequest(claimed.stored, claimed.claim);
    const resourceOf = (index: number): ResourceModel => (operations[index] as Operation).resource;
    const outcomes = await outcomesAgain(context, request, resourceOf, claimed.stored);
    return { outcomes, replayed: true };
  } catch (error) {
    throw publicError(error, context.constraints);
  }
}

interface Batch {
  readonly operations: readonly Operation[];
  /** Whether the replies are stored for a repetition. */
  readonly isKept: boolean;
}

async function runAll(
  context: OperationsContext,
  request: RequestContext,
  { operations, isKept }: Batch,
  transaction: Transaction,
): Promise<readonly Outcome[]> {
  await lockAll(context, request, operations, transaction);
  const within = { ...context, database: transaction.executor };
  const outcomes: Done[] = [];
  const ids: string[] = [];
  const replied = new ReplySize(lessToWrite("operations"));
  for (const [index, operation] of operations.entries()) {
    await at(index, context, async () => {
      const reply = await runOne(within, request, { ...operation, isKept }, ids);
      const { id, json, version, mask } = reply;
      const status = isVerb(operation.name) ? VERBS[operation.name] : 200;
      outcomes.push({ status, id, json, version, mask });
      ids.push(id);
    });
    replied.add(outcomes.at(-1)?.json ?? "");
  }
  return outcomes;
}

/** What fails is told with its place, unless it is a failure of the whole. */
async function at<T>(
  index: number,
  { constraints }: OperationsContext,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const refused = publicError(error, constraints);
    throw isOfTheWhole(refused) ? error : placed(refused, `operations[${index}]`);
  }
}

function authorise({ actor }: RequestContext, { resource, name }: Operation): void {
  if (!isVerb(name)) decideAction(actor, resource, name);
  else if (name === "get") decide(actor, resource, "read");
  else decide(actor, resource, name === "restore" ? "delete" : name);
}

function runOne(
  context: OperationsContext,
  request: RequestContext,
  operation: Operation & Pick<Batch, "isKept">,
  ids: readonly string[],
): Promise<RecordReply> {
  const { resource, name, isKept } = operation;
  const body = resolveBody(operation, ids);
  if (name === "create") return createRecord(context, request, resource, { body });
  const { version } = operation;
  const target = parseTarget({ id: resolved(operation.id, "id", ids), version });
  requireReadable(target.version, resource, request.actor);
  if (name === "update") return updateRecord(context, request, resource, { ...target, body });
  if (name === "delete") return deleteRecord(context, request, resource, target);
  if (name === "restore") return restoreRecord(context, request, resource, target);
  if (name === "get") return getRecord(context, request, resource, target.id, {});
  return runAction(context, request, resource, name, { ...target, body, isKept });
}

/**
 * Locks the records that are named outright, resource by resource in the order of their ids, so
 * that two batches seldom wait for each other in a circle; where they do, one runs again.
 */
async function lockAll(
  context: OperationsContext,
  { actor }: RequestContext,
  operations: readonly Operation[],
  transaction: Transaction,
): Promise<void> {
  const ids = new Map<ResourceModel, Set<string>>();
  for (const { resource, name, id } of operations) {
    // What is no id is refused when its turn comes.
    if (!isUuid(id) || name === "get" || name === "restore") continue;
    ids.set(resource, (ids.get(resource) ?? new Set()).add(id));
  }
  const inOrder = [...ids].sort(([one], [other]) => (one.ownName < other.ownName ? -1 : 1));
  for (const [resource, wanted] of inOrder) {
    const read = resource.access.get(actor.role)?.read;
    if (read === undefined) continue; // Its own statement locks what the role may write.
    const statement = context.shapes.get(`lock batch|${resource.name}|${actor.role}`, () =>
      lockManyStatement(resource, read.rows, context.model),
    );
    await transaction.run(statement, [encodeArray([...wanted])]);
  }
}

/** Ids of earlier records in the places of the body that take one. */
function resolveBody({ resource, name, body }: Operation, ids: readonly string[]): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    if (name !== "create" && name !== "update") return body; // An action says what it takes.
    const message = mismatch("must be an object", body);
    throw notValid("VALIDATION_ERROR", [{ field: "body", message }]);
  }
  const entries = Object.entries(body).map(([field, value]) => {
    // A field that is JSON may hold any object, this one, too.
    const isJson = isVerb(name) && resource.table.fields.get(field)?.type?.sql !== "uuid";
    return [field, isJson ? value : resolved(value, field, ids)];
  });
  return Object.fromEntries(entries) as unknown;
}

/** `{ "$result": n }` as the id of record n. Throws VALIDATION_ERROR where there is none yet. */
function resolved(value: unknown, field: string, ids: readonly string[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { $result, ...rest } = value as { readonly $result?: unknown };
  if ($result === undefined || Object.keys(rest).length > 0) return value;
  const id = typeof $result === "number" ? ids[$result] : undefined;
  if (id !== undefined) return id;
  const message = "$result must be the place of an earlier operation, from 0";
  throw notValid("VALIDATION_ERROR", [{ field, message }]);
}

/** Throws VALIDATION_ERROR. */
function parseOperations(body: unknown, served: readonly ResourceModel[]): readonly Operation[] {
  const { operations, ...rest } = objectOf(body);
  refuseUnknown(rest, ["operations"]);
  const isList = Array.isArray(operations);
  if (!isList || operations.length === 0 || operations.length > BATCH_OPERATIONS_MAX) {
    const message = `must be a list of 1 to ${BATCH_OPERATIONS_MAX} operations`;
    const field = "operations";
    throw notValid("VALIDATION_ERROR", [{ field, message: mismatch(message, operations, isList) }]);
  }
  return (operations as unknown[]).map((given, index) => {
    try {
      return parseOperation(given, served);
    } catch (error) {
      throw error instanceof BackwrightError ? placed(error, `operations[${index}]`) : error;
    }
  });
}

/** What an operation says beside its name; all of it where it is not listed. */
const MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["create", ["body"]],
  ["get", ["id"]],
  ["delete", ["id", "version"]],
  ["restore", ["id", "version"]],
]);

function parseOperation(given: unknown, served: readonly ResourceModel[]): Operation {
  const { operation, ...members } = objectOf(given);
  const isText = typeof operation === "string";
  const [, of = "", name = ""] = (isText && /^(\w+)\.(\w+)$/.exec(operation)) || [];
  const resource = served.find((one) => one.name === of);
  if (resource === undefined) {
    const message = mismatch("must be <resource>.<operation>", operation, isText);
    const names = served.map((one) => one.name);
    throw unknownOperation(`${message}; resources ${allowedNames(of, names)}`);
  }
  const offered = operationNames(resource);
  if (!offered.includes(name)) {
    throw unknownOperation(`must be ${of}.<operation>; ${allowedNames(name, offered)}`);
  }
  const allowed = MEMBERS.get(name) ?? ["id", "version", "body"];
  const strange = Object.entries(members).filter(([member]) => !allowed.includes(member));
  refuseUnknown(Object.fromEntries(strange), ["operation", ...allowed]);
  const { id, version, body } = members;
  return { resource, name, id, version, body };
}

function unknownOperation(message: string): BackwrightError {
  return notValid("VALIDATION_ERROR", [{ field: "operation", message }]);
}

/** The operations that a batch may hold of a resource, whatever the role. */
function operationNames(resource: ResourceModel): readonly string[] {
  const { scope, table, actions } = resource;
  if (scope === "global") return ["get"].filter((name) => offers(resource, name));
  const verbs = Object.keys(VERBS).filter(
    (verb) => verb !== "restore" || table.deletedField !== undefined,
  );
  return [...verbs, ...actions.keys()].filter((name) => offers(resource, name));
}
