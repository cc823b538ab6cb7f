// One request with everything that must, and must not, come of it.
import { deepStrictEqual, fail } from "node:assert/strict";
import type { Session } from "../database/session.ts";
import type { RequestOptions, TestActor, TestReply } from "./actor.ts";

export interface Scenario extends Omit<RequestOptions, "method"> {
  /** Undefined: a caller without a credential. */
  readonly as?: TestActor;
  /** Method and address, such as `POST /v1/boats`. */
  readonly request: string;
  readonly status: number;
  /** Texts that the reply must hold. */
  readonly contains?: readonly string[];
  /** Texts that the reply must not hold. */
  readonly lacks?: readonly string[];
  /** How many events of each type the request writes, and no others; `{}` for none. */
  readonly events?: Readonly<Record<string, number>>;
}

interface Ground {
  readonly request: (path: string, options?: RequestOptions) => Promise<TestReply>;
  readonly owner: Session;
}

/** Throws AssertionError with the reply. LIMIT: events of requests at the same time count too. */
export async function checkScenario(scenario: Scenario, ground: Ground): Promise<TestReply> {
  const [method = "", path = ""] = scenario.request.split(" ");
  if (!path.startsWith("/")) {
    throw new TypeError(`"${scenario.request}" is not a method and an address: "GET /v1/boats".`);
  }
  const { body, headers } = scenario;
  const options = {
    method,
    ...(body === undefined ? {} : { body }),
    ...(headers === undefined ? {} : { headers }),
  };
  const before = await lastEvent(ground.owner);
  const send = scenario.as?.request ?? ground.request;
  const reply = await send(path, options);
  const shown = `${scenario.request} answered ${reply.status}: ${reply.text.slice(0, 2_000)}`;
  if (reply.status !== scenario.status) fail(`${shown}\nExpected ${scenario.status}.`);
  for (const text of scenario.contains ?? []) {
    if (!reply.text.includes(text)) fail(`${shown}\nExpected it to hold "${text}".`);
  }
  for (const text of scenario.lacks ?? []) {
    if (reply.text.includes(text)) fail(`${shown}\nExpected it not to hold "${text}".`);
  }
  if (scenario.events !== undefined) {
    const message = `${scenario.request} wrote other events than expected.`;
    deepStrictEqual(await eventsAfter(ground.owner, before), { ...scenario.events }, message);
  }
  return reply;
}

async function lastEvent(owner: Session): Promise<string> {
  const [row] = await owner.query<{ position: string }>(
    "select coalesce(max(position), 0)::text as position from backwright.events",
  );
  return row?.position ?? "0";
}

async function eventsAfter(owner: Session, position: string): Promise<Record<string, number>> {
  const rows = await owner.query<{ type: string; count: number }>(
    `select type, count(*)::int as count from backwright.events
     where position > $1 group by type`,
    [position],
  );
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]));
}
