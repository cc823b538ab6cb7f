// How long `backwright start` takes until a request with a key is answered from the database.
import type { Organization } from "./database.ts";
import { type StartOptions, spawnContestant, untilAnswered } from "./processes.ts";

const STARTS = 5;
const PATH = "/v1/work-orders?page[size]=1";

/** Milliseconds of each start, from the call of the program to the whole reply. */
export async function measureStarts(
  options: StartOptions,
  { key }: Organization,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const began = performance.now();
    const contestant = await spawnContestant("backwright", options);
    await untilAnswered(contestant, PATH, { authorization: `Bearer ${key}` });
    times.push(performance.now() - began);
    await contestant.stop();
  }
  return times;
}
