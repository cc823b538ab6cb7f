// The bytes of requests, made before the clock runs. Every contestant is sent the same bytes.
import { randomBytes } from "node:crypto";

export interface PreparedRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const KEY_HEADER = "idempotency-key";
// Long enough for every number of a run, so that all requests of one kind have equal lengths.
const NUMBER_DIGITS = 10;

interface Template {
  readonly bytes: Buffer;
  /** Where the running number of the Idempotency-Key stands, for requests that write. */
  readonly numberAt: number | undefined;
}

/** Gives requests in turn, for ever; each that writes with an Idempotency-Key of its own. */
export class RequestSource {
  readonly #templates: readonly Template[];
  #at = 0;
  #number = 0;

  constructor(requests: readonly PreparedRequest[]) {
    const run = randomBytes(8).toString("hex");
    this.#templates = requests.map((request) => template(request, run));
  }

  next(): Uint8Array {
    const found = this.#templates[this.#at];
    if (found === undefined) throw new Error("There are no requests to send.");
    this.#at = (this.#at + 1) % this.#templates.length;
    if (found.numberAt === undefined) return found.bytes;
    // A copy: the bytes of an earlier request may still wait to be written.
    const bytes = Buffer.from(found.bytes);
    this.#number += 1;
    bytes.write(String(this.#number).padStart(NUMBER_DIGITS, "0"), found.numberAt, "latin1");
    return bytes;
  }
}

function template(request: PreparedRequest, run: string): Template {
  const { method, path, headers, body } = request;
  const lines = [`${method} ${path} HTTP/1.1`, "host: localhost", "accept: application/json"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  let numberAt: number | undefined;
  if (body !== undefined) {
    lines.push("content-type: application/json", `content-length: ${Buffer.byteLength(body)}`);
    const before = `${lines.join("\r\n")}\r\n${KEY_HEADER}: ${run}-`;
    numberAt = Buffer.byteLength(before);
    lines.push(`${KEY_HEADER}: ${run}-${"0".repeat(NUMBER_DIGITS)}`);
  }
  return { bytes: Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`), numberAt };
}
