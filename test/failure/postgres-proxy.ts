// A door between the backend and PostgreSQL. It reads the messages that pass (PostgreSQL manual,
// "Message Formats") and holds those of one chosen statement at a chosen point, so that a kill
// meets a write exactly there. It can also freeze: connected, but silent.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Where a statement is held, in the order in which it would pass. */
export const POINTS = [
  "nothing sent",
  "half sent", // PostgreSQL has half of the message with the values.
  "before Sync", // It ran, but its transaction is open: Sync would commit it.
  "sent", // All of it; nothing is held.
  "committed, nothing answered",
  "committed, no ReadyForQuery", // The row of the reply is through, the proof of the commit is not.
  "answered", // All of it, both ways.
] as const;
export type Point = (typeof POINTS)[number];

export interface PostgresProxy {
  /** The address of the same database through this door. */
  url(address: string): string;
  /** Resolves when the next statement with `marker` in its values or text reached the point. */
  stopAt(marker: string, point: Point): Promise<void>;
  /** As above, of the first statement that matches, once `marker` has come by on its connection. */
  stopLater(marker: string, statement: RegExp, point: Point): Promise<void>;
  /** Nothing passes any more, in either direction; connections stay open, new ones connect. */
  freeze(): void;
  /** Held bytes pass on. */
  thaw(): void;
  /** Cuts every connection, as a network does that forgets them. */
  cut(): void;
  close(): Promise<void>;
}

const SYNC = "S";
const MARKED = ["B", "Q"]; // Bind has the values, a simple Query the text.
const READY_FOR_QUERY = "Z";
const PARSE = "P";
const BIND = "B".charCodeAt(0);

interface Stop {
  readonly marker: Buffer;
  /** Undefined: the statement with the marker. */
  readonly statement: RegExp | undefined;
  readonly point: Point;
  readonly reached: () => void;
}

/** Opens a door to the server of `address`, on a port of its own. */
export async function startProxy(address: string): Promise<PostgresProxy> {
  const target = targetOf(address);
  const pairs = new Set<Pair>();
  const stops = new Set<Stop>();
  let isFrozen = false;
  // Half open: whoever says goodbye to a frozen server gets no answer.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true });
    const pair = new Pair(client, upstream, stops);
    pair.isFrozen = isFrozen;
    pairs.add(pair);
    pair.onClose = () => pairs.delete(pair);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const listening = server.address();
  const port = typeof listening === "object" && listening !== null ? listening.port : 0;
  const stopLater = (marker: string, statement: RegExp | undefined, point: Point): Promise<void> =>
    new Promise((resolve) => {
      stops.add({ marker: Buffer.from(marker), statement, point, reached: resolve });
    });
  return {
    url(through) {
      const own = new URL(through.replace("@/", "@localhost/"));
      own.hostname = "127.0.0.1";
      own.port = String(port);
      own.search = "?sslmode=disable";
      return own.href;
    },
    stopAt: (marker, point) => stopLater(marker, undefined, point),
    stopLater,
    freeze() {
      isFrozen = true;
      for (const pair of pairs) pair.isFrozen = true;
    },
    thaw() {
      isFrozen = false;
      for (const pair of pairs) {
        pair.isFrozen = false;
        pair.pass();
      }
    },
    cut() {
      for (const pair of pairs) pair.destroy();
    },
    async close() {
      server.close();
      for (const pair of pairs) pair.destroy();
      await once(server, "close");
    },
  };
}

function targetOf(address: string): { path: string } | { host: string; port: number } {
  const { hostname, port, searchParams } = new URL(address.replace("@/", "@localhost/"));
  const directory = searchParams.get("host");
  if (directory?.startsWith("/")) return { path: `${directory}/.s.PGSQL.${port || "5432"}` };
  return { host: hostname, port: Number(port || "5432") };
}

/** One connection of the backend with its connection to the server. */
class Pair {
  onClose = (): void => undefined;
  isFrozen = false;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #stops: Set<Stop>;
  #fromClient: Buffer = Buffer.alloc(0);
  #fromServer: Buffer = Buffer.alloc(0);
  #hasStarted = false;
  readonly #goodbyes: Socket[] = [];
  #stop: Stop | undefined;
  /** Its marker has come by, its statement has not. */
  #armed: Stop | undefined;
  readonly #prepared = new Map<string, string>();
  #holdsRequest = false;

