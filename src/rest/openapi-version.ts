// The paths of one version of the API: its name before each, the operations that it has, and marks
// on all of them where the version itself is deprecated.
import { type Model, offers } from "../model/model.ts";
import { deprecatedMark } from "./deprecation.ts";
import type { Json } from "./openapi-operation.ts";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** `paths` as they are within a version. */
export function versionPaths(model: Model, paths: Readonly<Record<string, Json>>): Json {
  const resources = new Map([...model.resources.values()].map((one) => [one.name, one]));
  const isOffered = ({ operationId }: Json): boolean => {
    const [name = "", operation = ""] = String(operationId).split(".");
    const resource = resources.get(name);
    return resource === undefined || offers(resource, operation);
  };
  const found: Record<string, Json> = {};
  for (const [path, item] of Object.entries(paths)) {
    const kept = Object.entries(item).flatMap(([method, operation]) => {
      if (!METHODS.includes(method)) return [[method, operation]];
      const one = operation as Json;
      const mark = deprecatedMark(model.deprecation, String(one.description));
      return isOffered(one) ? [[method, { ...one, ...mark }]] : [];
    });
    const hasMethod = kept.some(([method]) => METHODS.includes(String(method)));
    if (hasMethod) found[`/${model.version}${path}`] = Object.fromEntries(kept);
  }
  return found;
}
