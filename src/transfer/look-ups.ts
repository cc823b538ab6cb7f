// Ids of related records by their names: those that are there, and those that an import makes.
import { StartError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { BULK_RECORDS_MAX } from "../base/limits.ts";
import { bulkWrite, UNSENT } from "../operations/bulk.ts";
import type { OperationsContext, RequestContext } from "../operations/context.ts";
import { findMany } from "../operations/find-many.ts";
import { isDone } from "../operations/outcomes.ts";
import { listRecords } from "../operations/read.ts";
import { type Cells, folded, quoted } from "./evaluate.ts";
import { bodyOf, keyTexts, type LookUpPlan, type Problem } from "./row-plan.ts";

// LIMIT: names kept in memory; the ones that were used longest ago are asked for again.
const NAMES_MAX = 50_000;
// LIMIT: names that differ in case can only be told apart by whoever has seen them all.
const FOLDED_MAX = 10_000;

/** An id, or why there is none. */
type Found = { readonly id: string } | { readonly problems: readonly Problem[] };

/** A record that is looked for: its key, and what it is created with. */
interface Wanted {
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

  /** What the rows need, once; asks and creates for all of them together. */
  async prepare(rows: readonly Cells[], request: RequestContext): Promise<void> {
    if (this.plan.ignoreCase && !this.#isLearned) await this.#learnAll(request);
    const wanted = new Map<string, Wanted>();
    for (const cells of rows) {
      const one = this.#wanted(cells, []);
      const key = one && this.#keyOf(one);
      if (one === undefined || key === undefined) continue;
      const known = this.#found.get(key);
      // Used again, so it is forgotten last.
      if (known !== undefined && this.#found.delete(key)) this.#found.set(key, known);
      else wanted.set(key, one);
    }
    const all = [...wanted.values()];
    for (let at = 0; at < all.length; at += BULK_RECORDS_MAX) {
      await this.#find(all.slice(at, at + BULK_RECORDS_MAX), request);
    }
  }

  /** After `prepare`. Undefined: the row names none. Pushes what is wrong. */
  idOf(cells: Cells, problems: Problem[]): string | undefined {
    const { field, required } = this.plan;
    const place = ({ field: inner, message }: Problem): Problem => ({
      field: field.name,
      message: `${inner} ${message}`,
    });
    const own: Problem[] = [];
    const wanted = this.#wanted(cells, own);
    problems.push(...own.map(place));
    if (wanted === undefined) {
      if (required && own.length === 0) problems.push({ field: field.name, message: "is missing" });
      return undefined;
    }
    const found = this.#found.get(this.#keyOf(wanted));
    if (found === undefined) throw new Error("a look-up was not prepared");
    if ("id" in found) return found.id;
    problems.push(...found.problems.map(place));
    return undefined;
  }

  /** Gives up what the database no longer agrees with. */
  forget(): void {
    this.#found.clear();
    this.#isLearned = false;
  }

  #wanted(cells: Cells, problems: Problem[]): Wanted | undefined {
    const { by, values } = this.plan;
    const body = bodyOf(values, cells, problems);
    if (by.some(({ name }) => body[name] === undefined)) return undefined;
    const texts = keyTexts(by, body, problems);
    return texts && { texts, body };
  }

  #keyOf({ texts }: Wanted): string {
    return JSON.stringify(this.plan.ignoreCase ? texts.map(folded) : texts);
  }

  #keep(wanted: Wanted, found: Found): void {
    this.#found.set(this.#keyOf(wanted), found);
    if (this.plan.ignoreCase || this.#found.size <= NAMES_MAX) return;
    const [oldest] = this.#found.keys();
    if (oldest !== undefined) this.#found.delete(oldest);
  }

  async #find(wanted: readonly Wanted[], request: RequestContext): Promise<void> {
    const missing = this.plan.ignoreCase ? wanted : await this.#ask(wanted, request);
    if (missing.length === 0) return;
    if (!this.plan.creates) {
      for (const one of missing) this.#keep(one, this.#absent(one));
    } else if (this.#isDryRun) {
      for (const one of missing) this.#keep(one, { id: newId() });
      this.created += missing.length;
    } else await this.#create(missing, request);
  }

  #absent({ texts }: Wanted): Found {
    const { target, by } = this.plan;
    const message = `is ${quoted(texts.join(", "))}, which is none of ${target.path}`;
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
        this.#found.set(this.#keyOf({ texts, body: {} }), { id: record.id ?? "" });
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
