// The kernel inside another server: takes the requests whose address is ours, leaves every other
// one to the host. Installs nothing in the host: no signals, no error handlers, no listeners.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { BackwrightError, StartError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { errorBody, errorHeaders } from "./errors.ts";
import { givenBody, type HostRequest } from "./given-body.ts";
import { createKernel, JSON_TYPE, type Kernel, type ServerOptions } from "./server.ts";

/** For `app.use(…)` of Express, for Connect, or for `createServer` of Node. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** As much of a Fastify 5 instance as the plugin needs, so that no second copy must agree. */
export interface FastifyHost {
  readonly prefix: string;
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: "*",
    parser: (
      request: unknown,
      payload: unknown,
      done: (error: null, body?: unknown) => void,
    ) => void,
  ): unknown;
  route(options: {
    method: string[];
    url: string;
    exposeHeadRoute: false;
    handler(request: HostFastifyRequest, reply: HostFastifyReply): void;
  }): unknown;
}
interface HostFastifyRequest {
  readonly raw: IncomingMessage;
  readonly body: unknown;
}
interface HostFastifyReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Record<string, number | string | string[] | undefined>;
}

export interface MountedKernel {
  readonly handler: Handler;
  /** For `app.register(…)`: an async plugin in a scope of its own. */
  readonly fastify: (host: FastifyHost) => Promise<void>;
  /** Refuses what is new, finishes what is in flight for at most `graceMs`, then cuts the rest. */
  drain(graceMs: number): Promise<void>;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

export async function createMounted(options: ServerOptions): Promise<MountedKernel> {
  const kernel = await createKernel(options);
  const requests = new MountedRequests(kernel, options);
  await kernel.app.ready();
  const methods = requests.answersPreflight ? [...METHODS, "OPTIONS"] : METHODS;
  return {
    handler: (request, response, next) => requests.handle(request, response, next),
    async fastify(host) {
      if (host.prefix !== "") {
        throw new StartError("The Fastify plugin is registered under a prefix of its own.", {
          fix: `mount(backend, { prefix: "${host.prefix}/…" }) and app.register(api.fastify)`,
        });
      }
      // In this scope alone: the host's parsers stay, ours reads the bytes.
      host.removeAllContentTypeParsers();
      host.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
      for (const url of new Set(options.routes.map((route) => route.path))) {
        host.route({
          method: methods,
          url,
          exposeHeadRoute: false,
          handler(request, reply) {
            reply.hijack();
            for (const [name, value] of Object.entries(reply.getHeaders())) {
              if (value !== undefined) reply.raw.setHeader(name, value);
            }
            requests.answer(request.raw, reply.raw, request.body);
          },
        });
      }
    },
    drain: (graceMs) => requests.drain(graceMs),
  };
}

class MountedRequests {
  readonly answersPreflight: boolean;
  readonly #kernel: Kernel;
  readonly #options: ServerOptions;
  readonly #addresses: Addresses;
  readonly #bodies = new WeakMap<IncomingMessage, Readable>();
  readonly #inFlight = new Set<ServerResponse>();
  #isDraining = false;
  #whenIdle: (() => void) | undefined;

  constructor(kernel: Kernel, options: ServerOptions) {
    this.#kernel = kernel;
    this.#options = options;
    this.#addresses = new Addresses(options.routes.map((route) => route.path));
    this.answersPreflight = (options.corsOrigins ?? []).length > 0;
    kernel.app.addHook("preParsing", (request, _reply, payload, done) => {
      const body = this.#bodies.get(request.raw) ?? payload;
      this.#limitArrival(request.raw, body);
      done(null, body);
    });
  }

  handle(request: HostRequest, response: ServerResponse, next?: () => void): void {
    const { baseUrl, url = "/" } = request;
    // Express takes away what `app.use("/api", …)` names; our addresses are whole.
    const whole = typeof baseUrl === "string" ? `${baseUrl}${url}` : url;
    const isOurs = this.#addresses.has(whole) && this.#takes(request.method);
    if (!isOurs && next !== undefined) {
      next();
      return;
    }
    request.url = whole;
    this.answer(request, response, undefined);
  }

  #takes(method: string | undefined): boolean {
    return method !== "OPTIONS" || this.answersPreflight;
  }

  /** `payload` is the stream that the body comes from, where that is not the request. */
  answer(request: HostRequest, response: ServerResponse, payload: unknown): void {
    if (this.#isDraining) {
      refuse(response);
      return;
    }
    const isReplaced = payload instanceof Readable && payload !== request;
    const body = isReplaced ? payload : givenBody(request);
    if (body !== undefined) this.#bodies.set(request, body);
    this.#inFlight.add(response);
    response.once("close", () => {
      this.#inFlight.delete(response);
      if (this.#inFlight.size === 0) this.#whenIdle?.();
    });
    this.#kernel.app.routing(request, response);
  }

  /** The host's server may wait five minutes for a body; here the same limit holds everywhere. */
  #limitArrival(request: IncomingMessage, body: NodeJS.EventEmitter): void {
    const { headers } = request;
    const hasBody = headers["content-length"] ?? headers["transfer-encoding"];
    if (hasBody === undefined || request.complete) return;
    const late = setTimeout(() => {
      const isRead = body.listenerCount("error") > 0;
      if (!request.complete && isRead) body.emit("error", new BackwrightError("REQUEST_TIMEOUT"));
    }, this.#options.limits.requestMsMax);
    request.once("close", () => clearTimeout(late));
  }

  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    this.#kernel.startDraining();
    if (this.#inFlight.size > 0) {
      const cut = setTimeout(() => {
        for (const response of this.#inFlight) response.destroy();
      }, graceMs);
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
      clearTimeout(cut);
    }
    await this.#kernel.app.close();
  }
}

/** Which addresses are ours: looked up, not searched, as every request of the host comes by. */
class Addresses {
  readonly #known: ReadonlySet<string>;
  /** Where parameters stand: one entry for each way in which paths have them. */
  readonly #places: readonly (readonly number[])[];

  constructor(paths: readonly string[]) {
    const known = new Set<string>();
    const places = new Map<string, readonly number[]>();
    for (const path of paths) {
      const parts = path.split("/");
      const at = parts.flatMap((part, index) => (part.startsWith(":") ? [index] : []));
      places.set(at.join(), at);
      known.add(withParameters(parts, at));
    }
    this.#known = known;
    this.#places = [...places.values()];
  }

  has(url: string): boolean {
    const end = url.search(/[?#]/);
    const parts = (end === -1 ? url : url.slice(0, end)).split("/");
    return this.#places.some((at) => {
      const isWhole = at.every((index) => (parts[index] ?? "") !== "");
      return isWhole && this.#known.has(withParameters(parts, at));
    });
  }
}

function withParameters(parts: readonly string[], places: readonly number[]): string {
  return parts.map((part, index) => (places.includes(index) ? ":" : part)).join("/");
}

/** What comes after `close()` began: its database connections are about to go. */
function refuse(response: ServerResponse): void {
  const error = new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1 });
  const requestId = newId();
  const headers = { "content-type": JSON_TYPE, "x-request-id": requestId, connection: "close" };
  response.writeHead(error.status, { ...errorHeaders(error), ...headers });
  response.end(errorBody(error, requestId));
}
