// What is asked for at an address or by a method that no route has: refused before a body is read,
// with the address that was probably meant.
import type { FastifyInstance } from "fastify";
import { BackwrightError } from "../base/errors.ts";
import { isNearly } from "../base/spelling.ts";
import type { Route } from "./http.ts";

type Address = Pick<Route, "method" | "path">;

const HEALTH_ROUTES: readonly Address[] = [
  { method: "GET", path: "/health" },
  { method: "GET", path: "/ready" },
];

/** Refuses what has no route, before its body is read or judged. */
export function addRefusals(app: FastifyInstance, routes: readonly Address[]): void {
  // Hooks run for an address without a route only where there is a handler for those.
  app.setNotFoundHandler(() => {
    throw new BackwrightError("ROUTE_NOT_FOUND");
  });
  const known = [...HEALTH_ROUTES, ...routes];
  app.addHook("onRequest", (request, reply, done) => {
    if (!request.is404) return done();
    const [path = ""] = request.url.split("?");
    const found = new Set<string>();
    for (const { method, path: pattern } of known) {
      if (!matches(pattern, path)) continue;
      found.add(method);
      if (method === "GET") found.add("HEAD");
    }
    if (found.size === 0) return done(notFound(path, known));
    reply.header("allow", [...found].join(", "));
    done(new BackwrightError("METHOD_NOT_ALLOWED"));
  });
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(":") ? given[at] !== "" : part === given[at]))
  );
}

/** Names no address that a caller could not have found by asking: each answers 401, not 404. */
function notFound(path: string, known: readonly Address[]): BackwrightError {
  const meant = path === "/" ? undefined : nearAddress(path, known);
  if (meant === undefined) return new BackwrightError("ROUTE_NOT_FOUND");
  const details = [{ field: "path", message: `is not known; did you mean ${meant}?` }];
  return new BackwrightError("ROUTE_NOT_FOUND", { details });
}

/** Without the version, or with a letter wrong: the mistakes of a start. */
function nearAddress(path: string, known: readonly Address[]): string | undefined {
  const plain = known.map(({ path }) => path).filter((one) => !one.includes(":"));
  return (
    plain.find((one) => /^\/v\d+\//.test(one) && one.endsWith(path)) ??
    plain.find((one) => isNearly(path, one))
  );
}
