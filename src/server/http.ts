// What faces see of HTTP: plain requests and replies. Fastify stays behind server.ts.

export interface HttpRequest {
  readonly id: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The raw query string, without "?". */
  readonly query: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; undefined where the request has none. */
  readonly body: unknown;
  /** Facts for the request's log line: never secrets or bodies. */
  readonly facts: Record<string, unknown>;
}

export interface HttpReply {
  readonly status: number;
  /** JSON text, unless the headers name another type; empty for a reply without a body. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With parameters as `:id`. */
  readonly path: string;
  /** Throws BackwrightError for whatever the caller should know. */
  handle(request: HttpRequest): Promise<HttpReply>;
}

/** A header that may come once. Repeated: its values joined, as HTTP allows. */
export function headerOf(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
