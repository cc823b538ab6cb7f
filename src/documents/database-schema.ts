// docs/database-schema.md: the tables as they are served, and how they hang together.
import type { FieldModel, IndexModel, Model, PartIndex, TableModel } from "../model/model.ts";
import { code, codes, mermaid, page, prose, table } from "./markdown.ts";

export function databaseSchemaPage(model: Model): string {
  const tables = [...model.tables.values()];
  return page(
    "# Database schema",
    prose(`${tables.length} tables. The tenant is a row of ${code(model.tenant.sqlName)}: every
      table that names it in its first key stands behind row-level security, so that a connection
      sees the rows of one tenant at a time, and none without one.`),
    "## How they hang together",
    entityDiagram(model, tables),
    ...tables.flatMap((one) => tableSection(one, model)),
  );
}

/** Tables and references. Mermaid takes words of letters, digits and underscores alone. */
function entityDiagram(model: Model, tables: readonly TableModel[]): string {
  const word = (text: string): string => text.replace(/\W/g, "_");
  const entities = tables.flatMap(({ sqlName, fields }) => [
    `${word(sqlName)} {`,
    ...[...fields.values()].map((field) => `  ${word(field.sqlType)} ${word(field.column)}`),
    "}",
  ]);
  const references = tables.flatMap((from) =>
    [...from.references].map(([name, key]) => {
      const to = model.tables.get(key);
      const optional = from.fields.get(name)?.nullable === true;
      const [parent, child] = [word(to?.sqlName ?? key), word(from.sqlName)];
      return `${parent} ${optional ? "|o" : "||"}--o{ ${child} : ${word(name)}`;
    }),
  );
  return mermaid("erDiagram", [...entities, ...references]);
}

function tableSection(one: TableModel, model: Model): readonly (string | undefined)[] {
  const { fields, tenantField, deletedField } = one;
  const indexes = [...one.indexes.map(indexRow(one)), ...one.partIndexes.map(partIndexRow(one))];
  const notes = [
    tenantField === undefined ? "Belongs to no tenant." : `Tenant: ${code(tenantField.column)}.`,
    deletedField === undefined
      ? undefined
      : `Deleted rows stay, marked by ${code(deletedField.column)}, and are seen by nobody.`,
    one.versionField ? "Every change raises `version`." : undefined,
  ];
  const rows = [...fields.values()].map((field) => fieldRow(field, one, model));
  return [
    `## ${one.sqlName}`,
    notes.filter((note) => note !== undefined).join(" "),
    table(["column", "type", "null", "default", "about"], rows),
    indexes.length === 0 ? undefined : table(["index", "columns", ""], indexes),
  ];
}

function fieldRow(field: FieldModel, one: TableModel, model: Model): readonly string[] {
  const target = model.tables.get(one.references.get(field.name) ?? "");
  const about = [
    field.name === field.column ? undefined : `${code(field.name)} in the API`,
    target === undefined ? undefined : `refers to ${code(target.sqlName)}`,
    field.values === undefined ? undefined : `one of ${codes(field.values)}`,
    field.managed ? "kept by Backwright" : undefined,
  ].filter((part) => part !== undefined);
  const { column, sqlType, nullable, hasDefault } = field;
  return [
    code(column),
    sqlType,
    nullable ? "yes" : "no",
    hasDefault ? "yes" : "",
    about.join("; "),
  ];
}

const indexRow =
  (one: TableModel) =>
  ({ name, unique, keys }: IndexModel): readonly string[] => {
    const columns = keys.map((key) => {
      const column = one.fields.get(key.field)?.column ?? key.field;
      return code(key.descending ? `${column} desc` : column);
    });
    return [name === "" ? "–" : code(name), columns.join(", "), unique ? "unique" : ""];
  };

const PART_TESTS = { trigrams: "like, ilike", members: "contains" } as const;

const partIndexRow =
  (one: TableModel) =>
  (index: PartIndex): readonly string[] => {
    const isOwned = one.tenantField !== undefined && one.tenantField.name !== "id";
    const tenant = isOwned ? [one.tenantField.column] : [];
    const fields = index.kind === "words" ? index.fields : [index.field];
    const columns = [...tenant, ...fields.map((field) => one.fields.get(field)?.column ?? field)];
    const about = index.kind === "words" ? `words (${index.language})` : PART_TESTS[index.kind];
    return [index.name === "" ? "–" : code(index.name), codes(columns), `GIN: ${about}`];
  };
