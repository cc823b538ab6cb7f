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

export function requireId(option: string, value: string): void {
  if (!UUID.test(value)) throw new StartError(`${option} must be a UUID.`);
}
