// The import itself: reads a file in stretches, asks what is there, writes the rest by operations.
// Repeating it is safe: a record that its key finds is left alone, or updated where that is wanted.
import { setTimeout as sleep } from "node:timers/promises";
import type { Actor } from "../access/actor.ts";
import { decide } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { BULK_RECORDS_MAX } from "../base/limits.ts";
import { bulkWrite, UNSENT } from "../operations/bulk.ts";
import type { OperationsContext, RequestContext } from "../operations/context.ts";
import { isDone, type Refused } from "../operations/outcomes.ts";
import { parseBody } from "../operations/parse-body.ts";
import { LookUps, problemsOf, refusalsOf } from "./look-ups.ts";
import type { FileRecord } from "./read-records.ts";
import type { Problem, RowPlan } from "./row-plan.ts";
import {
  absentOf,
  changesOf,
  createRows,
  findRows,
  isChanged,
  keyOf,
  type Row,
  rowOf,
  stretchKey,
  turnOf,
} from "./rows.ts";

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

export interface Rejected extends FileRecord {
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

const ATTEMPTS_MAX = 6;
const PAUSE_MS = 250;
// In place of what is not there yet, where the body of a row is checked.
const SOME_ID = "00000000-0000-0000-0000-000000000000";

/** Throws BackwrightError, or the reason of `stop`; what is counted in is in. */
export async function runImport(options: ImportOptions): Promise<ImportOutcome> {
  const run = new Import(options);
  // One stretch is written while the next is read.
  let writing: Promise<void> = Promise.resolve();
  const send = async (records: readonly FileRecord[]): Promise<void> => {
    await writing;
    options.stop.throwIfAborted();
    writing = run.write(records);
    writing.catch(() => undefined); // Told by the next `await`.
  };
  let stretch: FileRecord[] = [];
  try {
    for await (const record of options.records) {
      run.outcome.read += 1;
      stretch.push(record);
      if (stretch.length < BULK_RECORDS_MAX) continue;
      await send(stretch);
      stretch = [];
    }
    options.stop.throwIfAborted();
    if (stretch.length > 0) await send(stretch);
  } finally {
    // What is being written is counted, even where the file cannot be read any further.
    await writing;
  }
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
  /** Where records have no key of their own. */
  #stretch: string | undefined;
  #turn = 1;

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
    this.#countRelated();
    // First, so that it is told what is in even where nothing can be put aside.
    onProgress(this.outcome, records.at(-1)?.bytes ?? 0);
    if (this.#rejected.length > 0) {
      await onRejected(this.#rejected.sort((one, other) => one.line - other.line));
    }
  }

  /** Two look-ups may make records of one resource. */
  #countRelated(): void {
    const { related } = this.outcome;
    related.clear();
    for (const { plan, created } of this.#lookUps) {
      const { path } = plan.target;
      if (created > 0) related.set(path, (related.get(path) ?? 0) + created);
    }
  }

  async #attempt(records: readonly FileRecord[]): Promise<void> {
    const { plan } = this.#options;
    const actor = await this.#options.actor();
    const request = { actor, requestId: newId(), face: "import" };
    const wanted = records.filter(({ problem, cells }) => {
      const isSkipped = problem === undefined && plan.isSkipped(cells);
      if (isSkipped) this.outcome.skipped += 1;
      return !isSkipped;
    });
    this.#stretch = plan.key.length === 0 ? stretchKey(records) : undefined;
    const rows = wanted.map((record) => rowOf(record, plan, this.#lookUps));
    await this.#find(rows, request);
    await this.#send(
      rows.filter((row) => this.#isWhole(row)),
      request,
    );
  }

  /** Which of the records that the rows name are there. */
  async #find(rows: readonly Row[], request: RequestContext): Promise<void> {
    for (const lookUps of this.#lookUps) {
      await lookUps.find(
        rows.flatMap(({ named }) => named.get(lookUps) ?? []),
        request,
      );
    }
  }

