// Groups of conditions as fast-check asks for them: random trees of and, or, not over random cards.
// The judge is SQL of its own, written from the same tree with PostgreSQL's own `not` and `or`, and
// shares no code with the product.
import fc from "fast-check";
import type { Actor } from "../../src/access/actor.ts";
import { BackwrightError } from "../../src/base/errors.ts";
import { newId } from "../../src/base/ids.ts";
import { queryString } from "../../src/client/query.ts";
import type { ResourceModel } from "../../src/model/model.ts";
import type { OperationsContext } from "../../src/operations/context.ts";
import { type ListReply, listRecords } from "../../src/operations/read.ts";
import { parseListQuery } from "../../src/rest/query.ts";
import type { TestBackend } from "../support/backend.ts";
import { requestOf } from "./captured.ts";
import { type Plant, rewriting } from "./page-plants.ts";

const LANES = ["a", "b", "c"];
const STAGES = ["waiting", "doing", "done"];
const RANKS = [-1, 5];
const INSTANTS = ["2026-06-01T08:00:00.000000Z", "2026-06-01T08:00:00.000001Z"];

interface Test {
  readonly field: string;
  readonly operator: string;
  readonly value: string | number | boolean | readonly (string | number)[];
}
/** One group as the client takes it, and as SQL. */
interface Tree {
  readonly filter: Readonly<Record<string, unknown>>;
  readonly sql: string;
}

const OPERATOR: Readonly<Record<string, string>> = {
  eq: "=",
  ne: "<>",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
};
const COLUMN: Readonly<Record<string, string>> = { dueAt: "due_at", isPublic: "is_public" };
const literal = (value: unknown): string =>
  typeof value === "string" ? `'${value}'` : String(value);

function testSql(column: string, { operator, value }: Test): string {
  if (operator === "isNull") return `${column} is ${value === true ? "" : "not "}null`;
  if (operator === "in" || operator === "nin") {
    const list = (value as readonly unknown[]).map(literal).join(", ");
    return `${column} ${operator === "in" ? "in" : "not in"} (${list})`;
  }
  return `${column} ${OPERATOR[operator]} ${literal(value)}`;
}

// Members see public boards alone.
function sqlOf(test: Test): string {
  const [first = "", second] = test.field.split(".");
  if (second === undefined) return `(${testSql(`c.${COLUMN[first] ?? first}`, test)})`;
  const inner = testSql(`b.${COLUMN[second] ?? second}`, test);
  return (
    "exists (select from boards b where b.organization_id = c.organization_id " +
    `and b.id = c.board_id and b.is_public and ${inner})`
  );
}

const one = (field: string, operators: readonly string[], values: readonly (string | number)[]) =>
  fc
    .tuple(fc.constantFrom(...operators), fc.constantFrom(...values))
    .map(([operator, value]): Test => ({ field, operator, value }));
const list = (field: string, operators: readonly string[], values: readonly (string | number)[]) =>
  fc
    .tuple(
      fc.constantFrom(...operators),
      fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }),
    )
    .map(([operator, value]): Test => ({ field, operator, value }));
const nullTest = (field: string) =>
  fc.boolean().map((value): Test => ({ field, operator: "isNull", value }));

const COMPARISONS = Object.keys(OPERATOR);
const onRank = fc.oneof(
  one("rank", COMPARISONS, [...RANKS, 0]),
  list("rank", ["in", "nin"], [...RANKS, 0]),
  nullTest("rank"),
);
const onLane = fc.oneof(
  one("lane", COMPARISONS, [...LANES, "aa"]),
  list("lane", ["in", "nin"], LANES),
);
const laneFixed = fc.oneof(one("lane", ["eq"], LANES), list("lane", ["in"], LANES));
const onStage = fc.oneof(one("stage", ["eq", "ne"], STAGES), list("stage", ["in", "nin"], STAGES));
const onBoard = fc.oneof(
  one("board.name", ["eq", "ne"], ["open", "closed"]),
  fc.constant<Test>({ field: "board.name", operator: "isNull", value: false }),
);

/** A sort and the tests that an index serves next to it, alone or beside another. */
const TEMPLATES: readonly (readonly [string, readonly fc.Arbitrary<Test>[]])[] = [
  ["rank", [onRank, onRank, onStage, onBoard]],
  ["-rank,-dueAt", [onRank]],
  ["rank,-dueAt", [onRank, onBoard]],
  ["lane,points", [onLane, onLane, onBoard]],
  ["-lane,points", [onLane]],
  ["id", [laneFixed, laneFixed, onBoard]],
  ["-id", [laneFixed, onBoard]],
];

