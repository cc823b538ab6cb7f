// Upsert: creates the record that has a natural key, or merges fields into it. No statement of its
// own: finds the record, runs the plan of a create or of an update, and decides again where another
// request was faster.
import { decide, grantOf, maskFingerprint } from "../access/decide.ts";
import {
  BackwrightError,
  type ErrorCode,
  type ErrorDetail,
  notValid,
  refuseInvalid,
} from "../base/errors.ts";
import type { Executor } from "../database/transaction.ts";
import type { CreateGrant, FieldModel, ReadGrant, ResourceModel } from "../model/model.ts";
import { findStatement } from "../sql/write.ts";
import { inClaimedTransaction, readStored } from "./claimed.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { executeWrite, replay, type WriteReply } from "./execute-write.ts";
import { publicError } from "./failures.ts";
import { claimKey, type KeyClaim } from "./idempotency.ts";
import { objectOf } from "./input-problems.ts";
import { type FieldValue, parseBody } from "./parse-body.ts";
import { planCreate, planUpdate, requireVersions } from "./plan-write.ts";
import { getRecord } from "./read.ts";

export interface UpsertInput {
  /** The fields of a unique key, in any order. */
  readonly by: readonly string[];
  /** Holds the key's fields. */
  readonly body: unknown;
  readonly version?: string | undefined;
  /** If-Match: * */
  readonly mustExist?: boolean | undefined;
  /** If-None-Match: * */
  readonly mustBeNew?: boolean | undefined;
  readonly idempotencyKey?: string | undefined;
}

// RACE: between the look and the write another request may create, delete or rename the record.
// Each turn is lost to a request that got its way.
const DECISIONS_MAX = 20;

/** Creates or updates by a key. Throws BackwrightError; nothing is written then. */
export async function upsertRecord(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  input: UpsertInput,
): Promise<WriteReply> {
  const { actor } = request;
  const create = decide(actor, resource, "create");
  decide(actor, resource, "update");
  requireVersions(resource, input.version);
  const read = grantOf(actor, resource, "read");
  const fields = keyFields(resource, create, read, input.by);
  const keys = keyValues(input.body, fields);
  const names = fields.map(({ name }) => name);
  const body = { by: names, body: input.body };
  const claim = claimKey(input.idempotencyKey, request, resource, "upsert", body, read);
  try {
    const stored = claim && (await readStored(context, request, claim));
    if (claim !== undefined && stored !== undefined) {
      return await replay(context, request, resource, claim, stored);
    }
    return await write(context, request, resource, input, { keys, claim });
  } catch (error) {
    // RACE: what a twin with the same key wrote meanwhile may be what stands in the way.
    const stored = claim && isOwn(error) ? await readStored(context, request, claim) : undefined;
    if (claim !== undefined && stored !== undefined) {
      return replay(context, request, resource, claim, stored);
    }
    throw publicError(error, context.constraints);
  }
}

const isOwn = (error: unknown): boolean => error instanceof BackwrightError && error.status < 500;

interface Facts {
  readonly keys: readonly FieldValue[];
  readonly claim: KeyClaim | undefined;
}

async function write(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  input: UpsertInput,
  facts: Facts,
): Promise<WriteReply> {
  const { version, mustExist, mustBeNew } = input;
  for (let turn = 1; turn <= DECISIONS_MAX; turn += 1) {
    const id = await find(context, request, resource, facts.keys);
    if (id !== undefined && mustBeNew === true) {
      throw new BackwrightError("VERSION_CONFLICT", {
        message: "There is a record with this key already.",
      });
    }
    if (id !== undefined) {
      try {
        return await update(context, request, resource, { ...input, id }, facts);
      } catch (error) {
        if (!isCode(error, "NOT_FOUND")) throw error;
      }
    } else if (version !== undefined || mustExist === true) {
      throw new BackwrightError("VERSION_CONFLICT");
    } else {
      try {
        return await create(context, request, resource, input, facts);
      } catch (error) {
        if (!isCode(error, "CONFLICT")) throw error;
        // Still nothing to be seen: the key is that of a record out of sight, or the conflict is
        // about another key. One that was deleted just now is left to the caller's next try.
        if ((await find(context, request, resource, facts.keys)) === undefined) throw error;
      }
    }
  }
  throw new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1 });
}

/** The visible record that has the key. */
async function find(
  { database, shapes, model }: OperationsContext,
  { actor }: RequestContext,
  resource: ResourceModel,
  keys: readonly FieldValue[],
): Promise<string | undefined> {
  const { rows } = decide(actor, resource, "read");
  const fields = keys.map(({ field }) => field);
  const names = fields.map(({ name }) => name).join();
  const statement = shapes.get(`find|${resource.name}|${actor.role}|${names}`, () =>
    findStatement(resource, fields, rows, model),
  );
  const values = keys.map(({ value }) => value);
  const [row] = await database.read(statement, actor, values);
  return row?.[0] ?? undefined;
}

