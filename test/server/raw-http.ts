// HTTP over a bare socket: bytes out, replies in, nothing repaired on the way. A reply that is cut
// short is told apart from a whole one, which fetch does not do.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Everything from the status line to the last byte of the body. */
  readonly bytes: number;
}

export interface ReplyOptions {
  /** False for the reply to HEAD, whose content-length announces what does not come. */
  readonly hasBody?: boolean;
  readonly timeoutMs?: number;
}

export interface RawConnection {
  readonly socket: Socket;
  /** Settles when both ends are closed; never rejects. */
  readonly closed: Promise<void>;
  send(bytes: string | Buffer): void;
  /** The next whole reply. Rejects when the connection closes before its end, or in time. */
  reply(options?: ReplyOptions): Promise<RawReply>;
  /** Bytes that have come and belong to no reply yet. */
  pending(): Buffer;
  destroy(): void;
}

const TIMEOUT_MS = 15_000;

/** Connects to a server of this machine. Rejects with the system's error when it is refused. */
export async function connectTo(
  url: string,
  options: { readonly allowHalfOpen?: boolean } = {},
): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...options });
  await once(socket, "connect");
  let pending: Buffer = Buffer.alloc(0);
  let isClosed = false;
  let wake = (): void => undefined;
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      isClosed = true;
      wake();
      resolve();
    });
  });
  socket.on("error", () => undefined); // "close" follows, and says all that a test needs.
  socket.on("data", (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    wake();
  });
  return {
    socket,
    closed,
    send: (bytes) => socket.write(bytes),
    pending: () => pending,
    destroy: () => socket.destroy(),
    async reply({ hasBody = true, timeoutMs = TIMEOUT_MS } = {}) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const found = parseReply(pending, hasBody);
        if (found !== undefined) {
          pending = pending.subarray(found.bytes);
          return found;
        }
        const left = deadline - performance.now();
        if (isClosed) throw new Error(`the connection closed after ${pending.length} bytes`);
        if (left <= 0) throw new Error(`no reply within ${timeoutMs} ms`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
  };
}

/** One request on a connection of its own. */
export async function exchange(
  url: string,
  bytes: string | Buffer,
  options?: ReplyOptions,
): Promise<RawReply> {
  const connection = await connectTo(url);
  try {
    connection.send(bytes);
    return await connection.reply(options);
  } finally {
    connection.destroy();
  }
}

export interface RequestParts {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request as text. A body is sent with its length and as JSON. */
export function requestText({ method, path, headers = {}, body }: RequestParts): string {
  const own: Record<string, string> = { host: "localhost", ...headers };
  if (body !== undefined) {
    own["content-type"] ??= "application/json";
    own["content-length"] ??= String(Buffer.byteLength(body));
  }
  const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}\r\n`);
  const verb = method ?? (body === undefined ? "GET" : "POST");
  return `${verb} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}

function parseReply(bytes: Buffer, hasBody: boolean): RawReply | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${statusLine} `)?.[1]);
  if (!Number.isInteger(status)) throw new Error(`not a reply: ${statusLine}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const length = hasBody && status !== 204 ? Number(headers.get("content-length") ?? "0") : 0;
  const start = end + 4;
  if (bytes.length < start + length) return undefined;
  const body = bytes.subarray(start, start + length).toString("utf8");
  return { status, headers, body, bytes: start + length };
}
