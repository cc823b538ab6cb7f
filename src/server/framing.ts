// What Node lets pass but two readers of the same bytes could read differently: a proxy in front
// and this server must never disagree about where a request ends, whom it is for or who sent it.
import type { IncomingMessage } from "node:http";
import { BackwrightError } from "../base/errors.ts";

// Node keeps the first of two and drops the other without a word; a proxy may believe the other.
const ONCE = new Set([
  "authorization",
  "content-encoding",
  "content-type",
  "expect",
  "host",
  "idempotency-key",
  "if-match",
]);

/** Throws REQUEST_INVALID or EXPECTATION_FAILED; the connection is not to be used again then. */
export function checkFraming({ method, headers, rawHeaders, httpVersion }: IncomingMessage): void {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") refuse("HTTP/1.1 is spoken here.");
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? "";
    if (ONCE.has(name) && seen.has(name)) refuse(`The header ${name} is given twice.`);
    seen.add(name);
  }
  if (httpVersion === "1.1" && !headers.host) refuse("The header host is missing.");
  if (/[\s/?#@\\]/.test(headers.host ?? "")) refuse("The header host is not a host.");
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (httpVersion === "1.0" || coding.toLowerCase() !== "chunked")) {
    refuse("The only transfer-encoding understood here is chunked, in HTTP/1.1.");
  }
  if (
    (method === "GET" || method === "HEAD") &&
    (coding ?? headers["content-length"] ?? "0") !== "0"
  ) {
    // It would be read by nobody, and some proxies take it for the next request.
    refuse(`A ${method} takes no body.`);
  }
  const { expect } = headers;
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    throw new BackwrightError("EXPECTATION_FAILED");
  }
}

function refuse(message: string): never {
  throw new BackwrightError("REQUEST_INVALID", { message });
}
