// Reads what a resource declares as deprecated. Whatever it does not know is a problem at the
// start.
import type { Deprecation } from "./declare-contract.ts";
import type { AnyResource } from "./declare-untyped.ts";
import type { DeprecatedModel, ResourceModel } from "./model.ts";
import type { Problems } from "./problems.ts";

const KEYS = ["since", "sunset", "use", "link"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

type Named = Pick<ResourceModel, "name" | "table" | "scope" | "served" | "actions" | "aggregates">;

/** The operations that a resource has for somebody, by the names of the OpenAPI document. */
export function operationNames({
  scope,
  table,
  actions,
  aggregates,
}: Omit<Named, "served">): readonly string[] {
  const reads = ["list", "get", ...(aggregates === undefined ? [] : ["aggregate"])];
  if (scope === "global") return reads;
  const restore = table.deletedField === undefined ? [] : ["restore"];
  const several = ["upsert", "bulkCreate", "bulkUpdate", "bulkDelete"];
  return [...reads, "create", "update", "delete", ...restore, ...several, ...actions.keys()];
}

export function compileDeprecated(
  resource: Named,
  declared: AnyResource["options"]["deprecated"],
  problems: Problems,
): DeprecatedModel {
  const where = `${resource.name}.deprecated`;
  for (const key of Object.keys(declared ?? {})) {
    if (key === "fields" || key === "operations") continue;
    problems.add(`${where}.${key}`, "is not known here; write fields or operations");
  }
  const names = resource.served.map((field) => field.name);
  const read = (
    kind: "fields" | "operations",
    allowed: readonly string[],
  ): ReadonlyMap<string, Deprecation> => {
    const found = new Map<string, Deprecation>();
    for (const [name, one] of Object.entries(declared?.[kind] ?? {})) {
      if (one === undefined) continue;
      checkDeprecation(`${where}.${kind}`, name, one, allowed, problems);
      found.set(name, one);
    }
    return found;
  };
  return {
    fields: read("fields", names),
    operations: read("operations", operationNames(resource)),
  };
}

function checkDeprecation(
  place: string,
  name: string,
  one: Deprecation,
  allowed: readonly string[],
  problems: Problems,
): void {
  const where = `${place}.${name}`;
  if (!allowed.includes(name)) {
    problems.add(where, `there is no such name; names are ${allowed.join(", ")}`);
  }
  for (const key of Object.keys(one)) {
    if (!KEYS.includes(key)) problems.add(`${where}.${key}`, `write one of ${KEYS.join(", ")}`);
  }
  checkDays(where, one, problems);
  if (one.use !== undefined && (!allowed.includes(one.use) || one.use === name)) {
    problems.add(
      `${where}.use`,
      `"${one.use}" cannot take its place; names are ${allowed.join(", ")}`,
    );
  }
  if (one.link !== undefined && !/^https?:\/\/[!#-;=?-~]+$/.test(one.link)) {
    problems.add(`${where}.link`, "is not the address of a page", '"https://…"');
  }
}

/** `since` and `sunset`, the one not after the other. */
export function checkDays(
  where: string,
  { since, sunset }: { readonly since: string; readonly sunset?: string | undefined },
  problems: Problems,
): void {
  for (const [key, day] of Object.entries({ since, sunset })) {
    if (day === undefined && key === "sunset") continue;
    if (typeof day === "string" && DAY.test(day) && isDay(day)) continue;
    problems.add(`${where}.${key}`, "must be a day", `${key}: "2027-01-31"`);
  }
  if (sunset !== undefined && sunset < since) {
    problems.add(`${where}.sunset`, `is before ${since}, since when it is deprecated`);
  }
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
