// A body that the host's own parser has read already, given back as bytes, so that size, depth and
// fields are checked as ever. LIMIT: of JSON that the host has parsed only the last of two members
// of one name is left, and numbers only as doubles: neither can be refused or kept here.
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { BackwrightError } from "../base/errors.ts";

/** A request as Express, Connect or plain Node hands it over. */
export interface HostRequest extends IncomingMessage {
  /** What the host's parser made of the body. */
  body?: unknown;
  baseUrl?: unknown;
  originalUrl?: unknown;
}

/** What Fastify looks at to compare a replaced body with its content-length. */
type Payload = Readable & { receivedEncodedLength?: number };

/**
 * The body of a request that somebody else has read; undefined where nobody has. Fails, when it is
 * read, where the host kept nothing of it: that is the host's mistake and answers 500.
 */
export function givenBody(request: HostRequest): Readable | undefined {
  if (!request.readableDidRead) return undefined;
  const declared = request.headers["content-length"];
  let bytes: Buffer | undefined;
  try {
    bytes = declared === "0" ? Buffer.alloc(0) : bytesOf(request.body);
  } catch (cause) {
    return failing(new BackwrightError("REQUEST_INVALID", { cause })); // Nested too deep.
  }
  if (bytes === undefined) {
    return failing(
      new BackwrightError("INTERNAL", {
        message: "The host application has read the request body and left none in req.body.",
      }),
    );
  }
  const payload: Payload = Readable.from([bytes], { objectMode: false });
  if (declared !== undefined) payload.receivedEncodedLength = Number(declared);
  return payload;
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return Buffer.from(body);
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

function failing(error: Error): Readable {
  return new Readable({
    read() {
      this.destroy(error);
    },
  });
}
