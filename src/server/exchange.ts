// Sees every exchange of a route before its reply leaves: for checks that only development makes.
// A reply that an observer objects to does not leave at all; the caller gets INTERNAL.
import type { FastifyInstance } from "fastify";
import { BackwrightError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { errorBody } from "./errors.ts";

/** One request and the reply that is about to be sent. */
export interface Exchange {
  readonly method: string;
  /** The route's path with parameters as `:id`; empty where there is no such address. */
  readonly route: string;
  /** The address as it was asked for, with its query. */
  readonly url: string;
  /** Parsed JSON; undefined where the request has none. */
  readonly requestBody: unknown;
  /** What the face noted: operation, tenant, role. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly contentType: string;
  /** Empty for a reply without a body. */
  readonly body: string;
}

/** Returns what is wrong with the reply; nothing where it may leave. */
export type ExchangeObserver = (exchange: Exchange) => readonly string[];

export const BROKEN_CONTRACT = "a reply breaks its contract";

/** Streams pass unseen: an observer is given whole replies alone. */
export function addObserver(app: FastifyInstance, observe: ExchangeObserver, log: Log): void {
  app.addHook("onSend", async (request, reply, payload) => {
    if (payload != null && typeof payload !== "string") return payload;
    const { url: route = "" } = request.routeOptions;
    const { facts = {} } = request as unknown as { facts?: Record<string, unknown> };
    const { method, url } = request;
    const exchange: Exchange = {
      ...{ method, route, url, facts, requestBody: request.body, body: payload ?? "" },
      status: reply.statusCode,
      contentType: String(reply.getHeader("content-type") ?? ""),
    };
    const problems = observe(exchange);
    if (problems.length === 0) return payload;
    const { status } = exchange;
    log.error({ requestId: request.id, method, route, url, status, problems }, BROKEN_CONTRACT);
    for (const name of ["etag", "location", "last-modified"]) reply.removeHeader(name);
    reply.code(500).headers({
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
    });
    return errorBody(new BackwrightError("INTERNAL"), request.id);
  });
}
