// A backend inside a server that is there already: the same start as `dev` and `start`, with the
// host's server as the way in. Installs no process signals; the host calls `close`.
import type { IncomingMessage, ServerResponse } from "node:http";
import { StartError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Environment, type Mode, readSettings, type Settings } from "../base/settings.ts";
import type { AnyBackend } from "../model/declare-untyped.ts";
import { createLog, type ProcessLog } from "../observe/log.ts";
import { createMounted, type FastifyHost, type MountedKernel } from "../server/mounted.ts";
import type { Readiness, ServerOptions } from "../server/server.ts";
import { develop } from "./develop.ts";
import { serveProduction } from "./produce.ts";
import { type Project, projectOf } from "./project.ts";
import type { Entrance, RunningBackend } from "./serve.ts";

export interface MountOptions<Name extends string = string> {
  /** Stands before every path: "/api" serves /api/v1/work-orders. Default: none. */
  readonly prefix?: string;
  /** The resources to serve here. Default: all. The others keep their old routes. */
  readonly only?: readonly Name[];
  /** The folder of `migrations/`, which must be applied before `ready()`. Default: the current. */
  readonly project?: string;
  /**
   * "development" starts PostgreSQL, migrates and seeds, as `backwright dev` does; "production"
   * needs DATABASE_URL and SECRET_KEY. Default: development where NODE_ENV says so.
   */
  readonly mode?: Mode;
  /** Default: the process's. */
  readonly environment?: Environment;
  /** Takes `(fields, message)`, as pino and Fastify's `app.log` do. Default: standard output. */
  readonly log?: Log;
}

/** A backend that another server hands its requests to. */
export interface MountedApi {
  /**
   * For `app.use(api.handler)` of Express and Connect, or `createServer(api.handler)` of Node.
   * What is not ours goes to `next`; without `next` it is answered with 404.
   */
  handler(
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): void;
  /** For `app.register(api.fastify)` of Fastify 5. */
  fastify(host: FastifyHost): Promise<void>;
  /** Whether requests can be served now: for the host's own readiness probe. */
  ready(): Readiness;
  /**
   * Answers new requests with 503, finishes what is in flight for at most 25 s, then closes the
   * database. Safe to call twice. Call it after the host's server stopped taking connections.
   */
  close(): Promise<void>;
}

const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)*$/;

/** Starts it. Throws StartError, with everything that was opened closed again. */
export async function mountBackend(
  backend: AnyBackend,
  options: MountOptions,
): Promise<MountedApi> {
  const environment = options.environment ?? process.env;
  const isDevelopment = environment.NODE_ENV === "development";
  const mode = options.mode ?? (isDevelopment ? "development" : "production");
  const settings = readSettings(environment, mode);
  const project = projectOf(backend, options.project ?? ".");
  const { log, flush } = logOf(options, settings);
  const entrance = new HostEntrance(project, options);
  const onProgress = (message: string): void => log.info({}, message);
  const start = mode === "development" ? develop : serveProduction;
  let running: RunningBackend & { readiness?: () => Readiness };
  let isClosing = false;
  try {
    running = await start(project, settings, log, onProgress, { entrance });
  } catch (error) {
    flush();
    throw error;
  }
  const { handler, fastify } = entrance.kernel;
  return {
    handler,
    fastify,
    ready: () =>
      isClosing ? { ready: false, reason: "draining" } : (running.readiness?.() ?? { ready: true }),
    async close() {
      isClosing = true;
      await running.stop().finally(flush);
    },
  };
}

/** The host's log is the host's to flush. */
function logOf(
  { log }: MountOptions,
  settings: Settings,
): Pick<ProcessLog, "flush"> & { log: Log } {
  if (log !== undefined) return { log, flush: () => undefined };
  const own = createLog(settings.logLevel);
  return { log: own, flush: () => own.flush() };
}

/** The way in: opened when the backend is, with what is served under which prefix. */
class HostEntrance implements Entrance {
  readonly prefix: string;
  readonly only?: ReadonlySet<string>;
  #kernel: MountedKernel | undefined;

  constructor(project: Project, { prefix = "", only }: MountOptions) {
    this.prefix = prefix.replace(/\/$/, "");
    if (!PREFIX.test(this.prefix)) {
      throw new StartError(`"${prefix}" is not a prefix for addresses.`, {
        fix: 'mount(backend, { prefix: "/api" })',
      });
    }
    if (only === undefined) return;
    const known = [...project.model.resources.keys()];
    const unknown = only.find((name) => !known.includes(name));
    if (unknown !== undefined || only.length === 0) {
      throw new StartError(
        unknown === undefined
          ? "`only` names no resource."
          : `\`only\` names "${unknown}", which is no resource of ${project.backend.name}.`,
        { fix: `only: [${known.map((name) => `"${name}"`).join(", ")}]` },
      );
    }
    this.only = new Set(only);
  }

  get kernel(): MountedKernel {
    if (this.#kernel === undefined) throw new TypeError("the entrance is not open yet");
    return this.#kernel;
  }

  async open(options: ServerOptions) {
    const kernel = await createMounted(options);
    this.#kernel = kernel;
    return { url: this.prefix, drain: (graceMs: number) => kernel.drain(graceMs) };
  }
}
