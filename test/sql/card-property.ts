// The property of every walk over lists with several sort keys, as fast-check runs it: random
// cards with many ties and nulls, while colleagues write.
import fc from "fast-check";
import { BackwrightError } from "../../src/base/errors.ts";
import { newId } from "../../src/base/ids.ts";
import type { Caller } from "../../src/operations/caller.ts";
import type { TestBackend } from "../support/backend.ts";
import { type Card, type CardQuestion, compareCards, satisfiesCard } from "./card-oracle.ts";
import { type Plant, rewriting } from "./page-plants.ts";
import { walk } from "./page-walk.ts";

const LANES = ["a", "b", "c"];
const STAGES = ["waiting", "doing", "done"];
const RANKS = [-1, 5];
const INSTANTS = ["2026-06-01T08:00:00.000000Z", "2026-06-01T08:00:00.000001Z"];

const cardSpec = fc.record({
  lane: fc.constantFrom(...LANES),
  stage: fc.constantFrom(...STAGES),
  points: fc.nat({ max: 1 }),
  rank: fc.option(fc.constantFrom(...RANKS), { freq: 2 }),
  dueAt: fc.option(fc.constantFrom(...INSTANTS), { freq: 2 }),
});
type CardSpec = Omit<Card, "id">;

type Filter = CardQuestion["filters"][number];
const values = (field: "lane" | "rank" | "stage", all: readonly (string | number)[]) => [
  ...["eq", "ne", "lt", "gte"].map((operator) =>
    fc.constantFrom(...all).map((value): Filter => ({ field, operator, value: String(value) })),
  ),
  ...["in", "nin"].map((operator) =>
    fc
      .array(fc.constantFrom(...all), { minLength: 1, maxLength: 3 })
      .map((list): Filter => ({ field, operator, value: list.join() })),
  ),
];
const nullTest = fc.constantFrom<Filter>(
  { field: "rank", operator: "isNull", value: "true" },
  { field: "rank", operator: "isNull", value: "false" },
);
const onLane = fc.oneof(...values("lane", [...LANES, "aa"]));
const onRank = fc.oneof(nullTest, ...values("rank", [...RANKS, 0]));
const fixing = <F extends "lane" | "stage">(field: F, all: readonly string[]) =>
  fc
    .tuple(
      fc.constantFrom("eq", "in", field === "stage" ? "nin" : "in"),
      fc.subarray([...all], { minLength: 1 }),
    )
    .map(([operator, list]): Filter => {
      return { field, operator, value: operator === "eq" ? (list[0] ?? "") : list.join() };
    });
const any = (one: fc.Arbitrary<Filter>) =>
  fc.option(one).map((filter) => (filter === null ? [] : [filter]));
const alone = (one: fc.Arbitrary<Filter>) => one.map((filter) => [filter]);

/** Every order that an index of cards has, with filters that it serves. */
const TEMPLATES: readonly (readonly [string, fc.Arbitrary<Filter[]>])[] = [
  ["lane,points", any(onLane)],
  ["lane,-points", any(onLane)],
  ["rank,dueAt", any(onRank)],
  ["rank,-dueAt", any(onRank)],
  ["rank", any(onRank)],
  ["lane,-rank,points,dueAt", any(onLane)],
  ["points,-id", fc.constant([])],
  ["-rank,points,dueAt", alone(fixing("lane", LANES))],
  ["stage,rank", any(fixing("stage", STAGES))],
  ["rank", alone(fixing("stage", STAGES))],
  // Two filters, of which one is tested on the rows that the other finds.
  ["rank", fc.tuple(fixing("stage", STAGES), onRank)],
];

const question: fc.Arbitrary<CardQuestion> = fc
  .tuple(fc.constantFrom(...TEMPLATES), fc.boolean())
  .chain(([[sort, filters], turned]) => {
    const keys = sort.split(",").map((key) => (key[0] === "-" ? key.slice(1) : `-${key}`));
    return filters.map((list) => ({ filters: list, sort: turned ? keys.join() : sort }));
  });

