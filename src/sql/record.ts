// A record of a reply as the columns that it is selected by; record-reader.ts reads them into JSON
// text. Both walk the same columns and includes in the same order. Flat columns and text in Node
// cost half of what JSON costs in PostgreSQL (docs/decisions/0010-json-in-node.md).
import { isBinary } from "../model/json-bytes.ts";
import { jsonSource, jsonSourceAsText } from "../model/json-text.ts";
import { type FieldModel, fieldOf, type Model, type ResourceModel } from "../model/model.ts";
import { columnName } from "./names.ts";
import { quoteIdentifier } from "./quote.ts";
import { type Include, type RecordShape, ROOT, visibleRelated } from "./read.ts";
import type { Source } from "./relation.ts";
import type { Parameters } from "./statement.ts";

export interface RecordSelect {
  readonly columns: readonly string[];
  /** Of each column, whether it is to come as binary. */
  readonly binary: readonly boolean[];
  /** Joins of the included records: at most one row each, so they keep number and order of rows. */
  readonly joins: string;
}

interface Context {
  readonly model: Model;
  readonly parameters: Parameters;
  /** SQL of a column: as it is sent, or as it stands within a row that is sent as binary. */
  readonly source: (field: FieldModel, column: string) => string;
}

/** The columns of one record without its includes. */
export interface OwnColumns {
  readonly fields: readonly FieldModel[];
  readonly id: number;
  /** Undefined where the table keeps none. */
  readonly version: number | undefined;
}

/** The fields that are shown, then id and version, which every read needs, if they are not. */
export function ownColumns({ table }: ResourceModel, shown: readonly FieldModel[]): OwnColumns {
  const fields = [...shown];
  const place = (field: FieldModel): number => {
    const at = fields.findIndex(({ column }) => column === field.column);
    return at === -1 ? fields.push(field) - 1 : at;
  };
  const id = place(fieldOf(table, "id"));
  return { id, version: table.versionField && place(table.versionField), fields };
}

/** The record's own columns; then each include, one after the other. */
export function recordSelect(
  { resource, fields, includes }: RecordShape,
  model: Model,
  parameters: Parameters,
): RecordSelect {
  const context = { model, parameters, source: jsonSource };
  const own = ownSelect(resource, fields, ROOT, context);
  return withIncludes(own, includes, { table: resource.table, alias: ROOT }, context);
}

function ownSelect(
  resource: ResourceModel,
  shown: readonly FieldModel[],
  alias: string,
  { source }: Context,
): RecordSelect {
  const { fields } = ownColumns(resource, shown);
  const columns = fields.map((field) => source(field, columnName(field, alias)));
  return { columns, binary: fields.map(isBinary), joins: "" };
}

function withIncludes(
  own: RecordSelect,
  includes: readonly Include[],
  source: Source,
  context: Context,
): RecordSelect {
  const columns = [...own.columns];
  const binary = [...own.binary];
  let joins = "";
  for (const include of includes) {
    if (include.page !== undefined) {
      columns.push(manySql(include, source, context));
      binary.push(true);
      continue;
    }
    const one = oneSql(include, source, context);
    columns.push(...one.columns);
    binary.push(...one.binary);
    joins += one.joins;
  }
  return { columns, binary, joins };
}

/** The columns of the target, and what it includes itself. */
function targetSelect(include: Include, alias: string, context: Context): RecordSelect {
  const { target, fields, includes } = include;
  const own = ownSelect(target, fields, alias, context);
  return withIncludes(own, includes, { table: target.table, alias }, context);
}

function oneSql(include: Include, source: Source, context: Context): RecordSelect {
  const { from, where, alias } = visibleRelated(source, include, context);
  const { columns, binary, joins } = targetSelect(include, alias, context);
  const named = columns.map((sql, at) => `${sql} as ${quoteIdentifier(`c${at}`)}`);
  const select = `select ${named.join(", ")} from ${from}${joins} where ${where} limit 1`;
  return {
    columns: columns.map((_, at) => `${alias}.${quoteIdentifier(`c${at}`)}`),
    binary,
    joins: ` left join lateral (${select}) ${alias} on true`,
  };
}

/** One column: an array of the rows and one more, each with the columns of its record. */
function manySql(include: Include, source: Source, context: Context): string {
  const { page } = include;
  if (page === undefined) throw new Error("a relation to many is read in pages");
  const { from, where, alias, id } = visibleRelated(source, include, context);
  const { columns, joins } = targetSelect(include, alias, { ...context, source: sourceInRow });
  const beyond =
    page.after === undefined ? "" : ` and ${id} < ${context.parameters.input(page.after, "uuid")}`;
  return (
    `array(select row(${columns.join(", ")}) from ${from}${joins} where ${where}${beyond} ` +
    `order by ${id} ${page.order} limit ${page.size + 1})`
  );
}

// All that is within is sent as binary, which of a text is the text.
const sourceInRow = (field: FieldModel, column: string): string =>
  isBinary(field) ? column : jsonSourceAsText(field, column);
