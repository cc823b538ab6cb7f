// Arguments that name things of the project: what is not there is refused with what is.
import { StartError } from "../base/errors.ts";
import { isUuid } from "../base/ids.ts";
import type { Model } from "../model/model.ts";

export function requireRole(model: Model, role: string, option = "--role"): void {
  if (model.roles.includes(role)) return;
  throw new StartError(`There is no role "${role}".`, {
    fix: `${option} ${model.roles.join(" | ")}`,
  });
}

/** `fix` says where such an id is found. What was given is not repeated: it may be a secret. */
export function requireId(option: string, value: string, fix: string): void {
  if (!isUuid(value)) throw new StartError(`${option} must be a UUID.`, { fix });
}
