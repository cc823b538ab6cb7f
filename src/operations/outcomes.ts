// What became of each part of a request that has several: how it is told, kept for a repetition and
// told again.

import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import type { ResourceModel } from "../model/model.ts";
import type { KeptReply } from "./claimed.ts";
import type { OperationsContext, RecordReply, RequestContext } from "./context.ts";
import type { StoredReply } from "./idempotency.ts";
import { showOutcomeAgain } from "./kept-output.ts";

export interface Done extends RecordReply {
  readonly status: number;
}

export interface Refused {
  readonly status: number;
  readonly error: { readonly code: string; message: string; details: readonly ErrorDetail[] };
}

export type Outcome = Done | Refused;

// No one record: what stands for its id where a reply is kept.
const NO_RECORD = "00000000-0000-0000-0000-000000000000";

export const isDone = (outcome: Outcome): outcome is Done => !("error" in outcome);

export function refusalOf({ status, code, message, details }: BackwrightError): Refused {
  return { status, error: { code, message, details } };
}

/** A failure that says nothing of the part that met it: the whole may succeed later. */
export function isOfTheWhole(error: BackwrightError): boolean {
  return error.status >= 500;
}

/** The same error, its details where they stand in the whole: `records[3].title`. */
export function placed(error: BackwrightError, place: string): BackwrightError {
  const { code, message, retryAfterSeconds, cause } = error;
  const details =
    error.details.length === 0
      ? [{ field: place, message }]
      : error.details.map((one) => ({ ...one, field: `${place}.${one.field}` }));
  return new BackwrightError(code, {
    message,
    details,
    cause,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** As JSON, after the members of `head`. The data of a deletion is left out. */
export function outcomeJson(outcome: Outcome, head = ""): string {
  const start = `{${head}"status":${outcome.status}`;
  if (!isDone(outcome)) return `${start},"error":${JSON.stringify(outcome.error)}}`;
  return outcome.json === "" ? `${start}}` : `${start},"data":${outcome.json}}`;
}

export function keptOutcomes(outcomes: readonly Outcome[]): KeptReply {
  return { id: NO_RECORD, json: JSON.stringify(outcomes), mask: "several", version: null };
}

/**
 * Each as it was, as far as the caller may see its record today, and under today's fields: a record
 * out of sight is told as NOT_FOUND.
 */
export async function outcomesAgain(
  context: OperationsContext,
  request: RequestContext,
  resourceOf: (index: number) => ResourceModel,
  stored: StoredReply,
): Promise<readonly Outcome[]> {
  const again: Outcome[] = [];
  for (const [index, outcome] of (JSON.parse(stored.json) as Outcome[]).entries()) {
    again.push(await outcomeAgain(context, request, resourceOf(index), outcome));
  }
  return again;
}

async function outcomeAgain(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  outcome: Outcome,
): Promise<Outcome> {
  if (!isDone(outcome)) return outcome;
  try {
    const kept = { ...outcome, status: null };
    const { id, json, version, mask } = await showOutcomeAgain(context, request, resource, kept);
    return { status: outcome.status, id, json, version, mask };
  } catch (error) {
    if (error instanceof BackwrightError && !isOfTheWhole(error)) return refusalOf(error);
    throw error;
  }
}
