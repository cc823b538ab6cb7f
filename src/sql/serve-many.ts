// Which index finds the records of a to-many relation newest first, so that a page of them costs
// the rows that it returns. Pure: no SQL of the list itself is written here.
import type { IndexKey, ManyRelationModel, Model, TableModel } from "../model/model.ts";
import { tableOf } from "./relation.ts";

/**
 * The ORDER BY of an index on (tenant, foreign key, id), or undefined where there is none. In a
 * join table it must be unique: a record that is joined twice would be met twice.
 */
export function orderOfMany(
  relation: ManyRelationModel,
  model: Pick<Model, "tables">,
): string | undefined {
  const { table, fields } = wanted(relation, model);
  for (const { keys, unique } of table.indexes) {
    if (!fields.every((field, at) => keys[at]?.field === field)) continue;
    if (relation.through !== undefined && !(unique && keys.length === fields.length)) continue;
    const last = keys[fields.length - 1];
    if (last !== undefined) return newestFirst(last);
  }
  return undefined;
}

/** The index that it takes, as Drizzle writes it. */
export function indexOfMany(relation: ManyRelationModel, model: Pick<Model, "tables">): string {
  const { table, fields } = wanted(relation, model);
  const kind = relation.through === undefined ? "index" : "unique";
  return `${kind}().on(${fields.map((field) => `t.${field}`).join(", ")}) of ${table.key}`;
}

function wanted(
  { key, target, through }: ManyRelationModel,
  model: Pick<Model, "tables">,
): { readonly table: TableModel; readonly fields: readonly string[] } {
  const table = tableOf(model, through?.table ?? target);
  const { tenantField } = table;
  const tenant = tenantField === undefined || tenantField.name === "id" ? [] : [tenantField.name];
  return { table, fields: [...tenant, key, through?.targetKey ?? "id"] };
}

// The clause must be the index's own or its reverse, or PostgreSQL sorts what is sorted.
function newestFirst({ descending, nullsFirst }: IndexKey): string {
  return `desc nulls ${descending === nullsFirst ? "first" : "last"}`;
}
