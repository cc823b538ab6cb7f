// The import itself: reads a file in stretches, asks what is there, writes the rest by operations.
// Repeating it is safe: a record that its key finds is left alone, or updated where that is wanted.
import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Actor } from "../access/actor.ts";
import { decide } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { BULK_RECORDS_MAX } from "../base/limits.ts";
import { bulkWrite, UNSENT } from "../operations/bulk.ts";
import type { OperationsContext, RequestContext } from "../operations/context.ts";
import { findMany } from "../operations/find-many.ts";
import { isDone, type Outcome as WriteOutcome } from "../operations/outcomes.ts";
import { parseBody } from "../operations/parse-body.ts";
import type { Cells } from "./evaluate.ts";
import { LookUps, problemsOf } from "./look-ups.ts";
import type { FileRecord } from "./read-records.ts";
import { keyTexts, type Problem, type RowPlan } from "./row-plan.ts";

export interface ImportOutcome {
  read: number;
  created: number;
  updated: number;
  /** There before, and left alone. */
  present: number;
  /** Passed over by a rule of the mapping. */
  skipped: number;
  rejected: number;
  /** Records of other resources that were created, by resource. */
  readonly related: Map<string, number>;
}

export interface Rejected {
  readonly line: number;
  readonly cells: Cells;
  readonly problems: readonly Problem[];
}

export interface ImportOptions {
  readonly context: OperationsContext;
  readonly plan: RowPlan;
  readonly records: AsyncIterable<FileRecord>;
  /** Asked again for every stretch, so that a key that is taken back ends the import. */
  readonly actor: () => Promise<Actor>;
  /** Checks every record and writes nothing. LIMIT: rules of the database are not met then. */
  readonly isDryRun: boolean;
  readonly stop: AbortSignal;
  /** Awaited, so that no more is read than can be put aside. */
  readonly onRejected: (rejected: readonly Rejected[]) => Promise<void>;
  /** After every stretch; `bytes` says how far the file has been dealt with. */
  readonly onProgress: (outcome: ImportOutcome, bytes: number) => void;
}

interface Row {
  readonly record: FileRecord;
  readonly body: Record<string, unknown>;
  /** The texts of the key's fields; empty where there is no key. */
  readonly key: readonly string[];
}

const ATTEMPTS_MAX = 6;
const PAUSE_MS = 250;

/** Throws BackwrightError, or the reason of `stop`; what is counted in is in. */
export async function runImport(options: ImportOptions): Promise<ImportOutcome> {
  const run = new Import(options);
  let stretch: FileRecord[] = [];
  // One stretch is written while the next is read.
  let writing: Promise<void> = Promise.resolve();
  const send = async (records: readonly FileRecord[]): Promise<void> => {
    await writing;
    options.stop.throwIfAborted();
    writing = run.write(records);
    writing.catch(() => undefined); // Told by the next `await`.
  };
  for await (const record of options.records) {
    run.outcome.read += 1;
    stretch.push(record);
    if (stretch.length < BULK_RECORDS_MAX) continue;
    await send(stretch);
    stretch = [];
  }
  await send(stretch);
  await writing;
  return run.outcome;
}

class Import {
  readonly outcome: ImportOutcome = {
    read: 0,
    created: 0,
    updated: 0,
    present: 0,
    skipped: 0,
    rejected: 0,
    related: new Map(),
  };
  readonly #options: ImportOptions;
  readonly #lookUps: readonly LookUps[];
  #rejected: Rejected[] = [];

  constructor(options: ImportOptions) {
    this.#options = options;
    const { context, plan, isDryRun } = options;
    this.#lookUps = plan.lookUps.map((one) => new LookUps(context, one, isDryRun));
  }

  /** Writes a stretch; again from its beginning where the database was away for a moment. */
  async write(records: readonly FileRecord[]): Promise<void> {
    const { stop, onProgress, onRejected } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const before = { ...this.outcome };
      this.#rejected = [];
      try {
        await this.#attempt(records);
        break;
      } catch (error) {
        const mayPass = error instanceof BackwrightError && error.status === 503;
        if (!mayPass || attempt === ATTEMPTS_MAX) throw error;
        Object.assign(this.outcome, before, { read: this.outcome.read });
        for (const lookUps of this.#lookUps) lookUps.forget();
        await sleep(PAUSE_MS * 2 ** attempt, undefined, { signal: stop });
      }
    }
    for (const { plan, created } of this.#lookUps) {
      if (created > 0) this.outcome.related.set(plan.target.path, created);
    }
    if (this.#rejected.length > 0) await onRejected(this.#rejected);
    onProgress(this.outcome, records.at(-1)?.bytes ?? 0);
  }

  async #attempt(records: readonly FileRecord[]): Promise<void> {
    const actor = await this.#options.actor();
    const request = { actor, requestId: newId(), face: "import" };
    const wanted = records.filter(({ problem, cells }) => {
      const isSkipped = problem === undefined && this.#options.plan.isSkipped(cells);
      if (isSkipped) this.outcome.skipped += 1;
      return !isSkipped;
    });
    const whole = wanted.filter(({ problem }) => problem === undefined);
    for (const lookUps of this.#lookUps) {
      await lookUps.prepare(
        whole.map(({ cells }) => cells),
        request,
      );
    }
    const rows = wanted.flatMap((record) => this.#rowOf(record) ?? []);
    await this.#send(rows, request);
  }

  /** Undefined: rejected. */
  #rowOf(record: FileRecord): Row | undefined {
    const { plan } = this.#options;
    const problems: Problem[] = [];
    if (record.problem !== undefined) problems.push({ field: "", message: record.problem });
    const body = record.problem === undefined ? plan.bodyOf(record.cells, problems) : {};
    if (record.problem === undefined) {
      for (const lookUps of this.#lookUps) {
        const id = lookUps.idOf(record.cells, problems);
        if (id !== undefined) body[lookUps.plan.field.name] = id;
      }
    }
    const missing = plan.key.find(({ name }) => body[name] === undefined);
    const isTold = problems.some(({ field }) => field === missing?.name || field === "");
    if (missing !== undefined && !isTold) {
      problems.push({ field: missing.name, message: "is missing, and it is the key" });
    }
    const texts = problems.length === 0 ? keyTexts(plan.key, body, problems) : undefined;
    if (texts !== undefined) return { record, body, key: texts };
    this.#reject(record, problems);
    return undefined;
  }