const treeOf = (tests: readonly fc.Arbitrary<Test>[]) =>
  fc.letrec<{ tree: Tree; leaf: Tree; group: Tree }>((tie) => ({
    leaf: fc.oneof(...tests).map((test) => ({
      filter: { [test.field]: { [test.operator]: test.value } },
      sql: sqlOf(test),
    })),
    group: fc
      .tuple(
        fc.constantFrom("and", "or", "or", "not"),
        fc.array(tie("tree"), { minLength: 1, maxLength: 3, depthIdentifier: "group" }),
      )
      .map(([word, parts]) => groupOf(word, parts)),
    tree: fc.oneof(
      { maxDepth: 2, depthIdentifier: "group", withCrossShrink: true },
      { weight: 2, arbitrary: tie("leaf") },
      { weight: 2, arbitrary: tie("group") },
    ),
  })).tree;

function groupOf(word: string, parts: readonly Tree[]): Tree {
  const filters = parts.map(({ filter }) => filter);
  const joined = (by: string): string => parts.map(({ sql }) => sql).join(` ${by} `);
  const [only] = filters;
  if (word === "not") {
    const filter = parts.length === 1 && only !== undefined ? only : { and: filters };
    return { filter: { not: filter }, sql: `not (${joined("and")})` };
  }
  return { filter: { [word]: filters }, sql: `(${joined(word)})` };
}

/** Side by side in the query string, where no word is named by both. */
function joinedTree(trees: readonly Tree[]): Tree {
  const names = trees.flatMap(({ filter }) => Object.keys(filter));
  if (new Set(names).size < names.length) return groupOf("and", trees);
  const filter = Object.assign({}, ...trees.map((tree) => tree.filter)) as Tree["filter"];
  return { filter, sql: trees.map(({ sql }) => sql).join(" and ") };
}

const cardSpec = fc.record({
  lane: fc.constantFrom(...LANES),
  stage: fc.constantFrom(...STAGES),
  points: fc.nat({ max: 1 }),
  rank: fc.option(fc.constantFrom(...RANKS), { freq: 2 }),
  dueAt: fc.option(fc.constantFrom(...INSTANTS), { freq: 2 }),
  board: fc.option(fc.nat({ max: 1 }), { freq: 2 }),
});

const question = fc.constantFrom(...TEMPLATES).chain(([sort, tests]) =>
  fc.record({
    sort: fc.constant(sort),
    trees: fc.array(treeOf(tests), { minLength: 1, maxLength: 2 }),
  }),
);

const scenario = fc.record({
  specs: fc.array(cardSpec, { maxLength: 40, size: "max" }),
  questions: fc.array(question, { minLength: 4, maxLength: 4 }),
  size: fc.integer({ min: 1, max: 9 }),
  offset: fc.nat({ max: 12 }),
});

const FILL = `
insert into cards (organization_id, id, title, lane, stage, points, rank, due_at, board_id)
select $1, id, 'Grouped', lane, stage, points, rank, "dueAt", board
from json_to_recordset($2::json) as c(id uuid, lane text, stage text, points integer,
  rank integer, "dueAt" timestamptz, board uuid)`;

/** NULL is smallest; the id goes on in the direction of the last key. */
function orderSql(sort: string): string {
  const keys = sort.split(",");
  const parts = keys.map((key) => {
    const descending = key.startsWith("-");
    const name = key.replace("-", "");
    return `c.${COLUMN[name] ?? name} ${descending ? "desc nulls last" : "asc nulls first"}`;
  });
  return [...parts, `c.id ${keys.at(-1)?.startsWith("-") === true ? "desc" : "asc"}`].join(", ");
}

export interface Tally {
  served: number;
  refused: number;
  groups: number;
}

