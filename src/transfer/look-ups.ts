// Ids of related records by their names: those that are there, and those that an import makes, for
// rows that it writes.
import { decide } from "../access/decide.ts";
import { BackwrightError, StartError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { BULK_RECORDS_MAX } from "../base/limits.ts";
import { bulkWrite, UNSENT } from "../operations/bulk.ts";
import type { OperationsContext, RequestContext } from "../operations/context.ts";
import { findMany } from "../operations/find-many.ts";
import { isDone } from "../operations/outcomes.ts";
import { parseBody } from "../operations/parse-body.ts";
import { listRecords } from "../operations/read.ts";
import { type Cells, folded, quoted } from "./evaluate.ts";
import { bodyOf, keyTexts, type LookUpPlan, type Problem } from "./row-plan.ts";

// LIMIT: names kept in memory; the ones that were used longest ago are asked for again.
const NAMES_MAX = 50_000;
// LIMIT: names that differ in case can only be told apart by whoever has seen them all.
const FOLDED_MAX = 10_000;

/** An id, or why there is none. */
type Found = { readonly id: string } | { readonly problems: readonly Problem[] };

/** A record that a row names: its key, and what it is created with. */
export interface Wanted {
  readonly texts: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

/** The records of one look-up of a mapping. */
export class LookUps {
  readonly plan: LookUpPlan;
  /** How many were created. */
  created = 0;
  readonly #context: OperationsContext;
  readonly #isDryRun: boolean;
  readonly #found = new Map<string, Found>();
  #isLearned = false;

  constructor(context: OperationsContext, plan: LookUpPlan, isDryRun: boolean) {
    this.#context = context;
    this.plan = plan;
    this.#isDryRun = isDryRun;
  }

  /**
   * Undefined: the row names none; null: it says that there is none, in a file that is taken
   * exactly. Pushes what is wrong.
   */
  wantedOf(cells: Cells, problems: Problem[]): Wanted | null | undefined {
    const { field, by, values, required } = this.plan;
    const own: Problem[] = [];
    const body = bodyOf(values, cells, own);
    const isNamed = by.every(({ name }) => (body[name] ?? undefined) !== undefined);
    const texts = isNamed ? keyTexts(by, body, own) : undefined;
    problems.push(...this.#placed(own));
    if (texts !== undefined) return { texts, body };
    if (required && own.length === 0) problems.push({ field: field.name, message: "is missing" });
    return by.some(({ name }) => body[name] === null) ? null : undefined;
  }

  /** Asks for all of them together which are there. Makes none. */
  async find(wanted: readonly Wanted[], request: RequestContext): Promise<void> {
    if (this.plan.ignoreCase && !this.#isLearned) await this.#learnAll(request);
    const unknown = this.#unknown(wanted, { areUsed: true });
    for (let at = 0; at < unknown.length; at += BULK_RECORDS_MAX) {
      const some = unknown.slice(at, at + BULK_RECORDS_MAX);
      const missing = this.plan.ignoreCase ? some : await this.#ask(some, request);
      // One of the resource itself may stand further on in the file.
      if (this.plan.creates || this.plan.isOfItself) continue;
      for (const one of missing) this.#keep(one, this.#absent(one));
    }
  }

  /** After `find`. Undefined: it is not there. */
  idOf(wanted: Wanted): string | undefined {
    const found = this.#found.get(this.keyOf(wanted));
    return found !== undefined && "id" in found ? found.id : undefined;
  }

  /** After `find`: why it is not there and is not made, in the words of the row. */
  problemsOf(wanted: Wanted): readonly Problem[] {
    const found = this.#found.get(this.keyOf(wanted)) ?? this.#absent(wanted);
    return "id" in found ? [] : this.#placed(found.problems);
  }

  /** Whether it would be made when a row is written that names it. */
  mayCreate(wanted: Wanted): boolean {
    return this.plan.creates && !this.#found.has(this.keyOf(wanted));
  }

  /** Makes those that are missing; in a dry run only counts them. */
  async create(wanted: readonly Wanted[], request: RequestContext): Promise<void> {
    const missing = this.#unknown(wanted, { areUsed: false });
    for (let at = 0; at < missing.length; at += BULK_RECORDS_MAX) {
      const some = missing.slice(at, at + BULK_RECORDS_MAX);
      if (this.#isDryRun) this.#check(some, request);
      else await this.#create(some, request);
    }
  }

  /**
   * In a dry run: what a row of the file would be found by.
   * LIMIT: forgotten like the others, NAMES_MAX later.
   */
  learn(body: Readonly<Record<string, unknown>>): void {
    if (this.plan.by.some(({ name }) => (body[name] ?? undefined) === undefined)) return;
    const texts = keyTexts(this.plan.by, body, []);
    if (texts !== undefined) this.#keep({ texts, body }, { id: newId() });
  }

  /** Gives up what the database no longer agrees with. */
  forget(): void {
    this.#found.clear();
    this.#isLearned = false;
  }

  /** As one text. */
  keyOf({ texts }: Wanted): string {
    return JSON.stringify(this.plan.ignoreCase ? texts.map(folded) : texts);
  }

  #placed(problems: readonly Problem[]): readonly Problem[] {
    const { name } = this.plan.field;
    return problems.map(({ field, message }) => ({
      field: name,
      message: `${field} ${message}`.trim(),
    }));
  }

  /** Each once. */
  #unknown(wanted: readonly Wanted[], { areUsed }: { readonly areUsed: boolean }): Wanted[] {
    const unknown = new Map<string, Wanted>();
    for (const one of wanted) {
      const key = this.keyOf(one);
      const known = this.#found.get(key);
      if (known === undefined) unknown.set(key, one);
      // Used again, so it is forgotten last.
      else if (areUsed && this.#found.delete(key)) this.#found.set(key, known);
    }
    return [...unknown.values()];
  }

  #keep(wanted: Wanted, found: Found): void {
    this.#found.set(this.keyOf(wanted), found);
    if (this.plan.ignoreCase || this.#found.size <= NAMES_MAX) return;
    const [oldest] = this.#found.keys();
    if (oldest !== undefined) this.#found.delete(oldest);
  }

  #absent({ texts }: Wanted): Found {
    const { target, by, isOfItself } = this.plan;
    const where = isOfItself ? `${target.path} so far; name it on an earlier line` : target.path;
    const message = `is ${quoted(texts.join(", "))}, which is none of ${where}`;
    return { problems: [{ field: by.map(({ name }) => name).join(), message }] };
  }

  /** Keeps those that are there and returns the others. */
  async #ask(wanted: readonly Wanted[], request: RequestContext): Promise<readonly Wanted[]> {
    const { target, by } = this.plan;
    const keys = wanted.map(({ texts }) => texts);
    const ids = await findMany(this.#context, request, target, by, keys);
    return wanted.filter((one, at) => {
      const id = ids[at];
      if (id !== undefined) this.#keep(one, { id });
      return id === undefined;
    });
  }

  /** As the operation would, before it asks the database. Throws where the role may make none. */
  #check(missing: readonly Wanted[], { actor }: RequestContext): void {
    const grant = decide(actor, this.plan.target, "create");
    for (const one of missing) {
      const problems = refusalsOf(() => parseBody(one.body, grant, "create"));
      if (problems === undefined) this.created += 1;
      this.#keep(one, problems === undefined ? { id: newId() } : { problems });
    }
  }

  async #create(missing: readonly Wanted[], request: RequestContext): Promise<void> {
    const records = missing.map(({ body }) => body);
    const { target } = this.plan;
    const body = { records };
    const { outcomes } = await bulkWrite(this.#context, request, target, "create", {
      body,
      replyBytesMax: UNSENT,
    });
    const taken: Wanted[] = [];
    for (const [at, outcome] of outcomes.entries()) {
      const one = missing[at];
      if (one === undefined) continue;
      if (isDone(outcome)) {
        this.created += 1;
        this.#keep(one, { id: outcome.id });
      } else if (outcome.error.code === "CONFLICT") taken.push(one);
      else this.#keep(one, { problems: problemsOf(outcome.error) });
    }
    // RACE: another import made them since we asked.
    const lost = taken.length === 0 ? [] : await this.#ask(taken, request);
    for (const one of lost) this.#keep(one, this.#absent(one));
  }

  async #learnAll(request: RequestContext): Promise<void> {
    const { target, by } = this.plan;
    const [field] = by;
    if (field === undefined) return;
    const fields = new Map([["", `id,${field.name}`]]);
    let after: string | null | undefined;
    do {
      const query = { fields, size: "100", ...(after == null ? {} : { after }) };
      const page = await listRecords(this.#context, request, target, query);
      for (const json of page.records) {
        const record = JSON.parse(json) as Record<string, string>;
        const texts = [String(record[field.name])];
        this.#found.set(this.keyOf({ texts, body: {} }), { id: record.id ?? "" });
      }
      after = page.next;
    } while (after !== null && this.#found.size <= FOLDED_MAX);
    if (this.#found.size > FOLDED_MAX) {
      throw new StartError(`${target.path} has more than ${FOLDED_MAX} records.`, {
        fix: 'Leave "ignoreCase" out: then names are compared as they are spelled.',
      });
    }
    this.#isLearned = true;
  }
}

export function problemsOf(error: {
  readonly message: string;
  readonly details: readonly Problem[];
}): readonly Problem[] {
  return error.details.length > 0 ? error.details : [{ field: "", message: error.message }];
}

/** What a check refuses, by field; undefined: nothing. */
export function refusalsOf(check: () => unknown): readonly Problem[] | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof BackwrightError)) throw error;
    return problemsOf(error);
  }
}
