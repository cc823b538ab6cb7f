// `Backwright-Explain: true`, in development: a reply says beside its body which grant decided, and
// of a record which conditions hold. For people who wonder why a row or a field is missing.
import type { Actor } from "../access/actor.ts";
import { BackwrightError } from "../base/errors.ts";
import type { ResourceModel } from "../model/model.ts";
import { type HttpReply, type HttpRequest, headerOf } from "../server/http.ts";

export interface ExplainQuestion {
  readonly actor: Actor;
  readonly resource: ResourceModel;
  readonly operation: string;
  /** Of the record in the address. */
  readonly id: string | undefined;
}

/** Answers in one sentence or more; never throws. */
export type Explain = (question: ExplainQuestion) => Promise<string>;

const EXPLAIN_HEADER = "backwright-explain";
const ANSWER_HEADER = "backwright-explanation";
// LIMIT: what proxies and clients take for one header.
const HEADER_CHARACTERS_MAX = 4_000;

/**
 * Runs `handle`; where it is asked for, puts the explanation into a header, and after an error also
 * among its details.
 */
export async function explained(
  request: HttpRequest,
  handle: () => Promise<HttpReply>,
  explain: () => Promise<string>,
): Promise<HttpReply> {
  if (headerOf(request, EXPLAIN_HEADER) !== "true") return handle();
  try {
    const reply = await handle();
    return {
      ...reply,
      headers: { ...reply.headers, [ANSWER_HEADER]: headerText(await explain()) },
    };
  } catch (error) {
    if (!(error instanceof BackwrightError) || error.status >= 500) throw error;
    const { message, details, cause, retryAfterSeconds } = error;
    const told = { field: "Backwright-Explain", message: await explain() };
    throw new BackwrightError(error.code, {
      message,
      details: [...details, told],
      cause,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
}

/** Headers are ASCII on one line; other letters go as in JSON. */
function headerText(text: string): string {
  return text
    .replace(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .slice(0, HEADER_CHARACTERS_MAX);
}
