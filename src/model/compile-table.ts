// Reads one Drizzle table and its relations into a TableModel, and reports what disagrees.
import { type Column, getColumns, is, One, type Relation, type Table } from "drizzle-orm";
import { getTableConfig, type PgColumn, type PgTable } from "drizzle-orm/pg-core";
import { columnType, sqlTypeOf } from "./column-type.ts";
import { stateValues } from "./columns.ts";
import {
  type ColumnNames,
  type Config,
  compileIndexes,
  compilePartIndexes,
  type IndexedColumn,
  primaryKeyNames,
} from "./compile-indexes.ts";
import { inOneSpelling } from "./fields.ts";
import type { FieldModel, RelationModel, TableModel } from "./model.ts";
import type { Problems } from "./problems.ts";

/** What compiling one table needs to know of the others. */
export interface TableContext {
  readonly problems: Problems;
  readonly tenant: Table;
  /** Drizzle table → schema key. */
  readonly keys: ReadonlyMap<Table, string>;
  readonly relations: Readonly<Record<string, Relation>>;
}

const TRACKED: Readonly<Record<string, string>> = {
  createdAt: "timestamp with time zone",
  updatedAt: "timestamp with time zone",
  version: "integer",
  deletedAt: "timestamp with time zone",
};
const RESERVED = ["and", "or", "not"];
// What a query parameter can name and a header can carry.
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

export function compileTable(key: string, table: PgTable, context: TableContext): TableModel {
  const config = getTableConfig(table);
  const columns = Object.entries(getColumns(table));
  const names: ColumnNames = new Map(columns.map(([name, column]) => [column.name, name]));
  const tenantColumn = findTenantColumn(key, table, context);
  const fields = new Map<string, FieldModel>();
  const unique = new Set(uniqueKeys(config, names).flat());
  for (const [name, column] of columns) {
    const role = { isTenant: column.name === tenantColumn?.name, isUnique: unique.has(name) };
    fields.set(name, compileField(key, name, column, role, context.problems));
  }
  const tenantName = tenantColumn === undefined ? undefined : names.get(tenantColumn.name);
  const references = compileReferences(key, config, names, tenantColumn, context);
  const relations = compileRelations(key, fields, tenantName, references, context);
  checkKey(key, config, names, tenantName, context.problems);
  if (tenantName !== undefined && tenantName !== "id") {
    checkUniqueKeys(key, config, names, tenantName, context.problems);
  }
  for (const name of Object.keys(context.relations)) {
    if (fields.has(name)) {
      context.problems.add(`${key}.${name}`, "is the name of a column and of a relation");
    }
    if (!NAME.test(name)) {
      const message = "relation names are ASCII letters, digits and _, a letter first";
      context.problems.add(`relations.${key}.${name}`, message);
    }
  }
  const deletedField = fields.get("deletedAt");
  return Object.freeze({
    key,
    schema: config.schema,
    sqlName: config.name,
    fields,
    tenantField: tenantName === undefined ? undefined : fields.get(tenantName),
    deletedField,
    versionField: fields.get("version"),
    updatedField: fields.get("updatedAt"),
    relations,
    manyRelations: new Map(), // They are checked against other tables: compile-many.ts.
    indexes: compileIndexes(config, names, deletedField),
    partIndexes: compilePartIndexes(config, names, tenantName, deletedField),
    references,
  });
}

