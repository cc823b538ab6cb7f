// A record of a reply as the columns that it is selected by; record-reader.ts reads them into JSON
// text. Both walk the same fields and includes in the same order. Flat columns and text in Node
// cost half of what JSON costs in PostgreSQL (docs/decisions/0010-json-in-node.md).
import { jsonSource, jsonSourceAsText } from "../model/json-text.ts";
import { type FieldModel, fieldOf, type Model } from "../model/model.ts";
import { columnName } from "./names.ts";
import { quoteIdentifier } from "./quote.ts";
import { type Include, type RecordShape, ROOT, versionSql, visibleRelated } from "./read.ts";
import type { Source } from "./relation.ts";
import type { Parameters } from "./statement.ts";

export interface RecordSelect {
  readonly columns: readonly string[];
  /** Joins of the included records: at most one row each, so they keep number and order of rows. */
  readonly joins: string;
}

interface Context {
  readonly model: Model;
  readonly parameters: Parameters;
  /** SQL of a column: as it is sent, or as text within a list of texts. */
  readonly source: (field: FieldModel, column: string) => string;
}

/** The version of the record, its fields; then each include, one after the other. */
export function recordSelect(
  shape: RecordShape,
  model: Model,
  parameters: Parameters,
): RecordSelect {
  const { resource, fields, includes } = shape;
  const context = { model, parameters, source: jsonSource };
  const own = [versionSql(resource, ROOT), ...sources(fields, ROOT, context)];
  return withIncludes(own, includes, { table: resource.table, alias: ROOT }, context);
}

function withIncludes(
  own: readonly string[],
  includes: readonly Include[],
  source: Source,
  context: Context,
): RecordSelect {
  const columns = [...own];
  let joins = "";
  for (const include of includes) {
    if (include.page !== undefined) {
      columns.push(manySql(include, source, context));
      continue;
    }
    const one = oneSql(include, source, context);
    columns.push(...one.columns);
    joins += one.joins;
  }
  return { columns, joins };
}

/** Id, version and fields of the target, and what it includes itself. */
function targetSelect(include: Include, alias: string, context: Context): RecordSelect {
  const { target, fields, includes } = include;
  const id = sources([fieldOf(target.table, "id")], alias, context);
  const own = [...id, versionSql(target, alias), ...sources(fields, alias, context)];
  return withIncludes(own, includes, { table: target.table, alias }, context);
}

function oneSql(include: Include, source: Source, context: Context): RecordSelect {
  const { from, where, alias } = visibleRelated(source, include, context);
  const { columns, joins } = targetSelect(include, alias, context);
  const named = columns.map((sql, at) => `${sql} as ${quoteIdentifier(`c${at}`)}`);
  const select = `select ${named.join(", ")} from ${from}${joins} where ${where} limit 1`;
  return {
    columns: columns.map((_, at) => `${alias}.${quoteIdentifier(`c${at}`)}`),
    joins: ` left join lateral (${select}) ${alias} on true`,
  };
}

/** One column: a JSON array of the rows and one more, each an array of its columns as text. */
function manySql(include: Include, source: Source, context: Context): string {
  const { page } = include;
  if (page === undefined) throw new Error("a relation to many is read in pages");
  const { from, where, alias, id } = visibleRelated(source, include, context);
  const asText = { ...context, source: jsonSourceAsText };
  const { columns, joins } = targetSelect(include, alias, asText);
  const beyond =
    page.after === undefined ? "" : ` and ${id} < ${context.parameters.input(page.after, "uuid")}`;
  const rows =
    `select array[${columns.join(", ")}] as v from ${from}${joins} where ${where}${beyond} ` +
    `order by ${id} ${page.order} limit ${page.size + 1}`;
  return `(select json_agg(r.v)::text from (${rows}) r)`;
}

function sources(
  fields: readonly FieldModel[],
  alias: string,
  { source }: Pick<Context, "source">,
): string[] {
  return fields.map((field) => source(field, columnName(field, alias)));
}
