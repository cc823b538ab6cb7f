// Proves before anything is measured that the contestants answer alike: a faster reply with less in
// it would win for nothing.
import { isDeepStrictEqual } from "node:util";
import type { PreparedRequest } from "../load/requests.ts";
import { type Contestant, cutsInstants } from "./processes.ts";
import type { Scenario } from "./scenarios.ts";

const CHECKED = 40;
// What every create makes anew, replaced by its form.
const MADE = /"(id|reportedAt|createdAt|updatedAt)":"([^"]*)"/g;
const FORMS = [
  [/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/, "uuid"],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\d{3})?Z$/, "instant"],
] as const;

/** Throws with the two replies when one contestant answers otherwise than the first. */
export async function checkEquality(
  contestants: readonly Contestant[],
  scenarios: readonly Scenario[],
): Promise<void> {
  const [first, ...others] = contestants.filter(({ name }) => name !== "hello");
  if (first === undefined) return;
  for (const scenario of scenarios.filter(({ isOwn }) => isOwn !== true)) {
    for (const request of scenario.requests.slice(0, CHECKED)) {
      const expected = await ask(first, request);
      if (scenario.name === "b") requireFullPage(expected);
      for (const other of others) {
        const found = await ask(other, request);
        const wanted = cutsInstants(other.name) ? cut(expected) : expected;
        if (isDeepStrictEqual(found, wanted)) continue;
        throw new Error(
          `${other.name} answers otherwise than ${first.name} to ${request.path}:\n` +
            `${JSON.stringify(wanted)}\n${JSON.stringify(found)}`,
        );
      }
    }
  }
}

async function ask(contestant: Contestant, request: PreparedRequest): Promise<unknown> {
  const { method, path, headers, body } = request;
  const writing = { "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
  const reply = await fetch(`http://127.0.0.1:${contestant.port}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : writing) },
    ...(body === undefined ? {} : { body }),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${contestant.name} answers ${reply.status} to ${path}: ${text}`);
  const made = text.replace(MADE, formOf).replace(/"number":\d+/, '"number":"number"');
  const shown = method === "POST" ? made : text;
  const json = JSON.parse(shown) as { meta?: { pagination: { next: string | null } } };
  // Cursors differ: only Backwright signs them.
  if (json.meta?.pagination.next != null) json.meta.pagination.next = "cursor";
  return { status: reply.status, type: reply.headers.get("content-type"), json };
}

/** A reply with its instants in milliseconds. */
function cut(reply: unknown): unknown {
  const text = JSON.stringify(reply);
  return JSON.parse(text.replace(/(T\d\d:\d\d:\d\d\.\d{3})\d{3}Z"/g, '$1Z"'));
}

function formOf(_match: string, field: string, value: string): string {
  const form = FORMS.find(([pattern]) => pattern.test(value))?.[1] ?? value;
  return `"${field}":"${form}"`;
}

function requireFullPage(reply: unknown): void {
  const text = JSON.stringify(reply);
  const { json } = JSON.parse(text) as { json: { data: { asset: unknown; assignee: unknown }[] } };
  if (json.data.length !== 25) throw new Error(`A page has ${json.data.length} rows, not 25.`);
  if (!json.data.some(({ asset, assignee }) => asset !== null && assignee !== null)) {
    throw new Error("A page has no row with both relations.");
  }
}
