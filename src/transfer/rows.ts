// The rows of one stretch of an import: what each says and names, which are known by their keys,
// and in which turns they go.
import { hash } from "node:crypto";
import { BackwrightError, StartError } from "../base/errors.ts";
import type { FieldModel } from "../model/model.ts";
import { bulkWrite, type SeveralReply, UNSENT } from "../operations/bulk.ts";
import type { OperationsContext, RequestContext } from "../operations/context.ts";
import { findMany } from "../operations/find-many.ts";
import type { LookUps, Wanted } from "./look-ups.ts";
import type { FileRecord } from "./read-records.ts";
import { keyTexts, type Problem, type RowPlan } from "./row-plan.ts";

export interface Row {
  readonly record: FileRecord;
  /** Without what look-ups bring, until they have. */
  readonly body: Record<string, unknown>;
  /** The records of other resources that it names. */
  readonly named: ReadonlyMap<LookUps, Wanted>;
  /** Of the fields of the key that no look-up brings, as PostgreSQL reads them. */
  readonly keyTexts: ReadonlyMap<FieldModel, string>;
  readonly problems: Problem[];
}

/** What the mapping makes of a record, and what is wrong with it, before anything is asked. */
export function rowOf(record: FileRecord, plan: RowPlan, lookUps: readonly LookUps[]): Row {
  const problems: Problem[] = [];
  const named = new Map<LookUps, Wanted>();
  const texts = new Map<FieldModel, string>();
  const row = { record, body: {}, named, keyTexts: texts, problems };
  if (record.problem !== undefined) {
    problems.push({ field: "", message: record.problem });
    return row;
  }
  const body = plan.bodyOf(record.cells, problems);
  for (const one of lookUps) {
    const wanted = one.wantedOf(record.cells, problems);
    if (wanted === null) body[one.plan.field.name] = null;
    else if (wanted !== undefined) named.set(one, wanted);
  }
  for (const field of plan.key) {
    const { name } = field;
    if ((body[name] ?? undefined) !== undefined) {
      const [text] = keyTexts([field], body, problems) ?? [];
      if (text !== undefined) texts.set(field, text);
    } else if (broughtBy(named, field) === undefined) {
      const isTold = problems.some((problem) => problem.field === name);
      if (!isTold) problems.push({ field: name, message: "is missing, and it is the key" });
    }
  }
  return { ...row, body };
}

/** What it names that is neither there nor made. */
export function absentOf({ named }: Row): readonly Problem[] {
  return [...named].flatMap(([lookUps, wanted]) =>
    lookUps.mayCreate(wanted) ? [] : lookUps.problemsOf(wanted),
  );
}

/** Whether the row waits for one of the same resource, which may be further on in the stretch. */
const isAwaited = (lookUps: LookUps, wanted: Wanted): boolean =>
  lookUps.plan.isOfItself && lookUps.idOf(wanted) === undefined;

/** By which it is known again, as one text. */
export function keyOf(row: Row, plan: RowPlan): string {
  return plan.key.length === 0 ? `line ${row.record.line}` : JSON.stringify(partsOf(row, plan));
}

/** A text; of what is not there yet, the key of its own in a list. */
function partsOf({ named, keyTexts: texts }: Row, { key }: RowPlan) {
  return key.map((field): string | [string] => {
    const text = texts.get(field);
    if (text !== undefined) return text;
    const [lookUps, wanted] = broughtBy(named, field) ?? [];
    if (lookUps === undefined || wanted === undefined) throw new Error("a row without its key");
    return lookUps.idOf(wanted) ?? [lookUps.keyOf(wanted)];
  });
}

const broughtBy = (named: Row["named"], field: FieldModel) =>
  [...named].find(([{ plan }]) => plan.field === field);

/** The rows that go now, of each key the first, and those that go after them. */
export function turnOf(rows: readonly Row[], plan: RowPlan) {
  const split = (isReady: (row: Row) => boolean) => {
    const seen = new Set<string>();
    const some: Row[] = [];
    const again: Row[] = [];
    for (const row of rows) {
      const key = keyOf(row, plan);
      // Behind one that waits, too: the last row of a key has the last word.
      (seen.has(key) || !isReady(row) ? again : some).push(row);
      seen.add(key);
    }
    return { some, again };
  };
  const turn = split(({ named }) =>
    [...named].every(([lookUps, wanted]) => !isAwaited(lookUps, wanted)),
  );
  // Where all wait, nothing will come that they could wait for.
  return turn.some.length > 0 ? turn : split(() => true);
}

/** The ids of those that are there, by the rows' places. */
export async function findRows(
  context: OperationsContext,
  request: RequestContext,
  plan: RowPlan,
  rows: readonly Row[],
): Promise<readonly (string | undefined)[]> {
  if (plan.key.length === 0) return [];
  const keys = rows.map((row) => partsOf(row, plan));
  // What names a record that is not there is not there itself.
  const asked = keys.flatMap((parts, at) =>
    parts.every((part) => typeof part === "string") ? [{ at, parts }] : [],
  );
  const texts = asked.map(({ parts }) => parts);
  const found = await findMany(context, request, plan.resource, plan.key, texts);
  const ids = new Array<string | undefined>(rows.length).fill(undefined);
  for (const [place, { at }] of asked.entries()) ids[at] = found[place];
  return ids;
}

/** What an update writes. The record is that which the key found, whatever id the file says. */
export const isChanged = (name: string, { key }: RowPlan): boolean =>
  name !== "id" && key.every((field) => field.name !== name);

/** The names of the fields that an update of the row would write. */
export function changesOf({ body, named }: Row, plan: RowPlan): readonly string[] {
  if (plan.whenPresent === "skip") return [];
  const looked = [...named.keys()].map(({ plan: { field } }) => field.name);
  return [...new Set([...Object.keys(body), ...looked])].filter((name) => isChanged(name, plan));
}

/** By which a stretch of the file is known again, whatever the mapping makes of it now. */
export function stretchKey(records: readonly FileRecord[]): string {
  const told = records.map(({ cells, problem }) => [cells, problem]);
  return `import ${records[0]?.line} ${hash("sha256", JSON.stringify(told), "base64url")}`;
}

/**
 * Creates them. Without a key of their own they are known again by the stretch of the file that
 * they came in, for as long as replies are kept. Throws StartError where that stretch is in, but
 * not with the same records.
 */
export async function createRows(
  context: OperationsContext,
  request: RequestContext,
  plan: RowPlan,
  rows: readonly Row[],
  stretch: string | undefined,
): Promise<SeveralReply> {
  const body = { records: rows.map((row) => row.body) };
  const input = { body, idempotencyKey: stretch, replyBytesMax: UNSENT };
  try {
    return await bulkWrite(context, request, plan.resource, "create", input);
  } catch (cause) {
    const isOther = cause instanceof BackwrightError && cause.code === "IDEMPOTENCY_KEY_REUSED";
    if (!isOther) throw cause;
    throw new StartError("Records of this file are in, but not as they would be written now.", {
      fix:
        "Import the file of the rejected records in place of this one; or name a unique field as " +
        'the mapping\'s "key", by which records are known again.',
      cause,
    });
  }
}
