// The HTTP kernel: limits, request ids, security headers, the error envelope, health, readiness and
// a drain that finishes what is in flight. Knows no resource; faces give it routes.
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import compress from "@fastify/compress";
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { monotonicMs } from "../base/clock.ts";
import { BackwrightError, type ErrorCode } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { RequestLimits } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { Connections } from "./connections.ts";
import {
  asksForProblem,
  asPublicError,
  errorBody,
  errorHeaders,
  PROBLEM_TYPE,
  problemBody,
} from "./errors.ts";
import { addObserver, type ExchangeObserver } from "./exchange.ts";
import type { HttpReply, HttpRequest, Route } from "./http.ts";
import { checkMediaType, parseJsonBody } from "./json-body.ts";

export interface Readiness {
  readonly ready: boolean;
  /** Why not, in a word that may be public. */
  readonly reason?: string;
}

export interface ServerOptions {
  readonly limits: RequestLimits;
  /** Origins whose pages may call; none unless given. */
  readonly corsOrigins?: readonly string[];
  readonly log: Log;
  readonly routes: readonly Route[];
  /** Answers /ready. Undefined where another server asks: no /health and no /ready then. */
  readonly readiness?: () => Readiness;
  /** Sees every exchange; development only. */
  readonly observe?: ExchangeObserver | undefined;
}

/** The application that answers requests, however they come in. */
export interface Kernel {
  readonly app: FastifyInstance;
  /** From now on /ready says no, and replies ask for a new connection. */
  startDraining(): void;
}

export interface Server {
  /** Resolves with the port. Throws the system's error when it is taken. */
  listen(host: string, port: number): Promise<number>;
  /**
   * Is not ready any more, but goes on serving for `delayMs` milliseconds (none unless given), so
   * that load balancers see it first. Then finishes what is in flight, `graceMs` after the start
   * of it all at most, and cuts the rest.
   */
  drain(graceMs: number, delayMs?: number): Promise<void>;
}

export const JSON_TYPE = "application/json; charset=utf-8";
// LIMIT: below this a compressed reply is hardly smaller and always later.
const COMPRESS_BYTES_MIN = 1_400;
const CORS_SECONDS = 600;
const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;
const CLOSE_IDLE_MS = 50;
const LINGER_MS = 1_000;

interface Facts {
  facts: Record<string, unknown>;
  startedMs: number;
}

/** What answers is the same behind a port of its own and inside another server. */
export async function createKernel(options: ServerOptions): Promise<Kernel> {
  const { limits, log, readiness } = options;
  const headers = await securityHeaders();
  const connections = new Connections();
  let isDraining = false;
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMsMax,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: false,
    return503OnClosing: false, // A request on an open connection is answered, then it is closed.
    trustProxy: false,
    requestIdHeader: false,
    genReqId: requestId,
    routerOptions: { maxParamLength: 256, querystringParser: (text) => ({ text }) },
    http: {
      maxHeaderSize: limits.headerBytesMax,
      requireHostHeader: false, // checkFraming asks for it: Node's own refusal has no envelope.
      // Node exchanges the two where headersTimeout (60 s by itself) is the longer one, and looks
      // only every 30 s by itself: bodies would have 90 s to come.
      headersTimeout: limits.requestMsMax,
      connectionsCheckingInterval: Math.ceil(limits.requestMsMax / 10),
    },
    clientErrorHandler: (error, socket) => {
      if (!connections.breakOff(socket)) return;
      const code = BROKEN_CODES[error.code ?? ""] ?? "REQUEST_INVALID";
      answerBroken(new BackwrightError(code), socket, connections.accepted(socket), log);
    },
    frameworkErrors: (error, request, reply) => {
      // No hook runs for an address that the router cannot read.
      reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
      const { code: errorCode, status } = asPublicError(error);
      log.info({ requestId: request.id, method: request.method, status, errorCode }, "request");
      return sendError(error, request, reply, log);
    },
  });
  // Node's own 417 has no envelope either, and would leave the connection open.
  app.server.on("checkExpectation", (request, reply) => app.server.emit("request", request, reply));
  // Without a listener Node would cut the connection without a word.
  app.server.on("connect", ({ headers }, socket) => {
    answerBroken(new BackwrightError("METHOD_NOT_ALLOWED"), socket, headers.accept, log);
  });
  await addCors(app, options.corsOrigins ?? []);
  await app.register(compress, {
    threshold: COMPRESS_BYTES_MIN,
    encodings: ["br", "gzip"],
    globalDecompression: false, // 40 bytes of brotli can be 50 MB: bodies come as they are.
  });
  app.decorateRequest("facts");
  app.decorateRequest("startedMs");
  addHooks(app, options, headers, connections, () => isDraining);
  if (options.observe !== undefined) addObserver(app, options.observe, log);
  addBodyParser(app, limits);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, log));
  if (readiness !== undefined) {
    addHealth(app, () => (isDraining ? { ready: false, reason: "draining" } : readiness()));
  }
  addRefusals(app, options.routes);
  addRoutes(app, options.routes);
  const startDraining = (): void => {
    isDraining = true;
  };
  return { app, startDraining };
}

