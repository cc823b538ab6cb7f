// The page at /docs: four files of our own, which refer to nothing outside of this server and may
// run nothing else. They hold no data; what they show is read with the reader's key.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Route } from "../server/http.ts";

const FILES = [
  { path: "/docs", name: "page.html", type: "text/html" },
  { path: "/docs/page.css", name: "page.css", type: "text/css" },
  { path: "/docs/page.js", name: "page.js", type: "text/javascript" },
  { path: "/docs/operations.js", name: "operations.js", type: "text/javascript" },
];

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** `prefix` stands before every path. */
export function docsRoutes(prefix = ""): readonly Route[] {
  return FILES.map(({ path, name, type }) => {
    const body = readFileSync(join(import.meta.dirname, "docs", name), "utf8");
    const headers = {
      "content-type": `${type}; charset=utf-8`,
      "content-security-policy": POLICY,
      "cache-control": "no-cache",
    };
    return {
      method: "GET",
      path: prefix + path,
      handle: async () => ({ status: 200, body, headers }),
    };
  });
}
