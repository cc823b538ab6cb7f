// Reads a JSON body: plain UTF-8 without exceptions, bounded depth, no name twice, numbers as they
// stand.
import { BackwrightError } from "../base/errors.ts";
import { isDeeperThan, parseExactly, repeatedName } from "../base/exact-json.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true });

interface MediaHeaders {
  readonly "content-type"?: string | undefined;
  readonly "content-encoding"?: string | undefined;
}

/** Throws UNSUPPORTED_MEDIA_TYPE for a body that is compressed or not UTF-8. */
export function checkMediaType(headers: MediaHeaders): void {
  const coding = headers["content-encoding"]?.toLowerCase() ?? "identity";
  if (coding !== "identity") {
    throw new BackwrightError("UNSUPPORTED_MEDIA_TYPE", {
      message: "Send the body without a content-encoding.",
      details: [{ field: "Content-Encoding", message: "takes identity alone" }],
    });
  }
  const [, ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  // Each of several: a proxy may believe another one than this server.
  for (const [name, value = ""] of parameters.map((one) => one.split("="))) {
    if (name?.trim() !== "charset" || /^utf-?8$/.test(value.trim().replaceAll('"', ""))) continue;
    throw new BackwrightError("UNSUPPORTED_MEDIA_TYPE", {
      message: "Send the body as UTF-8.",
      details: [{ field: "Content-Type", message: "takes the charset utf-8 alone" }],
    });
  }
}

/** Throws REQUEST_INVALID telling what is wrong and where. */
export function parseJsonBody(bytes: Buffer, depthMax: number): unknown {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch (cause) {
    throw new BackwrightError("REQUEST_INVALID", { message: "The body is not UTF-8.", cause });
  }
  if (isDeeperThan(text, depthMax)) {
    throw new BackwrightError("REQUEST_INVALID", {
      message: `The body is nested deeper than ${depthMax} levels.`,
    });
  }
  let body: unknown;
  try {
    body = parseExactly(text);
  } catch (cause) {
    const details = [{ field: "body", message: `is not JSON${faultOf(text, cause)}` }];
    const message = "The body is not JSON.";
    throw new BackwrightError("REQUEST_INVALID", { message, details, cause });
  }
  const name = repeatedName(text);
  if (name === undefined) return body;
  const field = name.toWellFormed().slice(0, 100);
  throw new BackwrightError("REQUEST_INVALID", {
    message: `The body names "${field}" twice in one object.`,
    details: [{ field, message: "is given twice" }],
  });
}

/** Where the parser stopped, as far as it says: its own words hold a part of the body. */
function faultOf(text: string, cause: unknown): string {
  if (text.trim() === "") return ": it is empty";
  const words = cause instanceof Error ? cause.message : "";
  const [place] = /line \d{1,9} column \d{1,9}/.exec(words) ?? [];
  if (place !== undefined) return ` at ${place}`;
  return words.includes("end of JSON") ? ": it ends too early" : "";
}