export async function createServer(options: ServerOptions): Promise<Server> {
  const { app, startDraining } = await createKernel(options);
  return {
    async listen(host, port) {
      await app.listen({ host, port });
      const address = app.server.address();
      return typeof address === "object" && address !== null ? address.port : port;
    },
    async drain(graceMs, delayMs = 0) {
      startDraining();
      if (delayMs > 0 && app.server.listening) await sleep(delayMs);
      await drain(app, graceMs - delayMs);
    },
  };
}

function requestId(request: { headers: NodeJS.Dict<string | string[]> }): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && REQUEST_ID.test(given) ? given : newId();
}

/** Off unless origins are named. Credentials are keys in a header, so cookies are never allowed. */
async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: origins.includes("*") ? "*" : [...origins],
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowedHeaders: [
      ...["authorization", "content-type", "idempotency-key"],
      ...["if-match", "if-none-match", "x-request-id"],
    ],
    exposedHeaders: [
      ...["etag", "location", "retry-after", "idempotency-replayed", "x-request-id"],
      ...["deprecation", "sunset", "link"],
    ],
    credentials: false,
    maxAge: CORS_SECONDS,
    strictPreflight: false,
  });
}

/** What Helmet would send, asked once: its middleware makes the same texts for every reply. */
async function securityHeaders(): Promise<Readonly<Record<string, string>>> {
  const probe = fastify();
  await probe.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
  });
  probe.get("/", () => "");
  const { headers } = await probe.inject("/");
  await probe.close();
  const own = ["content-length", "content-type", "date", "connection"];
  const kept = Object.entries(headers).filter(([name]) => !own.includes(name));
  return Object.freeze(Object.fromEntries(kept.map(([name, value]) => [name, String(value)])));
}

function addHooks(
  app: FastifyInstance,
  options: ServerOptions,
  headers: Readonly<Record<string, string>>,
  connections: Connections,
  isDraining: () => boolean,
): void {
  const { limits, log } = options;
  app.addHook("onRequest", (request, reply, done) => {
    const state = request as unknown as Facts;
    state.facts = {};
    state.startedMs = monotonicMs();
    reply.headers(headers).header("x-request-id", request.id);
    try {
      connections.begin(request.raw);
    } catch (error) {
      reply.header("connection", "close");
      return done(error as Error);
    }
    if (request.url.length > limits.urlBytesMax) done(new BackwrightError("URI_TOO_LONG"));
    else done();
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    // A peer that does not read its reply is cut; Node sets the time anew for the next request.
    request.raw.socket.setTimeout(limits.requestMsMax);
    // Without this, close() waits for keep-alive connections that just had a request in flight.
    if (isDraining()) reply.header("connection", "close");
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    connections.end(request.raw.socket);
    const { url: route = "" } = request.routeOptions;
    const { facts, startedMs } = request as unknown as Facts;
    if (route !== "/health" && route !== "/ready") {
      const line = {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        durationMs: Math.round((monotonicMs() - startedMs) * 1_000) / 1_000,
        ...facts,
      };
      log.info(line, "request");
    }
    done();
  });
}

