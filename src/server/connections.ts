// What is under way on each connection, so that one reply belongs to one request: nothing behind a
// request that was refused for its frame is carried out, and broken bytes behind a request in
// flight are not answered in its place.
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { BackwrightError } from "../base/errors.ts";
import { checkFraming } from "./framing.ts";

interface Connection {
  inFlight: number;
  last: IncomingMessage | undefined;
  /** Nothing more is read from it; it ends with its last reply. */
  isOver: boolean;
}

export class Connections {
  readonly #known = new WeakMap<Socket, Connection>();

  /** A request has its headers. Throws what checkFraming says; the connection is over then. */
  begin(request: IncomingMessage): void {
    const connection = this.#of(request.socket);
    const wasOver = connection.isOver;
    connection.inFlight += 1;
    connection.last = request;
    try {
      checkFraming(request);
    } catch (error) {
      connection.isOver = true;
      throw error;
    }
    if (wasOver) throw new BackwrightError("REQUEST_INVALID");
  }

  /** A request is answered, or its peer has gone. */
  end(socket: Socket): void {
    const connection = this.#of(socket);
    connection.inFlight -= 1;
    if (connection.isOver && awaited(connection) <= 0) socket.destroySoon();
  }

  /** Bytes that are no request have come. True: they are to be answered, as nothing else is. */
  breakOff(socket: Socket): boolean {
    const connection = this.#of(socket);
    if (connection.isOver) return false;
    connection.isOver = true;
    return awaited(connection) <= 0;
  }

  /** What the request accepts whose body broke off. */
  accepted(socket: Socket): string | undefined {
    const { last } = this.#of(socket);
    return last?.complete === false ? last.headers.accept : undefined;
  }

  #of(socket: Socket): Connection {
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    const made: Connection = { inFlight: 0, last: undefined, isOver: false };
    this.#known.set(socket, made);
    return made;
  }
}

/** Replies still to come. A request that broke off in its body has none of its own. */
function awaited({ inFlight, last }: Connection): number {
  return inFlight - (last?.complete === false ? 1 : 0);
}