  constructor(client: Socket, server: Socket, stops: Set<Stop>) {
    this.#client = client;
    this.#server = server;
    this.#stops = stops;
    for (const socket of [client, server]) socket.setNoDelay(true);
    client.on("data", (bytes: Buffer) => {
      this.#fromClient = Buffer.concat([this.#fromClient, bytes]);
      this.pass();
    });
    server.on("data", (bytes: Buffer) => {
      this.#fromServer = Buffer.concat([this.#fromServer, bytes]);
      this.pass();
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("end", () => {
        this.#goodbyes.push(to);
        this.pass();
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        if (!to.writableEnded) to.end();
        this.onClose();
      });
    }
  }

  pass(): void {
    if (this.isFrozen) return;
    this.#passRequests();
    this.#passReplies();
    // What was let through arrives even when the sender is dead: end() flushes before it closes.
    for (const socket of this.#goodbyes.splice(0)) socket.end();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #passRequests(): void {
    while (!this.#holdsRequest) {
      const message = this.#takeRequest();
      if (message === undefined) return;
      const kind = String.fromCharCode(message[0] ?? 0);
      if (kind === PARSE) this.#prepared.set(...parsed(message));
      if (this.#stop === undefined && MARKED.includes(kind)) this.#stop = this.#stopFor(message);
      const point = this.#stop?.point;
      const isMarked = MARKED.includes(kind) && this.#stop !== undefined;
      if (point === "nothing sent" && isMarked) this.#reach(true);
      else if (point === "half sent" && isMarked) {
        this.#server.write(message.subarray(0, message.length / 2));
        this.#reach(true);
      } else if (point === "before Sync" && kind === SYNC) this.#reach(true);
      else {
        this.#server.write(message);
        if (point === "sent" && kind === SYNC) this.#reach(false);
      }
    }
  }

  #passReplies(): void {
    const bytes = this.#fromServer;
    const point = this.#stop?.point;
    if (point !== undefined && /^(committed|answered)/.test(point)) {
      const ready = readyAt(bytes);
      if (ready === -1) return; // Held until it is whole: the commit comes before ReadyForQuery.
      this.#fromServer = Buffer.alloc(0);
      if (point === "committed, no ReadyForQuery") this.#client.write(bytes.subarray(0, ready));
      if (point === "answered") this.#client.write(bytes);
      this.#reach(true);
      return;
    }
    this.#fromServer = Buffer.alloc(0);
    this.#client.write(bytes);
  }

  #takeRequest(): Buffer | undefined {
    const bytes = this.#fromClient;
    // The first message has no kind; its length stands first.
    const lengthAt = this.#hasStarted ? 1 : 0;
    if (bytes.length < lengthAt + 4) return undefined;
    const end = lengthAt + bytes.readInt32BE(lengthAt);
    if (bytes.length < end) return undefined;
    this.#fromClient = bytes.subarray(end);
    this.#hasStarted = true;
    return bytes.subarray(0, end);
  }

  #stopFor(message: Buffer): Stop | undefined {
    for (const stop of this.#stops) {
      if (!message.includes(stop.marker)) continue;
      this.#stops.delete(stop);
      if (stop.statement === undefined) return stop;
      this.#armed = stop;
    }
    const armed = this.#armed;
    if (armed?.statement?.test(this.#textOf(message)) !== true) return undefined;
    this.#armed = undefined;
    return armed;
  }

  /** The text of a simple Query, or that of the statement that a Bind names. */
  #textOf(message: Buffer): string {
    const [first = "", second = ""] = message.subarray(5).toString("latin1").split("\0", 2);
    return message[0] === BIND ? (this.#prepared.get(second) ?? "") : first;
  }

  #reach(isHeld: boolean): void {
    this.#holdsRequest = isHeld;
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.reached();
  }
}

/** The name and the text of a Parse message. */
function parsed(message: Buffer): [name: string, text: string] {
  const [name = "", text = ""] = message.subarray(5).toString("latin1").split("\0", 2);
  return [name, text];
}

/** Where ReadyForQuery begins in whole messages of the server, or -1. */
function readyAt(bytes: Buffer): number {
  let at = 0;
  while (at + 5 <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (end > bytes.length) return -1;
    if (String.fromCharCode(bytes[at] ?? 0) === READY_FOR_QUERY) return at;
    at = end;
  }
  return -1;
}