function addBodyParser(app: FastifyInstance, limits: RequestLimits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    (request, body: Buffer, done) => {
      try {
        checkMediaType(request.headers);
        done(null, parseJsonBody(body, limits.jsonDepthMax));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

const HEALTH_ROUTES = [
  { method: "GET", path: "/health" },
  { method: "GET", path: "/ready" },
];

function addHealth(app: FastifyInstance, readiness: () => Readiness): void {
  // Touches nothing: it answers whether this process can answer.
  app.get("/health", (_request, reply) => send(reply, { status: 200, body: '{"status":"ok"}' }));
  app.get("/ready", (_request, reply) => {
    const { ready, reason } = readiness();
    const body = JSON.stringify(ready ? { status: "ready" } : { status: "not ready", reason });
    return send(reply, { status: ready ? 200 : 503, body });
  });
}

function addRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => send(reply, await route.handle(httpRequest(request))),
    });
  }
}

/** Refuses what has no route, before its body is read or judged. */
function addRefusals(app: FastifyInstance, routes: readonly Route[]): void {
  // Hooks run for an address without a route only where there is a handler for those.
  app.setNotFoundHandler(() => {
    throw new BackwrightError("ROUTE_NOT_FOUND");
  });
  app.addHook("onRequest", (request, reply, done) => {
    if (!request.is404) return done();
    const [path = ""] = request.url.split("?");
    const found = new Set<string>();
    for (const { method, path: pattern } of [...HEALTH_ROUTES, ...routes]) {
      if (!matches(pattern, path)) continue;
      found.add(method);
      if (method === "GET") found.add("HEAD");
    }
    if (found.size === 0) return done(new BackwrightError("ROUTE_NOT_FOUND"));
    reply.header("allow", [...found].join(", "));
    done(new BackwrightError("METHOD_NOT_ALLOWED"));
  });
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(":") ? given[at] !== "" : part === given[at]))
  );
}

function httpRequest(request: FastifyRequest): HttpRequest {
  return {
    id: request.id,
    parameters: request.params as Record<string, string>,
    query: (request.query as { text: string }).text,
    headers: request.headers,
    body: request.body,
    facts: (request as unknown as Facts).facts,
  };
}

function send(reply: FastifyReply, { status, body, headers }: HttpReply): FastifyReply {
  if (headers !== undefined) reply.headers(headers);
  if (body === "") return reply.code(status).send();
  const type = headers?.["content-type"] ?? JSON_TYPE;
  return reply.code(status).header("content-type", type).send(body);
}

function sendError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): FastifyReply {
  const error = asPublicError(thrown);
  const facts = (request as unknown as Facts).facts ?? {};
  facts.errorCode = error.code;
  if (error.status >= 500) {
    const err = error.cause ?? error;
    log.error({ requestId: request.id, code: error.code, err }, "request failed");
  }
  reply.code(error.status).headers(errorHeaders(error));
  // The plain envelope is the default; a problem document only for those who name its type.
  if (asksForProblem(request.headers.accept)) {
    return reply.header("content-type", PROBLEM_TYPE).send(problemBody(error, request.id));
  }
  return reply.header("content-type", JSON_TYPE).send(errorBody(error, request.id));
}

const BROKEN_CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
  ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
};

/** Answers what Node does not hand on as a request, in the same forms. */
function answerBroken(
  error: BackwrightError,
  socket: Duplex,
  accept: string | undefined,
  log: Log,
): void {
  if (!socket.writable || socket.destroyed) return;
  const { status, code: errorCode } = error;
  const requestId = newId();
  const isProblem = asksForProblem(accept);
  const body = isProblem ? problemBody(error, requestId) : errorBody(error, requestId);
  const type = isProblem ? `${PROBLEM_TYPE}; charset=utf-8` : JSON_TYPE;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${type}\r\ncontent-length: ` +
      `${Buffer.byteLength(body)}\r\ncache-control: no-store\r\nx-request-id: ${requestId}\r\n` +
      `x-content-type-options: nosniff\r\nconnection: close\r\n\r\n${body}`,
  );
  log.info({ requestId, status, errorCode }, "broken request");
  // LIMIT: time for the reply to arrive. A peer that keeps its end open would else keep ours.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

async function drain(app: FastifyInstance, graceMs: number): Promise<void> {
  const closeIdle = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MS);
  const cut = setTimeout(() => app.server.closeAllConnections(), graceMs);
  try {
    await app.close();
  } finally {
    clearInterval(closeIdle);
    clearTimeout(cut);
  }
}
