// The property that every walk over pages has, as fast-check runs it.
import { randomInt } from "node:crypto";
import fc from "fast-check";
import type { OperationsContext } from "../../src/operations/context.ts";
import type { TestBackend } from "../support/backend.ts";
import { compare, directionOf, satisfies } from "./order-oracle.ts";
import { orderSpec, Questions, questionSpec } from "./page-questions.ts";
import { walk } from "./page-walk.ts";
import { disturb, makeWorld } from "./page-world.ts";

const scenario = fc.record({
  specs: fc.array(orderSpec, { maxLength: 60, size: "max" }),
  question: questionSpec,
  sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  turns: fc.array(fc.boolean(), { maxLength: 10 }),
  /** One row in so many moves while the walk is under way. */
  restless: fc.integer({ min: 3, max: 20 }),
  disturbances: fc.array(fc.record({ insert: orderSpec, at: fc.nat({ max: 1_000 }) }), {
    maxLength: 6,
  }),
});

/** Another seed in every run, unless BACKWRIGHT_TEST_SEED asks for an old one. */
export function walkSeed(): number {
  const given = process.env.BACKWRIGHT_TEST_SEED;
  return given === undefined ? randomInt(2 ** 31) : Number(given);
}

/**
 * Every unchanged row that satisfies the filter is met exactly once, in order, in both directions.
 * `planted` changes the product's context to plant a fault.
 */
export function pagesMeetEveryRowOnce(
  backend: TestBackend,
  planted: (context: OperationsContext) => OperationsContext = (context) => context,
) {
  const questions = new Questions(backend.project.model);
  return fc.asyncProperty(scenario, async (given) => {
    const { model } = backend.project;
    const resource = model.resources.get("workOrders");
    if (resource === undefined) throw new Error("the example serves work orders");
    const world = await makeWorld(backend, given.specs);
    const identity = { tenantId: world.tenantId, role: "manager", id: world.managerId };
    const caller = await backend.as(identity);
    const actor = await backend.authenticator.actorFor({ ...identity, credential: identity.id });
    const isRestless = (at: number): boolean => at % given.restless === 0;
    const restless = world.orders.filter((_, at) => isRestless(at));
    const rounds = [...given.disturbances];
    const question = questions.ask(given.question, world.pools);
    const direction = directionOf(question);
    const fault = await walk({
      context: planted(backend.context),
      actor,
      resource,
      question,
      satisfies: (order) => satisfies(order, question),
      compare: (a, b) => compare(a, b, direction),
      sizes: given.sizes,
      turns: given.turns,
      unchanged: world.orders.filter((_, at) => !isRestless(at)),
      disturb: async () => {
        const round = rounds.pop();
        if (round !== undefined) await disturb(caller, world, restless, round);
      },
    });
    if (fault !== undefined) throw new Error(`${JSON.stringify(question)}: ${fault}`);
  });
}
