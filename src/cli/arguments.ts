// Arguments that name things of the project: what is not there is refused with what is.
import { StartError } from "../base/errors.ts";
import type { Model } from "../model/model.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function requireRole(model: Model, role: string, option = "--role"): void {
  if (model.roles.includes(role)) return;
  throw new StartError(`There is no role "${role}".`, {
    fix: `${option} ${model.roles.join(" | ")}`,
  });
}

export const isId = (value: string): boolean => UUID.test(value);

/** `fix` says where such an id is found. What was given is not repeated: it may be a secret. */
export function requireId(option: string, value: string, fix: string): void {
  if (!isId(value)) throw new StartError(`${option} must be a UUID.`, { fix });
}