function compileField(
  key: string,
  name: string,
  column: Column,
  { isTenant, isUnique }: { readonly isTenant: boolean; readonly isUnique: boolean },
  problems: Problems,
): FieldModel {
  const where = `${key}.${name}`;
  if (!NAME.test(name)) {
    problems.add(where, "field names are ASCII letters, digits and _, a letter first");
  }
  if (RESERVED.includes(name)) {
    problems.add(where, `"${name}" is a word of the filter language`, "another name");
  }
  const sqlType = sqlTypeOf(column as PgColumn);
  const tracked = Object.hasOwn(TRACKED, name) ? TRACKED[name] : undefined;
  if (tracked !== undefined && !sqlType.startsWith(tracked.slice(0, 9))) {
    const helper = name === "deletedAt" ? "...softDeleted()" : "...tracked()";
    problems.add(where, `${name} is kept by Backwright and must be ${tracked}`, helper);
  }
  const type = columnType(column as PgColumn);
  const makeDefault = column.defaultFn;
  const generated = column.generated !== undefined || column.generatedIdentity !== undefined;
  return Object.freeze({
    name,
    ownName: name,
    column: column.name,
    type: isUnique && type !== undefined ? inOneSpelling(type) : type,
    sqlType,
    nullable: !column.notNull,
    hasDefault: column.hasDefault || makeDefault !== undefined || generated,
    makeDefault: makeDefault as (() => unknown) | undefined,
    managed: isTenant || name === "id" || tracked !== undefined || generated,
    values: stateValues(column as PgColumn),
  });
}

/** The single-column foreign key to the tenant table; the tenant table's own id. */
function findTenantColumn(key: string, table: PgTable, context: TableContext): Column | undefined {
  if (table === context.tenant) return getColumns(table).id;
  const candidates = getTableConfig(table)
    .foreignKeys.map((foreignKey) => foreignKey.reference())
    .filter((reference) => reference.foreignTable === context.tenant)
    .filter((reference) => reference.columns.length === 1)
    .map((reference) => reference.columns[0] as PgColumn);
  if (candidates.length > 1) {
    context.problems.add(key, "has two foreign keys to the tenant table; which one owns the row?");
  }
  const [column] = candidates;
  if (column !== undefined && !column.notNull) {
    context.problems.add(`${key}.${column.name}`, "names the tenant and may be null", ".notNull()");
  }
  return column;
}

/** Foreign keys between tenant tables are composite: PostgreSQL does not wall their checks. */
function compileReferences(
  key: string,
  config: Config,
  names: ColumnNames,
  tenantColumn: Column | undefined,
  context: TableContext,
): Map<string, string> {
  const references = new Map<string, string>();
  for (const foreignKey of config.foreignKeys) {
    const { columns, foreignTable, foreignColumns } = foreignKey.reference();
    const target = context.keys.get(foreignTable);
    if (target === undefined) continue;
    const own = columns.filter((column) => column.name !== tenantColumn?.name);
    const targetWalled = isWalled(foreignTable as PgTable, context.tenant);
    const composite = own.length < columns.length;
    if (
      tenantColumn !== undefined &&
      foreignTable !== context.tenant &&
      targetWalled &&
      !composite
    ) {
      const field = names.get(columns[0]?.name ?? "") ?? "";
      const tenant = names.get(tenantColumn.name) ?? "";
      context.problems.add(
        `${key}.${field}`,
        `references ${target} without the tenant, so a row could point into another tenant`,
        `foreignKey({ columns: [t.${tenant}, t.${field}], ` +
          `foreignColumns: [${target}.${tenant}, ${target}.id] })`,
      );
    }
    if (composite && (foreignKey.onDelete === "set null" || foreignKey.onUpdate === "set null")) {
      context.problems.add(key, `a foreign key to ${target} would set the tenant column to null`);
    }
    // Of several columns, such as site and asset of that site, the one that holds the id leads.
    columns.forEach((column, at) => {
      const field = own.includes(column) ? names.get(column.name) : undefined;
      const pointsAtId = foreignColumns[at]?.name === "id";
      if (field !== undefined && pointsAtId) references.set(field, target);
    });
  }
  return references;
}

function isWalled(table: PgTable, tenant: Table): boolean {
  return (
    table === tenant ||
    getTableConfig(table).foreignKeys.some((foreignKey) => {
      const reference = foreignKey.reference();
      return reference.foreignTable === tenant && reference.columns.length === 1;
    })
  );
}