const scenario = fc.record({
  specs: fc.array(cardSpec, { maxLength: 60, size: "max" }),
  question,
  sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  turns: fc.array(fc.boolean(), { maxLength: 10 }),
  /** One row in so many moves while the walk is under way. */
  restless: fc.integer({ min: 3, max: 20 }),
  disturbances: fc.array(fc.record({ insert: cardSpec, at: fc.nat({ max: 1_000 }) }), {
    maxLength: 6,
  }),
});

const FILL = `
insert into cards (organization_id, id, title, lane, stage, points, rank, due_at)
select $1, id, 'Walked', lane, stage, points, rank, "dueAt"
from json_to_recordset($2::json) as c(id uuid, lane text, stage text, points integer,
  rank integer, "dueAt" timestamptz)`;

/** Every unchanged card of the list is met exactly once, in order, in both directions. */
export function cardPagesMeetEveryRowOnce(
  backend: TestBackend,
  planted: Plant = (context) => context,
) {
  return fc.asyncProperty(scenario, async (given) => {
    const resource = backend.project.model.resources.get("cards");
    if (resource === undefined) throw new Error("the fixture serves cards");
    const tenantId = await backend.tenant("Walk");
    const cards: Card[] = given.specs.map((spec) => ({ ...spec, id: newId() }));
    await backend.owner.query(FILL, [tenantId, JSON.stringify(cards)]);
    const identity = { tenantId, role: "manager", id: newId() };
    const caller = await backend.as(identity);
    const rounds = [...given.disturbances];
    const isRestless = (at: number): boolean => at % given.restless === 0;
    const restless = cards.filter((_, at) => isRestless(at));
    const fault = await walk({
      context: planted(backend.context),
      actor: await backend.authenticator.actorFor({ ...identity, credential: identity.id }),
      resource,
      question: given.question,
      satisfies: (card) => satisfiesCard(card, given.question),
      compare: (a, b) => compareCards(a, b, given.question.sort),
      sizes: given.sizes,
      turns: given.turns,
      unchanged: cards.filter((_, at) => !isRestless(at)),
      disturb: async () => {
        const round = rounds.pop();
        if (round === undefined) return;
        await disturb(caller, cards, restless, round.insert, round.at);
      },
    });
    if (fault !== undefined) throw new Error(`${JSON.stringify(given.question)}: ${fault}`);
  });
}

async function disturb(
  caller: Caller,
  cards: readonly Card[],
  restless: readonly Card[],
  spec: CardSpec,
  at: number,
): Promise<void> {
  const touched = cards[at % Math.max(1, cards.length)];
  const moved = restless[at % Math.max(1, restless.length)];
  await Promise.all([
    caller.create("cards", { title: "New", ...spec }),
    touched && caller.update("cards", touched.id, { title: `Touched ${at}` }),
    moved && caller.update("cards", moved.id, { ...spec }).catch(allowRefusedMove),
  ]);
}

function allowRefusedMove(error: unknown): void {
  if (!(error instanceof BackwrightError) || error.code !== "INVALID_TRANSITION") throw error;
}

const IS_NULL_RUN = /(w\."(?:rank|due_at)" is null)( order by)/g;

/** Faults that a keyset of several keys could have; the walks must find each of them. */
export const CARD_PLANTS: Readonly<Record<string, Plant>> = {
  "no run for the nulls of a key": rewriting((text) =>
    text.replace(IS_NULL_RUN, "$1 and w.id is null$2"),
  ),
  "no run for the ties of the first key": rewriting((text) =>
    text.replace(/w\."(?:lane|rank)" = (\$\d+)::\w+ and/g, "$& $1 is null and"),
  ),
  "a second key that goes the way of the first": rewriting((text) =>
    text.replace(/\(w\."points", w\."id"\) </g, '(w."points", w."id") >'),
  ),
  "a gap that holds its upper value": rewriting((text) =>
    text.replaceAll(" < g.high", " <= g.high"),
  ),
  "no rows above the values left out": rewriting((text) =>
    text.replace(/> (\(select u from .* order by u desc limit 1\))/g, "> $1 and w.id is null"),
  ),
  "the runs in the wrong order": rewriting((text) =>
    text.replace("order by w.page_run", "order by w.page_run desc"),
  ),
};
