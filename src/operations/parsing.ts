// What the readers of a query have in common: the facts they judge by and how they refuse.
import type { Actor } from "../access/actor.ts";
import { grantOf } from "../access/decide.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import type { FieldModel, Model, ReadGrant, ResourceModel } from "../model/model.ts";
import type { Include } from "../sql/read.ts";

export interface Parsing {
  readonly model: Model;
  readonly actor: Pick<Actor, "role">;
  readonly resource: ResourceModel;
  readonly grant: ReadGrant;
  readonly problems: ErrorDetail[];
}

/** For messages: `id, title, dueAt`. */
export function names(fields: readonly { readonly name: string }[]): string {
  return fields.map((field) => field.name).join(", ");
}

/** Throws PARAMETER_INVALID when there is any problem. */
export function refuse(problems: readonly ErrorDetail[]): void {
  if (problems.length === 0) return;
  const parameters = [...new Set(problems.map((problem) => problem.field))].slice(0, 10);
  throw new BackwrightError("PARAMETER_INVALID", {
    message: `Not valid: ${parameters.join(", ")}.`,
    details: problems,
  });
}

/** Fields that a filter or a sort may name, as far as the type goes. */
export function comparable(fields: readonly FieldModel[]): readonly FieldModel[] {
  return fields.filter((field) => field.type?.comparable === true);
}

/** The relations whose key and target the role may read, with everything it may read there. */
export function readableRelations({ model, actor, resource, grant }: Parsing): readonly Include[] {
  const found: Include[] = [];
  for (const relation of resource.table.relations.values()) {
    const target = model.resources.get(relation.target);
    const read = target === undefined ? undefined : grantOf(actor, target, "read");
    const keyReadable = grant.fields.some((field) => field.name === relation.key);
    if (target === undefined || read === undefined || !keyReadable) continue;
    found.push({ relation, target, rows: read.rows, fields: read.fields });
  }
  return found;
}
