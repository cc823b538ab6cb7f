// Reads the indexes of a Drizzle table: the B-trees that hold rows in an order, and the GIN indexes
// that find rows by a part of a value. Whatever else there is serves nothing and is left out.
import { is, SQL } from "drizzle-orm";
import { type getTableConfig, PgDialect } from "drizzle-orm/pg-core";
import type { FieldModel, IndexKey, IndexModel, PartIndex } from "./model.ts";
import { searchLanguage, searchVector } from "./search-index.ts";

/** SQL name → field name. Drizzle hands the same column out as several objects. */
export type ColumnNames = ReadonlyMap<string, string>;

export type Config = ReturnType<typeof getTableConfig>;

export function primaryKeyNames(config: Config, names: ColumnNames): string[] {
  const [composite] = config.primaryKeys;
  const columns = composite?.columns ?? config.columns.filter((column) => column.primary);
  return columns.map((column) => names.get(column.name) ?? "");
}

/** Every index or constraint that PostgreSQL backs with a B-tree of all rows but the `marked`. */
export function compileIndexes(
  config: Config,
  names: ColumnNames,
  marked: FieldModel | undefined,
): IndexModel[] {
  const ascending = (field: string): IndexKey => ({ field, descending: false, nullsFirst: false });
  const found: IndexModel[] = [
    { name: "primary key", unique: true, keys: primaryKeyNames(config, names).map(ascending) },
  ];
  for (const unique of config.uniqueConstraints) {
    const fields = unique.columns.map((column) => names.get(column.name) ?? "");
    found.push({ name: unique.getName() ?? "", unique: true, keys: fields.map(ascending) });
  }
  for (const column of config.columns) {
    const field = names.get(column.name);
    if (column.isUnique && field !== undefined) {
      found.push({ name: column.uniqueName ?? field, unique: true, keys: [ascending(field)] });
    }
  }
  for (const { config: index } of config.indexes) {
    if ((index.method ?? "btree") !== "btree" || !holdsEveryRow(index.where, marked)) continue;
    const keys = index.columns.map((column) => indexKey(column, names));
    if (keys.some((one) => one === undefined)) continue;
    found.push({ name: index.name ?? "", unique: index.unique, keys: keys as IndexKey[] });
  }
  return found;
}

/** What Drizzle keeps of a column in an index; an SQL expression has no name. */
export interface IndexedColumn {
  readonly name?: string;
  readonly indexConfig?: { readonly order?: string; nulls?: string; opClass?: string };
}

const IS_NULL = " is null";

/** Every statement leaves rows with the mark out, so an index without them serves as well. */
function holdsEveryRow(where: SQL | undefined, marked: FieldModel | undefined): boolean {
  if (where === undefined) return true;
  const test = new PgDialect().sqlToQuery(where).sql.trim();
  if (!test.toLowerCase().endsWith(IS_NULL)) return false;
  // Perhaps with its table, perhaps quoted.
  const column = test.slice(0, -IS_NULL.length).replaceAll('"', "").split(".").at(-1);
  return column === marked?.column;
}

function indexKey(indexed: unknown, names: ColumnNames): IndexKey | undefined {
  const { name, indexConfig } = indexed as IndexedColumn;
  const field = names.get(name ?? "");
  if (field === undefined || indexConfig?.opClass !== undefined) return undefined;
  return {
    field,
    descending: indexConfig?.order === "desc",
    nullsFirst: indexConfig?.nulls === "first",
  };
}

/**
 * GIN indexes of one thing behind the tenant. An index without the tenant would be read as far as
 * all tenants' rows go, for the matches of one.
 */
export function compilePartIndexes(
  config: Config,
  names: ColumnNames,
  tenantName: string | undefined,
  marked: FieldModel | undefined,
): PartIndex[] {
  const wanted = tenantName === undefined || tenantName === "id" ? [] : [tenantName];
  return config.indexes.flatMap(({ config: { name = "", method, columns, where } }) => {
    if (method !== "gin" || !holdsEveryRow(where, marked) || columns.length !== wanted.length + 1)
      return [];
    const tenant = columns.slice(0, -1).map((column) => names.get(nameOf(column)) ?? "");
    if (tenant.join() !== wanted.join()) return [];
    const found = partIndex(name, columns.at(-1), config, names);
    return found === undefined ? [] : [found];
  });
}

const nameOf = (column: unknown): string => (column as IndexedColumn).name ?? "";

function partIndex(
  name: string,
  key: unknown,
  config: Config,
  names: ColumnNames,
): PartIndex | undefined {
  if (is(key, SQL)) return wordsIndex(name, new PgDialect().sqlToQuery(key).sql, config, names);
  const field = names.get(nameOf(key));
  const operators = (key as IndexedColumn).indexConfig?.opClass;
  if (field === undefined) return undefined;
  if (operators === "gin_trgm_ops") return { kind: "trigrams", name, field };
  const isPlain = operators === undefined || /^(array|jsonb|jsonb_path)_ops$/.test(operators);
  return isPlain ? { kind: "members", name, field } : undefined;
}

/** The columns are those that the expression names, in its order. */
function wordsIndex(
  name: string,
  expression: string,
  config: Config,
  names: ColumnNames,
): PartIndex | undefined {
  const language = searchLanguage(expression);
  if (language === undefined) return undefined;
  const places = config.columns
    .map((column) => ({ column: column.name, at: expression.indexOf(`coalesce("${column.name}"`) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  const columns = places.map(({ column }) => column);
  if (expression !== `(${searchVector(columns, language)})`) return undefined;
  const fields = columns.map((column) => names.get(column) ?? "");
  return { kind: "words", name, fields, language };
}
