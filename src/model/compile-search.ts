// Reads `search` of a resource: text fields that are served, and an index that holds their words.
import type { FieldModel, PartIndex, SearchModel, TableModel } from "./model.ts";
import type { Problems } from "./problems.ts";

/** Whether a value is text that is written freely: neither a state nor anything but text. */
export function isFreeText({ type, values }: FieldModel): boolean {
  return (type?.sql === "text" || type?.sql === "varchar") && values === undefined;
}

/** What GIN finds by its members: an array of what can be told equal, or jsonb. */
export function hasMembers({ type }: FieldModel): boolean {
  const { element } = type ?? {};
  return type?.sql === "jsonb" || element?.comparable === true || element?.sql === "numeric";
}

export function compileSearch(
  resource: { readonly name: string; table: TableModel; served: readonly FieldModel[] },
  declared: readonly string[] | undefined,
  problems: Problems,
): SearchModel | undefined {
  if (declared === undefined) return undefined;
  const { name, table, served } = resource;
  const where = `${name}.search`;
  const fields: FieldModel[] = [];
  for (const wanted of declared) {
    const field = served.find((one) => one.name === wanted);
    if (field === undefined) problems.add(where, `"${wanted}" is not a served field`);
    else if (!isFreeText(field)) problems.add(where, `"${wanted}" is not a text without states`);
    else fields.push(field);
  }
  if (new Set(declared).size !== declared.length || declared.length === 0) {
    problems.add(where, "names no field, or one twice", 'search: ["title"]');
  }
  if (fields.length !== declared.length || fields.length === 0) return undefined;
  const isWanted = (index: PartIndex): index is Extract<PartIndex, { kind: "words" }> =>
    index.kind === "words" && index.fields.join() === declared.join();
  const index = table.partIndexes.find(isWanted);
  if (index !== undefined) return { fields, language: index.language };
  problems.add(
    where,
    `no index of ${table.key} holds the words of ${declared.join(", ")}`,
    `searchIndex("${table.sqlName}_search", ${searchIndexOptions(table, declared)})`,
  );
  return undefined;
}

function searchIndexOptions({ tenantField }: TableModel, fields: readonly string[]): string {
  const isOwned = tenantField !== undefined && tenantField.name !== "id";
  const tenant = isOwned ? `tenant: t.${tenantField.name}, ` : "";
  return `{ ${tenant}fields: [${fields.map((field) => `t.${field}`).join(", ")}] }`;
}

/** The line of the table that declares what a test of a part of the field needs to find rows. */
export function partIndexLine({ tenantField }: TableModel, field: FieldModel): string {
  const isOwned = tenantField !== undefined && tenantField.name !== "id";
  const tenant = isOwned ? `t.${tenantField.name}, ` : "";
  const key = isFreeText(field) ? `t.${field.name}.op("gin_trgm_ops")` : `t.${field.name}`;
  return `index().using("gin", ${tenant}${key})`;
}
