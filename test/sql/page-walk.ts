// Walks a list page by page, forwards, backwards and turning round, while others write, and says
// what is wrong with any page against the oracle.
import type { Actor } from "../../src/access/actor.ts";
import type { ResourceModel } from "../../src/model/model.ts";
import type { OperationsContext } from "../../src/operations/context.ts";
import type { ListQuery } from "../../src/operations/parse-list.ts";
import { type ListReply, listRecords } from "../../src/operations/read.ts";
import { requestOf } from "./captured.ts";

/** A row of the list as the API shows it. */
interface Listed {
  readonly id: string;
}

export interface Walk<R extends Listed> {
  readonly context: OperationsContext;
  readonly actor: Actor;
  readonly resource: ResourceModel;
  readonly question: ListQuery;
  /** The oracle: which rows belong to the list, and in which order they stand. */
  readonly satisfies: (row: R) => boolean;
  readonly compare: (a: R, b: R) => number;
  /** Page sizes, used in turn. */
  readonly sizes: readonly number[];
  /** Which way to go after each page of the wandering part; true is forwards. */
  readonly turns: readonly boolean[];
  /** Rows that nobody changes in a way that the list could see, in any order. */
  readonly unchanged: readonly R[];
  /** What others do while a page is being read. */
  readonly disturb: () => Promise<void>;
}

interface Page<R> {
  readonly orders: readonly R[];
  readonly reply: ListReply;
}

interface Cursor<R> {
  readonly text: string;
  readonly row: R;
  readonly before: boolean;
}

// A walk that goes in a circle must end too.
const PAGES_MAX = 300;

/** The first thing that is wrong, or undefined for a walk without fault. */
export async function walk<R extends Listed>(options: Walk<R>): Promise<string | undefined> {
  return new Walker(options).run();
}

class Walker<R extends Listed> {
  readonly #walk: Walk<R>;
  /** The unchanged rows of the list, in its order. */
  readonly #expected: readonly R[];
  readonly #expectedIds: ReadonlySet<string>;
  #pages = 0;

  constructor(options: Walk<R>) {
    this.#walk = options;
    this.#expected = options.unchanged.filter(options.satisfies).sort(options.compare);
    this.#expectedIds = new Set(this.#expected.map(({ id }) => id));
  }

  async run(): Promise<string | undefined> {
    try {
      await this.#wander();
      const last = await this.#wholeWay(undefined, true);
      if (last !== undefined) await this.#wholeWay(last, false);
      return undefined;
    } catch (error) {
      if (error instanceof WalkFault) return error.message;
      throw error;
    }
  }

  async #wander(): Promise<void> {
    let page = await this.#read(undefined);
    for (const forwards of this.#walk.turns) {
      const cursor = this.#cursorOf(page, forwards) ?? this.#cursorOf(page, !forwards);
      if (cursor === undefined) return;
      page = await this.#read(cursor);
    }
  }

  /** Reads on to the end, and returns the cursor that leads back from there. */
  async #wholeWay(start: Cursor<R> | undefined, forwards: boolean): Promise<Cursor<R> | undefined> {
    const met = new Map<string, number>();
    let cursor = start;
    let back: Cursor<R> | undefined;
    do {
      const page = await this.#read(cursor);
      for (const { id } of page.orders) met.set(id, (met.get(id) ?? 0) + 1);
      back = this.#cursorOf(page, !forwards) ?? back;
      cursor = this.#cursorOf(page, forwards);
    } while (cursor !== undefined);
    const due = start === undefined ? this.#expected : this.#beyond(start);
    for (const { id } of due) {
      const times = met.get(id) ?? 0;
      if (times !== 1) fault(`met ${id} ${times} times on the way ${way(forwards)}`);
    }
    return back;
  }

  #cursorOf({ orders, reply }: Page<R>, forwards: boolean): Cursor<R> | undefined {
    const text = forwards ? reply.next : reply.prev;
    const row = forwards ? orders.at(-1) : orders[0];
    return text === null || row === undefined ? undefined : { text, row, before: !forwards };
  }

  /** The unchanged rows on the far side of a cursor, in the list's order. */
  #beyond(cursor: Cursor<R> | undefined): readonly R[] {
    if (cursor === undefined) return this.#expected;
    const side = cursor.before ? -1 : 1;
    return this.#expected.filter(
      (order) => Math.sign(this.#walk.compare(order, cursor.row)) === side,
    );
  }

  async #read(cursor: Cursor<R> | undefined): Promise<Page<R>> {
    const { context, actor, resource, question, sizes, disturb } = this.#walk;
    this.#pages += 1;
    if (this.#pages > PAGES_MAX) fault(`no end after ${PAGES_MAX} pages`);
    const size = sizes[this.#pages % sizes.length] ?? 25;
    const at = cursor && { [cursor.before ? "before" : "after"]: cursor.text };
    const query = { ...question, ...at, size: String(size) };
    const [reply] = await Promise.all([
      listRecords(context, requestOf(actor), resource, query),
      disturb(),
    ]);
    const orders = reply.records.map((json) => JSON.parse(json) as R);
    const page = { orders, reply };
    this.#check(page, cursor, size);
    return page;
  }

  #check({ orders, reply }: Page<R>, cursor: Cursor<R> | undefined, size: number): void {
    const place = cursor === undefined ? "the first page" : `a page ${way(!cursor.before)}`;
    const wrong = orders.find((order) => !this.#walk.satisfies(order));
    if (wrong !== undefined) fault(`${place} holds a row that the filter excludes: ${wrong.id}`);
    const rows =
      cursor === undefined
        ? orders
        : cursor.before
          ? [...orders, cursor.row]
          : [cursor.row, ...orders];
    for (const [at, order] of rows.entries()) {
      const next = rows[at + 1];
      if (next !== undefined && this.#walk.compare(order, next) >= 0) {
        fault(`${place} holds ${next.id} not after ${order.id}`);
      }
    }
    const beyond = this.#beyond(cursor);
    const got = orders.filter(({ id }) => this.#expectedIds.has(id)).map(({ id }) => id);
    const due = (cursor?.before === true ? beyond.slice(-got.length || beyond.length) : beyond)
      .slice(0, got.length)
      .map(({ id }) => id);
    if (got.join() !== due.join()) fault(`${place} holds ${got} instead of ${due}`);
    if (reply.hasMore) {
      if (orders.length !== size) fault(`${place} has ${orders.length} of ${size} rows, and more`);
    } else if (got.length !== beyond.length) {
      fault(`${place} says that it is the last and misses ${beyond.length - got.length} rows`);
    }
    this.#checkLinks({ orders, reply }, cursor, place);
  }

  #checkLinks({ orders, reply }: Page<R>, cursor: Cursor<R> | undefined, place: string): void {
    if (orders.length === 0) return;
    const backwards = cursor?.before === true;
    const onwards = backwards ? reply.prev : reply.next;
    const back = backwards ? reply.next : reply.prev;
    if ((onwards !== null) !== reply.hasMore) fault(`${place}: hasMore and the link disagree`);
    if ((back !== null) !== (cursor !== undefined)) fault(`${place}: the way back is wrong`);
  }
}

const way = (forwards: boolean): string => (forwards ? "forwards" : "backwards");

class WalkFault extends Error {}

function fault(message: string): never {
  throw new WalkFault(message);
}