function compileRelations(
  key: string,
  fields: ReadonlyMap<string, FieldModel>,
  tenantName: string | undefined,
  references: ReadonlyMap<string, string>,
  context: TableContext,
): Map<string, RelationModel> {
  const relations = new Map<string, RelationModel>();
  for (const [name, relation] of Object.entries(context.relations)) {
    const where = `relations.${key}.${name}`;
    if (!is(relation, One) || relation.through !== undefined) continue;
    if (Object.keys(relation.where ?? {}).length > 0) {
      context.problems.add(where, "has a where, which policies and includes would not apply");
    }
    const pairs = relation.sourceColumns.map((source, at) => ({
      source: source._.key,
      target: relation.targetColumns[at]?._.key ?? "",
    }));
    const [pair, ...more] = pairs.filter((candidate) => candidate.source !== tenantName);
    if (pair === undefined || more.length > 0 || pair.target !== "id") {
      // The reverse side of a to-one relation: no key of this table leads there.
      continue;
    }
    const nullable = fields.get(pair.source)?.nullable !== false;
    if (relation.optional !== nullable) {
      context.problems.add(
        where,
        nullable ? `${pair.source} may be null` : `${pair.source} is never null`,
        `optional: ${nullable}`,
      );
    }
    const referenced = references.get(pair.source);
    if (referenced !== relation.targetTableName) {
      context.problems.add(
        where,
        referenced === undefined
          ? `no foreign key of ${key}.${pair.source} leads to ${relation.targetTableName}`
          : `the foreign key of ${pair.source} leads to ${referenced}`,
      );
    }
    relations.set(name, {
      kind: "one",
      name,
      key: pair.source,
      target: relation.targetTableName,
      targetKey: "id",
      optional: nullable,
    });
  }
  return relations;
}

function checkKey(
  key: string,
  config: Config,
  names: ColumnNames,
  tenantName: string | undefined,
  problems: Problems,
): void {
  const primary = primaryKeyNames(config, names);
  const hasId = [...names.values()].includes("id");
  if (!hasId) return; // A join table: not served, so only its own key matters.
  const walled = tenantName !== undefined && tenantName !== "id";
  const wanted = walled ? [tenantName, "id"] : ["id"];
  if (primary.join() !== wanted.join()) {
    problems.add(
      key,
      walled ? "needs a primary key of tenant and id" : "needs the primary key id",
      `primaryKey({ columns: [${wanted.map((name) => `t.${name}`).join(", ")}] })`,
    );
  }
}

/** A unique key without the tenant tells one tenant of a value that another has (409). */
function checkUniqueKeys(
  key: string,
  config: Config,
  names: ColumnNames,
  tenantName: string,
  problems: Problems,
): void {
  for (const fields of uniqueKeys(config, names)) {
    if (fields.includes(tenantName) || fields.includes("id")) continue;
    const named = fields.filter((field) => field !== ""); // An expression has no name.
    const columns = [tenantName, ...named].map((name) => `t.${name}`).join(", ");
    const advice = named.length === fields.length ? `unique().on(${columns})` : undefined;
    const message = `a unique key of ${named.join(", ") || "an expression"} spans all tenants`;
    problems.add(key, `${message}: begin it with the tenant`, advice);
  }
}

/** The fields of each unique key but the primary one; "" for an expression. */
function uniqueKeys(config: Config, names: ColumnNames): readonly (readonly string[])[] {
  const nameOf = (column: unknown): string => names.get((column as IndexedColumn).name ?? "") ?? "";
  return [
    ...config.uniqueConstraints.map((unique) => unique.columns.map(nameOf)),
    ...config.columns.filter((column) => column.isUnique).map((column) => [nameOf(column)]),
    ...config.indexes
      .filter(({ config: index }) => index.unique)
      .map(({ config: index }) => index.columns.map(nameOf)),
  ];
}