function create(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  { body }: UpsertInput,
  { claim }: Facts,
): Promise<WriteReply> {
  const grant = decide(request.actor, resource, "create");
  const values = parseBody(body, grant, "create");
  const plan = planCreate(context, request, resource, { grant, values, claim });
  return executeWrite(context, request, plan);
}

async function update(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  { id, body, version }: UpsertInput & { readonly id: string },
  { keys, claim }: Facts,
): Promise<WriteReply> {
  const grant = decide(request.actor, resource, "update");
  // The key is what it is: it is compared, not written.
  const names = keys.map(({ field }) => field.name);
  const rest = Object.entries(body as object).filter(([name]) => !names.includes(name));
  if (rest.length === 0) return unchanged(context, request, resource, { id, version, claim });
  const values = parseBody(Object.fromEntries(rest), grant, "update");
  const parts = { grant, values, claim, id, version, keys };
  return executeWrite(context, request, planUpdate(context, request, resource, parts));
}

interface Untouched {
  readonly id: string;
  readonly version: string | undefined;
  readonly claim: KeyClaim | undefined;
}

/** Nothing but the key was given, and the record is there: no more is written than the reply. */
async function unchanged(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  { id, version, claim }: Untouched,
): Promise<WriteReply> {
  const mask = maskFingerprint(grantOf(request.actor, resource, "read"));
  const look = async (database: Executor): Promise<WriteReply> => {
    const record = await getRecord({ ...context, database }, request, resource, id, {});
    if (version !== undefined && version !== record.version) {
      throw new BackwrightError("VERSION_CONFLICT");
    }
    return { id, json: record.json, version: record.version, mask, isNew: false, replayed: false };
  };
  if (claim === undefined) return look(context.database);
  const claimed = await inClaimedTransaction(
    context,
    request,
    claim,
    ({ executor }) => look(executor),
    (reply) => reply,
  );
  if ("made" in claimed) return claimed.made;
  return replay(context, request, resource, claim, claimed.stored);
}

/** The keys by which a role can name a record: unique, given by it and shown to it. */
export function upsertKeys(
  { table }: ResourceModel,
  create: CreateGrant,
  read: ReadGrant | undefined,
): readonly (readonly FieldModel[])[] {
  const usable = new Map(create.fields.map((field) => [field.name, field]));
  const found: FieldModel[][] = [];
  for (const { unique, keys } of table.indexes) {
    const names = keys.map(({ field }) => field).filter((name) => name !== table.tenantField?.name);
    const fields = names.flatMap((name) => usable.get(name) ?? []);
    const isShown = fields.every((field) => read?.fields.includes(field));
    if (!unique || fields.length === 0 || fields.length < names.length || !isShown) continue;
    found.push(fields);
  }
  return found;
}

/** Throws PARAMETER_INVALID naming the keys that there are. */
function keyFields(
  resource: ResourceModel,
  create: CreateGrant,
  read: ReadGrant | undefined,
  by: readonly string[],
): readonly FieldModel[] {
  const keys = upsertKeys(resource, create, read);
  const wanted = [...new Set(by)].sort().join();
  const nameOf = (fields: readonly FieldModel[]) => fields.map(({ name }) => name);
  const found = keys.find((fields) => nameOf(fields).sort().join() === wanted);
  if (found !== undefined) return found;
  const allowed = keys.map((fields) => nameOf(fields).join(",")).join("; ");
  const message =
    allowed === ""
      ? "names no unique key: your role may use none of this resource"
      : `must name the fields of a unique key: ${allowed}`;
  throw notValid("PARAMETER_INVALID", [{ field: "by", message }]);
}

/** Throws VALIDATION_ERROR where a field of the key has no value: null is equal to nothing. */
function keyValues(body: unknown, fields: readonly FieldModel[]): readonly FieldValue[] {
  const given = new Map(Object.entries(objectOf(body)));
  const details: ErrorDetail[] = [];
  const values = fields.map((field) => {
    const value: unknown = given.get(field.name) ?? undefined;
    const parsed = value === undefined ? undefined : field.type?.schema.safeParse(value);
    if (parsed?.success === true) return { field, value: field.type?.encode(parsed.data) ?? null };
    const message = parsed?.error.issues[0]?.message ?? "is part of the key and needs a value";
    details.push({ field: field.name, message });
    return { field, value: null };
  });
  refuseInvalid("VALIDATION_ERROR", details);
  return values;
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof BackwrightError && error.code === code;
}
