// The HTTP kernel alone, with routes that do one thing each and a log that remembers.
import { BackwrightError } from "../../src/base/errors.ts";
import { REQUEST_LIMITS, type RequestLimits } from "../../src/base/limits.ts";
import type { ExchangeObserver } from "../../src/server/exchange.ts";
import type { Route } from "../../src/server/http.ts";
import { createServer, type Readiness, type Server } from "../../src/server/server.ts";

export interface KernelLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Kernel {
  readonly url: string;
  readonly server: Server;
  readonly lines: KernelLine[];
  readonly limits: RequestLimits;
  /** Lines of one request, once it is over. */
  linesOf(requestId: string): Promise<readonly KernelLine[]>;
}

export const KERNEL_LIMITS: RequestLimits = {
  ...REQUEST_LIMITS,
  bodyBytesMax: 2_000,
  urlBytesMax: 500,
  headerBytesMax: 4_000,
  jsonDepthMax: 5,
  requestMsMax: 400,
};

export const LARGE_REPLY_BYTES = 32 * 1_048_576;

const ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/echo",
    handle: (request) => reply({ got: request.body ?? null }),
  },
  {
    method: "GET",
    path: "/v1/things/:id",
    handle: (request) => reply({ ...request.parameters, query: request.query }),
  },
  { method: "PATCH", path: "/v1/things/:id", handle: () => reply({}) },
  { method: "GET", path: "/v1/large", handle: () => reply("x".repeat(LARGE_REPLY_BYTES)) },
  {
    method: "GET",
    path: "/v1/bug",
    handle: () => Promise.reject(new Error("a private reason")),
  },
  {
    method: "GET",
    path: "/v1/down",
    handle: () => {
      const cause = new Error("a private reason");
      throw new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 2, cause });
    },
  },
];

function reply(value: unknown): Promise<{ status: number; body: string }> {
  return Promise.resolve({ status: 200, body: JSON.stringify(value) });
}

export interface KernelOptions {
  readonly limits?: Partial<RequestLimits>;
  readonly routes?: readonly Route[];
  readonly readiness?: () => Readiness;
  readonly observe?: ExchangeObserver;
}

export async function startKernel(options: KernelOptions = {}): Promise<Kernel> {
  const limits = { ...KERNEL_LIMITS, ...options.limits };
  const lines: KernelLine[] = [];
  const record =
    (level: KernelLine["level"]) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      lines.push({ ...fields, level, message });
    };
  const server = await createServer({
    limits,
    log: { info: record("info"), warn: record("warn"), error: record("error") },
    routes: [...ROUTES, ...(options.routes ?? [])],
    readiness: options.readiness ?? (() => ({ ready: true })),
    observe: options.observe,
  });
  const port = await server.listen("127.0.0.1", 0);
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    lines,
    limits,
    async linesOf(requestId) {
      const own = (): KernelLine[] => lines.filter((line) => line.requestId === requestId);
      // The line is written after the reply has left.
      for (let turn = 0; turn < 200; turn += 1) {
        if (own().some((line) => line.level === "info")) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return own();
    },
  };
}
