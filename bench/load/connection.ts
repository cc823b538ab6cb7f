// One keep-alive connection that asks, waits for the whole reply and asks again. Reads just enough
// of HTTP to know the status and where a reply ends, because the generator shares the machine's
// cores with what it measures.
import { connect, type Socket } from "node:net";

const HEADERS_END = "\r\n\r\n";
const LENGTH = /\r\ncontent-length: (\d+)/i;
const BUFFER_BYTES = 65_536;
const BODY_SHOWN_MAX = 400;

export interface ConnectionOptions {
  readonly port: number;
  /** The next request's bytes; undefined ends the connection after the reply in progress. */
  readonly next: () => Uint8Array | undefined;
  /** Called with the milliseconds from the first byte sent to the last byte received. */
  readonly answered: (milliseconds: number, bytes: number) => void;
}

/** Resolves when `next` has no more. Rejects at once for a reply that is not 2xx or not HTTP. */
export function runConnection(options: ConnectionOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const reply = new ReplyReader();
    let sentAt = 0;
    const socket: Socket = connect({
      host: "127.0.0.1",
      port: options.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(BUFFER_BYTES),
        callback: (count, buffer) => {
          try {
            if (reply.read(buffer as Buffer, count)) {
              options.answered(performance.now() - sentAt, reply.bytes);
              send();
            }
          } catch (error) {
            fail(error);
          }
          return true;
        },
      },
    });
    const fail = (error: unknown): void => {
      socket.destroy();
      reject(error);
    };
    const send = (): void => {
      const request = options.next();
      if (request === undefined) {
        socket.destroy();
        resolve();
        return;
      }
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on("connect", send);
    socket.on("error", fail);
    socket.on("end", () => fail(new Error("The server closed a connection that was in use.")));
  });
}

class ReplyReader {
  /** Length of the reply that was read last, headers included. */
  bytes = 0;
  #head = "";
  #left = -1;

  /** True when a reply is complete. Throws for anything but a 2xx with a content-length. */
  read(buffer: Buffer, count: number): boolean {
    if (this.#left >= 0) return this.#take(count);
    const at = buffer.subarray(0, count).indexOf(HEADERS_END);
    if (at === -1 || this.#head !== "") {
      // Headers in two pieces are so rare that they may be slow.
      this.#head += buffer.toString("latin1", 0, count);
      const end = this.#head.indexOf(HEADERS_END);
      if (end === -1) return false;
      return this.#begin(this.#head.slice(0, end), this.#head.length - end - 4, "");
    }
    const body = (): string => buffer.toString("latin1", at + 4, Math.min(count, at + BODY_SHOWN_MAX));
    return this.#begin(buffer.toString("latin1", 0, at), count - at - 4, body);
  }

  #begin(head: string, bodyBytes: number, body: string | (() => string)): boolean {
    const length = LENGTH.exec(head)?.[1];
    if (head[9] !== "2" || length === undefined) {
      const shown = typeof body === "string" ? body : body();
      throw new Error(`A reply is not a success: ${head.split("\r\n")[0]} ${shown}`);
    }
    this.#head = "";
    this.#left = Number(length);
    this.bytes = head.length + 4 + this.#left;
    return this.#take(bodyBytes);
  }

  #take(count: number): boolean {
    this.#left -= count;
    if (this.#left > 0) return false;
    if (this.#left < 0) throw new Error("A reply is longer than its content-length.");
    this.#left = -1;
    return true;
  }
}
