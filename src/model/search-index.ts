// The index that the search of a resource reads: searchIndex() declares it in a table, and the
// compiler of the model knows it again by its text. One expression, written in one place.
import { type SQL, sql } from "drizzle-orm";
import { type IndexBuilder, index, type PgColumn } from "drizzle-orm/pg-core";
import { StartError } from "../base/errors.ts";

export interface SearchIndexOptions {
  /** The column that names the tenant; left out where rows belong to nobody. */
  readonly tenant?: PgColumn;
  /** Text columns, those first in which a word counts most. */
  readonly fields: readonly PgColumn[];
  /** A text search configuration of PostgreSQL: "english" finds leaks by leak. Default "simple". */
  readonly language?: string;
}

/** What a word counts: the first column most, the fourth and those after it least. */
const WEIGHTS = ["A", "B", "C", "D"] as const;
const LANGUAGE = /^[a-z_]{1,63}$/;
// Our own text alone is read back, so the shape need not be more general.
const EXPRESSION = /^\(setweight\(to_tsvector\('([a-z_]+)', /;

/**
 * The index for `search` of a resource: a GIN index of the words in `fields`, behind the tenant.
 * Throws StartError where it has no field, or a language that is no name of a configuration.
 */
export function searchIndex(name: string, options: SearchIndexOptions): IndexBuilder {
  const { tenant, fields, language = "simple" } = options;
  const [first] = fields;
  if (first === undefined || !LANGUAGE.test(language)) {
    throw new StartError(`searchIndex("${name}") has no field, or a language that is no name.`, {
      fix: `searchIndex("${name}", { tenant: t.tenantId, fields: [t.title], language: "simple" })`,
    });
  }
  const columns = fields.map((column) => column.name);
  const words = sql.raw(`(${searchVector(columns, language)})`);
  const columnsOf = (keys: readonly (PgColumn | SQL)[]): [PgColumn, ...PgColumn[]] =>
    keys as [PgColumn, ...PgColumn[]];
  return index(name).using("gin", ...columnsOf(tenant === undefined ? [words] : [tenant, words]));
}

/**
 * The words of some columns of a row as SQL, each with the weight of its place among all columns
 * of the index. `alias` stands in front of the columns where it is given.
 */
export function searchVector(
  columns: readonly string[],
  language: string,
  { only = columns, alias }: { only?: readonly string[]; alias?: string } = {},
): string {
  const parts = columns.flatMap((column, at) => {
    if (!only.includes(column)) return [];
    const weight = WEIGHTS[Math.min(at, WEIGHTS.length - 1)];
    const name = `"${column.replaceAll('"', '""')}"`;
    const value = alias === undefined ? name : `${alias}.${name}`;
    return [`setweight(to_tsvector('${language}', coalesce(${value}, '')), '${weight}')`];
  });
  return parts.join(" || ");
}

/** The language of a search index by the text of its expression; undefined for any other. */
export function searchLanguage(expression: string): string | undefined {
  return EXPRESSION.exec(expression)?.[1];
}
