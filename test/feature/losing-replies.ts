// A network that delivers requests and loses replies: what a client cannot tell from a request that
// never arrived.
import { type AddressInfo, connect, createServer } from "node:net";

/** A way to the backend that cuts the connection in place of every `nth` reply. */
export async function losingReplies(url: string, nth: number) {
  const { hostname, port } = new URL(url);
  let replies = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    client.pipe(upstream);
    upstream.on("data", (data) => {
      replies += 1;
      if (replies % nth === 0) client.destroy();
      else client.write(data);
    });
    client.on("close", () => upstream.destroy());
    for (const socket of [client, upstream]) socket.on("error", () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    lost: () => Math.floor(replies / nth),
    close: () => server.close(),
  };
}
