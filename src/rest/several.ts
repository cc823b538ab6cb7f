// REST for requests that write several records: bulk and batch, from HTTP to operations and back.
import { runBatch } from "../operations/batch.ts";
import { type BulkVerb, bulkWrite, type SeveralReply } from "../operations/bulk.ts";
import type { OperationsContext, RequestContext } from "../operations/context.ts";
import { isDone, outcomeJson } from "../operations/outcomes.ts";
import { type HttpReply, type HttpRequest, headerOf } from "../server/http.ts";
import { type Recipient, refuseConditions, refuseQuery } from "./record-exchange.ts";

export const BULK_VERBS: readonly BulkVerb[] = ["create", "update", "delete"];

/** 200 whatever became of the records: each says so itself. */
export async function bulk(
  { context, resource, request, facts }: Recipient,
  verb: BulkVerb,
): Promise<HttpReply> {
  refuseQuery(request);
  refuseConditions(request, []);
  const idempotencyKey = headerOf(request, "idempotency-key");
  const input = { body: request.body, idempotencyKey };
  const reply = await bulkWrite(context, facts, resource, verb, input);
  const { outcomes } = reply;
  const data = outcomes.map((outcome, index) => outcomeJson(outcome, `"index":${index},`));
  const succeeded = outcomes.filter(isDone).length;
  const counts = { succeeded, failed: outcomes.length - succeeded };
  const meta = JSON.stringify({ bulk: counts });
  return several(request, reply, `{"data":[${data.join(",")}],"meta":${meta}}`);
}

/** 200 where every operation was done; else the error of the first that was not. */
export async function batch(
  context: OperationsContext,
  request: HttpRequest,
  facts: RequestContext,
  only: ReadonlySet<string> | undefined,
): Promise<HttpReply> {
  refuseQuery(request);
  refuseConditions(request, []);
  const idempotencyKey = headerOf(request, "idempotency-key");
  const reply = await runBatch(context, facts, { body: request.body, idempotencyKey, only });
  const data = reply.outcomes.map((outcome) => outcomeJson(outcome));
  return several(request, reply, `{"data":[${data.join(",")}]}`);
}

function several(
  request: HttpRequest,
  { outcomes, replayed }: SeveralReply,
  body: string,
): HttpReply {
  request.facts.rows = replayed ? 0 : outcomes.filter(isDone).length;
  const headers = { "cache-control": "no-store" };
  const again = replayed ? { "idempotency-replayed": "true" } : {};
  return { status: 200, body, headers: { ...headers, ...again } };
}