  async #send(rows: readonly Row[], request: RequestContext): Promise<void> {
    const { plan, isDryRun } = this.#options;
    let left = rows;
    // A key that the stretch holds twice is met again when the first one is in.
    while (left.length > 0) {
      const first = new Map<string, Row>();
      const again: Row[] = [];
      for (const row of left) {
        const key = row.key.length === 0 ? row.record.line : JSON.stringify(row.key);
        if (first.has(String(key))) again.push(row);
        else first.set(String(key), row);
      }
      const some = [...first.values()];
      const ids = plan.key.length === 0 ? [] : await this.#find(some, request);
      const missing = some.filter((_, at) => ids[at] === undefined);
      const present = some.flatMap((row, at) => {
        const id = ids[at];
        return id === undefined ? [] : [{ row, id }];
      });
      if (isDryRun) {
        this.#check(missing, [...present.map(({ row }) => row), ...again], request);
        return;
      }
      const overtaken = await this.#create(missing, request);
      await this.#update(present, request);
      left = [...overtaken, ...again];
    }
  }

  #find(rows: readonly Row[], request: RequestContext) {
    const { context, plan } = this.#options;
    const keys = rows.map(({ key }) => key);
    return findMany(context, request, plan.resource, plan.key, keys);
  }

  #check(missing: readonly Row[], present: readonly Row[], { actor }: RequestContext): void {
    const grant = decide(actor, this.#options.plan.resource, "create");
    for (const { record, body } of missing) {
      try {
        parseBody(body, grant, "create");
        this.outcome.created += 1;
      } catch (error) {
        if (!(error instanceof BackwrightError)) throw error;
        this.#reject(record, problemsOf(error));
      }
    }
    for (const row of present) {
      this.outcome[this.#changesOf(row).length > 0 ? "updated" : "present"] += 1;
    }
  }

  /** What an update writes. The record is that which the key found, whatever id the file says. */
  #changesOf({ body }: Row): readonly (readonly [string, unknown])[] {
    const { key, whenPresent } = this.#options.plan;
    if (whenPresent === "skip") return [];
    const unwritten = new Set(["id", ...key.map(({ name }) => name)]);
    return Object.entries(body).filter(([name]) => !unwritten.has(name));
  }

  /** Returns those that are there by now. */
  async #create(rows: readonly Row[], request: RequestContext): Promise<readonly Row[]> {
    if (rows.length === 0) return [];
    const { context, plan } = this.#options;
    const body = { records: rows.map((row) => row.body) };
    // Without a key of its own a record is known again by the stretch that it came in, for as long
    // as replies are kept.
    const idempotencyKey =
      plan.key.length > 0
        ? undefined
        : `import ${rows[0]?.record.line} ${hash("sha256", JSON.stringify(body), "base64url")}`;
    const input = { body, idempotencyKey, replyBytesMax: UNSENT };
    const reply = await bulkWrite(context, request, plan.resource, "create", input);
    const taken: { row: Row; outcome: WriteOutcome }[] = [];
    for (const [at, outcome] of reply.outcomes.entries()) {
      const row = rows[at];
      if (row === undefined) continue;
      if (isDone(outcome)) this.outcome[reply.replayed ? "present" : "created"] += 1;
      else if (outcome.error.code === "CONFLICT" && plan.key.length > 0) {
        taken.push({ row, outcome });
      } else this.#reject(row.record, problemsOf(outcome.error));
    }
    if (taken.length === 0) return [];
    // RACE: another import was here since we asked, so these take another turn; or the conflict is
    // about another unique field.
    const ids = await this.#find(
      taken.map(({ row }) => row),
      request,
    );
    return taken.flatMap(({ row, outcome }, at) => {
      if (ids[at] !== undefined) return [row];
      if (!isDone(outcome)) this.#reject(row.record, problemsOf(outcome.error));
      return [];
    });
  }

  async #update(
    present: readonly { readonly row: Row; readonly id: string }[],
    request: RequestContext,
  ): Promise<void> {
    const { context, plan } = this.#options;
    const changed = present.flatMap(({ row, id }) => {
      const changes = this.#changesOf(row);
      return changes.length === 0 ? [] : [{ row, record: { ...Object.fromEntries(changes), id } }];
    });
    this.outcome.present += present.length - changed.length;
    if (changed.length === 0) return;
    const input = { body: { records: changed.map(({ record }) => record) }, replyBytesMax: UNSENT };
    const reply = await bulkWrite(context, request, plan.resource, "update", input);
    for (const [at, outcome] of reply.outcomes.entries()) {
      const row = changed[at]?.row;
      if (isDone(outcome)) this.outcome.updated += 1;
      else if (row !== undefined) this.#reject(row.record, problemsOf(outcome.error));
    }
  }

  #reject({ line, cells }: FileRecord, problems: readonly Problem[]): void {
    this.outcome.rejected += 1;
    this.#rejected.push({ line, cells, problems });
  }
}
