// Reads a JSON body: plain UTF-8 without exceptions, bounded depth, no name twice in one object,
// then JSON.parse.
import { BackwrightError } from "../base/errors.ts";

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
    });
  }
  const [, ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  const named = parameters
    .map((one) => one.split("="))
    .find(([name]) => name?.trim() === "charset");
  const charset = named?.[1]?.trim().replaceAll('"', "");
  if (charset !== undefined && !/^utf-?8$/.test(charset)) {
    throw new BackwrightError("UNSUPPORTED_MEDIA_TYPE", { message: "Send the body as UTF-8." });
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
  const members = checkDepth(text, depthMax);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BackwrightError("REQUEST_INVALID", { message: "The body is not JSON.", cause });
  }
  // JSON.parse keeps the last of two; whoever looked at the request before may have kept the first.
  if (countMembers(value) !== members) {
    throw new BackwrightError("REQUEST_INVALID", {
      message: `An object of the body names "${repeatedName(text).slice(0, 100)}" twice.`,
    });
  }
  return value;
}

// Counted before parsing: a deep document costs JSON.parse, and whoever walks it after, a stack.
/** Returns how many members all objects of the text have together. */
function checkDepth(text: string, depthMax: number): number {
  let depth = 0;
  let members = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > depthMax) {
        throw new BackwrightError("REQUEST_INVALID", {
          message: `The body is nested deeper than ${depthMax} levels.`,
        });
      }
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
    else if (code === 0x3a) members += 1;
  }
  return members;
}

function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  let members = Array.isArray(value) ? 0 : inner.length;
  for (const one of inner) members += countMembers(one);
  return members;
}

/** The first name that comes twice, of a text that is JSON. */
function repeatedName(text: string): string {
  const open: Set<string>[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, -1)) as string;
      if (open.at(-1)?.has(name)) return name;
      open.at(-1)?.add(name);
    }
  }
  return "";
}
