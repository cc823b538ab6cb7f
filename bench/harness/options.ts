// The arguments of the program.
import { parseArgs } from "node:util";
import { CONTESTANTS, type ContestantName } from "./processes.ts";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";

export interface Options {
  readonly scenarios: readonly ScenarioName[];
  readonly contestants: readonly ContestantName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Too short to prove anything: printed, not written down. */
  readonly quick: boolean;
  /** Fill the database anew. */
  readonly fresh: boolean;
  /** Profile instead of measuring. */
  readonly profile: boolean;
  /** Compare the load generator with autocannon instead of measuring. */
  readonly crossCheck: boolean;
}

// At 1,000 requests a second V8 still compiles after ten seconds; less code is warm sooner.
const WARM_UP_SECONDS = 15;

export const HELP = `npm run bench -- [options]

  --scenarios a,b,d,e,c    which to run; always in this order
  --contestants one,two    of ${CONTESTANTS.join(", ")}
  --rounds 7               rounds, in each of which every contestant has one turn
  --seconds 5              seconds of a turn
  --quick                  2 rounds of 2 seconds: shows that it works; writes no result
  --profile                CPU profile of the contestants (by default of backwright) instead
  --cross-check            compare the load generator with autocannon on (a) instead
  --fresh                  fill the database anew
`;

/** Undefined: help was asked for. Throws for what is not an option. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenarios: { type: "string", default: SCENARIOS.join() },
      contestants: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      "cross-check": { type: "boolean", default: false },
      fresh: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const { quick, profile, fresh } = values;
  const contestants = values.contestants ?? (profile ? "backwright" : CONTESTANTS.join());
  return {
    scenarios: chosen(values.scenarios, SCENARIOS),
    contestants: chosen(contestants, CONTESTANTS),
    rounds: positive("rounds", values.rounds ?? (quick ? "2" : "7")),
    seconds: positive("seconds", values.seconds ?? (quick ? "2" : "5")),
    warmUpSeconds: quick ? 2 : WARM_UP_SECONDS,
    quick,
    fresh,
    profile,
    crossCheck: values["cross-check"],
  };
}

function chosen<T extends string>(text: string, known: readonly T[]): readonly T[] {
  const wanted = text.split(",");
  const unknown = wanted.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`"${unknown}" is none of ${known.join(", ")}.`);
  return known.filter((one) => wanted.includes(one));
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`--${name} must be a number above 0.`);
}
