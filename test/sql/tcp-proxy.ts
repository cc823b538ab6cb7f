// A TCP proxy in front of PostgreSQL that can fall silent, cut its connections, or change bytes.
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";

export interface Proxy {
  /** The address with this proxy in the place of the server. */
  readonly url: string;
  /** Present connections stop carrying bytes; new ones are served. */
  freeze(): void;
  /** Breaks every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** `change` may replace what a client sends, keeping its length, or freeze that connection. */
export async function startProxy(
  url: string,
  change: (bytes: Buffer, freeze: () => void) => Buffer = (bytes) => bytes,
): Promise<Proxy> {
  const target = new URL(url);
  const pairs = new Set<readonly [Socket, Socket]>();
  const server: Server = createServer((client) => {
    const upstream = connect(serverOf(target));
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const freezeBoth = (): void => pair.forEach(freeze);
    client.on("data", (bytes) => upstream.write(change(bytes, freezeBoth)));
    upstream.on("data", (bytes) => client.write(bytes));
    for (const socket of pair) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        pairs.delete(pair);
        for (const one of pair) one.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const proxied = new URL(url);
  proxied.hostname = "127.0.0.1";
  proxied.port = String(address.port);
  proxied.searchParams.delete("host");
  const each = (act: (socket: Socket) => void): void => {
    for (const pair of pairs) for (const socket of pair) act(socket);
  };
  return {
    url: proxied.href,
    freeze: () => each(freeze),
    cut: () => each((socket) => socket.destroy()),
    async close() {
      each((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function freeze(socket: Socket): void {
  socket.removeAllListeners("data").pause();
}

/** The address may name a socket's folder as well as a host, as pg reads it. */
function serverOf(url: URL): NetConnectOpts {
  const folder = url.searchParams.get("host");
  return folder === null
    ? { host: url.hostname, port: Number(url.port) }
    : { path: `${folder}/.s.PGSQL.${url.port}` };
}