/** Every page of every list that is served is what plain SQL says, walked in both directions. */
export function groupsMeanWhatSqlSays(
  backend: TestBackend,
  tally: Tally,
  planted: Plant = (context) => context,
) {
  const cards = backend.project.model.resources.get("cards");
  if (cards === undefined) throw new Error("the fixture serves cards");
  const context = planted(backend.context);
  return fc.asyncProperty(scenario, async ({ specs, questions, size, offset }) => {
    const tenantId = await backend.tenant("Groups");
    const boards = [newId(), newId()];
    await backend.owner.query(
      `insert into boards (organization_id, id, name, is_public)
       values ($1, $2, 'open', true), ($1, $3, 'closed', false)`,
      [tenantId, ...boards],
    );
    const rows = specs.map((spec) => ({
      ...spec,
      id: newId(),
      board: spec.board === null ? null : boards[spec.board],
    }));
    await backend.owner.query(FILL, [tenantId, JSON.stringify(rows)]);
    const id = newId();
    const identity = { tenantId, role: "member", id, credential: id };
    const actor = await backend.authenticator.actorFor(identity);
    for (const { sort, trees } of questions) {
      const tree = joinedTree(trees);
      const walked = new Walk({ context, actor, cards, filter: tree.filter, sort, size });
      const first = await walked.page({ count: "exact" });
      if (first === undefined) {
        tally.refused += 1;
        continue;
      }
      tally.served += 1;
      if (/\b(or|not)\b/.test(JSON.stringify(tree.filter))) tally.groups += 1;
      const found = await backend.owner.query<{ id: string }>(
        `select c.id::text from cards c where c.organization_id = $1 and ${tree.sql}
         order by ${orderSql(sort)}`,
        [tenantId],
      );
      await walked.check(
        found.map((row) => row.id),
        offset,
        tree.sql,
      );
    }
  });
}

interface ListPage extends Pick<ListReply, "next" | "prev" | "total"> {
  readonly ids: readonly string[];
}

interface Walked {
  readonly context: OperationsContext;
  readonly actor: Actor;
  readonly cards: ResourceModel;
  readonly filter: object;
  readonly sort: string;
  readonly size: number;
}

class Walk {
  readonly #walked: Walked;

  constructor(walked: Walked) {
    this.#walked = walked;
  }

  /** Undefined where no index serves the list, or it is larger than a bound. */
  async page(at: object): Promise<ListPage | undefined> {
    const { context, actor, cards, filter, sort, size } = this.#walked;
    const text = queryString({ filter, sort, page: { size, ...at } }).slice(1);
    try {
      const query = parseListQuery(text);
      const reply = await listRecords(context, requestOf(actor), cards, query);
      const ids = reply.records.map((json) => (JSON.parse(json) as { id: string }).id);
      return { ids, ...reply };
    } catch (error) {
      if (!(error instanceof BackwrightError)) throw error;
      if (/No index serves|Not valid: filter|combine to/.test(error.message)) return undefined;
      throw new Error(text, { cause: error });
    }
  }

  async check(expected: readonly string[], offset: number, about: string): Promise<void> {
    const wrong = (what: string, got: readonly string[]): never => {
      const { sort } = this.#walked;
      throw new Error(`${what} of ${about} sort ${sort}: ${got.join()} not ${expected.join()}`);
    };
    const there: string[] = [];
    let page = await this.page({ count: "exact" });
    if (page?.total?.total !== expected.length) wrong(`total ${page?.total?.total}`, []);
    let last = page;
    for (let pages = 0; page !== undefined; pages += 1) {
      if (pages > 60) wrong("no end", there);
      there.push(...page.ids);
      last = page;
      page = page.next === null ? undefined : await this.page({ after: page.next });
    }
    if (there.join() !== expected.join()) wrong("the walk there", there);
    const back = [...(last?.ids ?? [])];
    for (let at = last?.prev ?? null; at !== null; ) {
      const before = await this.page({ before: at });
      back.unshift(...(before?.ids ?? []));
      at = before?.prev ?? null;
    }
    if (back.join() !== expected.join()) wrong("the walk back", back);
    const far = await this.page({ offset });
    const due = expected.slice(offset, offset + this.#walked.size);
    if (far?.ids.join() !== due.join()) wrong(`the page at ${offset}`, far?.ids ?? []);
  }
}

/** Faults that a union of alternatives could have; the walks must find each of them. */
export const GROUP_PLANTS: Readonly<Record<string, Plant>> = {
  "a row once for each alternative": rewriting((text) =>
    text.replace(/select distinct on \([^)]*\) /, "select "),
  ),
  "an alternative left out": rewriting((text) =>
    text.replace(" union all select * from arm1_run0", ""),
  ),
  "a negated relation taken for the relation": rewriting((text) =>
    text.replaceAll("not exists", "exists"),
  ),
  "alternatives one after the other": rewriting((text) =>
    text.replace(
      /(distinct on \(w\."rank", w\."id"\) .* )order by w\."rank" asc/,
      "$1order by w.rank desc",
    ),
  ),
};
