// What the readers of a query have in common: the facts they judge by and how they refuse.
import type { Actor } from "../access/actor.ts";
import { grantOf } from "../access/decide.ts";
import type { ErrorDetail } from "../base/errors.ts";
import { allowedNames } from "../base/spelling.ts";
import {
  type AnyRelationModel,
  EVERYTHING,
  type FieldModel,
  type Model,
  type Predicate,
  type ReadGrant,
  type ResourceModel,
} from "../model/model.ts";
import type { RelatedRecords } from "../sql/serve.ts";

export interface Parsing {
  readonly model: Model;
  readonly actor: Pick<Actor, "role">;
  readonly resource: ResourceModel;
  readonly grant: ReadGrant;
  readonly problems: ErrorDetail[];
}

/** For messages: `allowed: id, title, dueAt; did you mean title?` */
export function allowed(given: string, fields: readonly { readonly name: string }[]): string {
  return allowedNames(
    given,
    fields.map(({ name }) => name),
  );
}

/** Fields that a filter or a sort may name, as far as the type goes. */
export function comparable(fields: readonly FieldModel[]): readonly FieldModel[] {
  return fields.filter((field) => field.type?.comparable === true);
}

/** The other end of a relation, with everything that the role may read there. */
export interface ReadableRelation extends RelatedRecords {
  readonly fields: readonly FieldModel[];
}

/**
 * The relations whose key and target the role may read, those to one first. The key of a relation
 * to many stands over there, or in a join table, which is asked for its own policy if it is served.
 */
export function readableRelations(parsing: Parsing): readonly ReadableRelation[] {
  const { table } = parsing.resource;
  return [...table.relations.values(), ...table.manyRelations.values()].flatMap((relation) => {
    const { model, actor } = parsing;
    const target = model.resources.get(relation.target);
    const read = target === undefined ? undefined : grantOf(actor, target, "read");
    if (target === undefined || read === undefined) return [];
    const joinRows = readableKey(relation, read, parsing);
    if (joinRows === undefined) return [];
    return [{ relation, target, rows: read.rows, fields: read.fields, joinRows }];
  });
}

/** The rows of the join table that the role may read; undefined where it may not read the key. */
function readableKey(
  relation: AnyRelationModel,
  target: ReadGrant,
  { model, actor, grant }: Parsing,
): Predicate | undefined {
  const reads = ({ fields }: ReadGrant, name: string): boolean =>
    fields.some((field) => field.name === name);
  if (relation.kind === "one") return reads(grant, relation.key) ? EVERYTHING : undefined;
  if (relation.through === undefined) return reads(target, relation.key) ? EVERYTHING : undefined;
  const join = model.resources.get(relation.through.table);
  if (join === undefined) return EVERYTHING;
  const read = grantOf(actor, join, "read");
  const isReadable =
    read !== undefined && reads(read, relation.key) && reads(read, relation.through.targetKey);
  return isReadable ? read.rows : undefined;
}

/** A list at its commas; `\,` and `\\` are a comma and a backslash of a value. */
export function splitList(text: string): string[] {
  let last = "";
  const values: string[] = [];
  for (const [part] of text.matchAll(/\\[\\,]|[\s\S]/g)) {
    if (part === ",") {
      values.push(last);
      last = "";
    } else last += part.length === 2 ? part.slice(1) : part;
  }
  return [...values, last];
}

/** A value as a query string says it: a list as `splitList` reads it, an object as JSON. */
export function queryText(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map((one) => String(one).replace(/[\\,]/g, "\\$&")).join(",");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