  /** Rejects the row where it is not, with all that is wrong with it. */
  #isWhole(row: Row): boolean {
    if (row.problems.length === 0) return true;
    row.problems.push(...absentOf(row));
    this.#reject(row, row.problems);
    return false;
  }

  async #send(rows: readonly Row[], request: RequestContext): Promise<void> {
    const { plan, isDryRun } = this.#options;
    let left = rows;
    // A key that the stretch holds twice is met again when the first one is in; so is a row that
    // names another one of the stretch.
    for (this.#turn = 1; left.length > 0; this.#turn += 1) {
      if (this.#turn > 1) await this.#find(left, request);
      const { some, again } = turnOf(left, plan);
      const ids = await findRows(this.#options.context, request, plan, some);
      const missing = some.filter((_, at) => ids[at] === undefined);
      const present = some.flatMap((row, at) => {
        const id = ids[at];
        return id === undefined ? [] : [{ row, id }];
      });
      const overtaken = await this.#create(missing, request);
      await this.#update(present, request);
      left = isDryRun ? this.#met(again, some) : [...overtaken, ...again];
    }
  }

  /** In a dry run the first row of a key is not in when the second one comes: counted here. */
  #met(again: readonly Row[], some: readonly Row[]): readonly Row[] {
    const { plan } = this.#options;
    const made = some.filter(({ problems }) => problems.length === 0);
    const keys = new Set(made.map((row) => keyOf(row, plan)));
    return again.filter((row) => {
      const isThere = keys.has(keyOf(row, plan));
      if (isThere) this.outcome[changesOf(row, plan).length > 0 ? "updated" : "present"] += 1;
      return !isThere;
    });
  }

  /**
   * Gives the rows the ids of what they name, and makes that where it is missing. Rejects a row
   * that `check` refuses before anything is made for it.
   */
  async #complete(
    rows: readonly Row[],
    check: (body: Readonly<Record<string, unknown>>) => unknown,
    request: RequestContext,
  ): Promise<readonly Row[]> {
    const { isDryRun } = this.#options;
    const good = rows.filter((row) => {
      const absent = absentOf(row);
      const makes = [...row.named].some(([lookUps, wanted]) => lookUps.mayCreate(wanted));
      const body = { ...row.body };
      for (const [lookUps, wanted] of row.named) {
        body[lookUps.plan.field.name] = lookUps.idOf(wanted) ?? SOME_ID;
      }
      // Where nothing is made for it, the operation itself will check it.
      const refused = makes || isDryRun ? refusalsOf(() => check(body)) : undefined;
      const problems = [...absent, ...(refused ?? [])];
      if (problems.length > 0) this.#reject(row, problems);
      return problems.length === 0;
    });
    for (const lookUps of this.#lookUps) {
      if (!lookUps.plan.creates) continue;
      await lookUps.create(
        good.flatMap(({ named }) => named.get(lookUps) ?? []),
        request,
      );
    }
    return good.filter((row) => {
      const problems = [...row.named].flatMap(([lookUps, wanted]) => lookUps.problemsOf(wanted));
      for (const [lookUps, wanted] of row.named) {
        row.body[lookUps.plan.field.name] = lookUps.idOf(wanted);
      }
      if (problems.length > 0) this.#reject(row, problems);
      return problems.length === 0;
    });
  }

  /** Returns those that are there by now. */
  async #create(rows: readonly Row[], request: RequestContext): Promise<readonly Row[]> {
    if (rows.length === 0) return [];
    const { context, plan, isDryRun } = this.#options;
    const grant = decide(request.actor, plan.resource, "create");
    const whole = await this.#complete(rows, (body) => parseBody(body, grant, "create"), request);
    if (whole.length === 0) return [];
    if (isDryRun) {
      this.outcome.created += whole.length;
      for (const lookUps of this.#lookUps.filter(({ plan: { isOfItself } }) => isOfItself)) {
        for (const { body } of whole) lookUps.learn(body);
      }
      return [];
    }
    const stretch = this.#stretch === undefined ? undefined : `${this.#stretch} ${this.#turn}`;
    const reply = await createRows(context, request, plan, whole, stretch);
    const taken: { row: Row; outcome: Refused }[] = [];
    for (const [at, outcome] of reply.outcomes.entries()) {
      const row = whole[at];
      if (row === undefined) continue;
      if (isDone(outcome)) this.outcome[reply.replayed ? "present" : "created"] += 1;
      else if (outcome.error.code === "CONFLICT" && plan.key.length > 0) {
        taken.push({ row, outcome });
      } else this.#reject(row, problemsOf(outcome.error));
    }
    if (taken.length === 0) return [];
    // RACE: another import was here since we asked, so these take another turn; or the conflict is
    // about another unique field.
    const conflicting = taken.map(({ row }) => row);
    const ids = await findRows(context, request, plan, conflicting);
    return taken.flatMap(({ row, outcome }, at) => {
      if (ids[at] !== undefined) return [row];
      this.#reject(row, problemsOf(outcome.error));
      return [];
    });
  }

  async #update(
    present: readonly { readonly row: Row; readonly id: string }[],
    request: RequestContext,
  ): Promise<void> {
    const { context, plan, isDryRun } = this.#options;
    const ids = new Map(present.map(({ row, id }) => [row, id]));
    const changed = [...ids.keys()].filter((row) => changesOf(row, plan).length > 0);
    this.outcome.present += present.length - changed.length;
    if (changed.length === 0) return;
    const grant = decide(request.actor, plan.resource, "update");
    const written = (body: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(Object.entries(body).filter(([name]) => isChanged(name, plan)));
    const check = (body: Readonly<Record<string, unknown>>) =>
      parseBody(written(body), grant, "update");
    const whole = await this.#complete(changed, check, request);
    if (isDryRun) this.outcome.updated += whole.length;
    if (isDryRun || whole.length === 0) return;
    const records = whole.map((row) => ({ ...written(row.body), id: ids.get(row) }));
    const input = { body: { records }, replyBytesMax: UNSENT };
    const reply = await bulkWrite(context, request, plan.resource, "update", input);
    for (const [at, outcome] of reply.outcomes.entries()) {
      const row = whole[at];
      if (isDone(outcome)) this.outcome.updated += 1;
      else if (row !== undefined) this.#reject(row, problemsOf(outcome.error));
    }
  }

  #reject({ record, problems: known }: Row, problems: readonly Problem[]): void {
    this.outcome.rejected += 1;
    if (known.length === 0) known.push(...problems);
    this.#rejected.push({ ...record, problems });
  }
}
