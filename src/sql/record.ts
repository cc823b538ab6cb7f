// A record of a reply: the columns that it is selected by and the function that reads them into
// JSON text. Both walk the same fields in the same order. Flat columns and text in Node cost half
// of what JSON costs in PostgreSQL (docs/decisions/0010-json-in-node.md).
import { type JsonText, jsonSource, jsonTextOf } from "../model/json-text.ts";
import { type FieldModel, fieldOf, type Model, type TableModel } from "../model/model.ts";
import { columnName, relationCondition, tableName } from "./names.ts";
import { predicateSql } from "./predicate.ts";
import { quoteIdentifier } from "./quote.ts";
import { type Include, type RecordShape, ROOT, versionSql } from "./read.ts";
import type { Parameters, Value } from "./statement.ts";

export interface RecordSelect {
  readonly columns: readonly string[];
  /** Joins of the included records: at most one row each, so they keep number and order of rows. */
  readonly joins: string;
}

type Row = readonly Value[];

export interface RecordReader {
  /** How many columns belong to the record. */
  readonly width: number;
  json(row: Row): string;
  version(row: Row): Value;
  /** Changes when any record in the row does; undefined where a table keeps no versions. */
  stamp(row: Row): string | undefined;
}

const aliasOf = (include: Include): string => `${ROOT}_${include.relation.name.toLowerCase()}`;

/** The version of the record, its fields; for each include its id, version and fields. */
export function recordSelect(
  shape: RecordShape,
  model: Model,
  parameters: Parameters,
): RecordSelect {
  const { resource, fields, includes } = shape;
  const columns = [versionSql(resource, ROOT), ...sources(fields, ROOT)];
  const joins: string[] = [];
  for (const include of includes) {
    const alias = aliasOf(include);
    const { relation, target } = include;
    const id = columnName(fieldOf(target.table, "id"), alias);
    const selected = [id, versionSql(target, alias), ...sources(include.fields, alias)];
    const on = relationCondition(resource.table, ROOT, relation, target.table, alias, parameters);
    const visible = predicateSql(include.rows, target.table, alias, { model, parameters });
    const where = visible === undefined ? on : `${on} and ${visible}`;
    const named = selected.map((sql, at) => `${sql} as ${quoteIdentifier(`c${at}`)}`);
    const from = `${tableName(target.table)} ${alias}`;
    joins.push(
      ` left join lateral (select ${named.join(", ")} from ${from} where ${where} limit 1) ` +
        `${alias} on true`,
    );
    columns.push(...selected.map((_, at) => `${alias}.${quoteIdentifier(`c${at}`)}`));
  }
  return { columns, joins: joins.join("") };
}

function sources(fields: readonly FieldModel[], alias: string): string[] {
  return fields.map((field) => jsonSource(field, columnName(field, alias)));
}

/** Reads the columns of `recordSelect`, which stand first in the row. */
export function recordReader({ resource, fields, includes }: RecordShape): RecordReader {
  const own = objectReader(fields, 1);
  let width = 1 + fields.length;
  const related = includes.map((include) => {
    const at = width;
    width += 2 + include.fields.length;
    const read = objectReader(include.fields, at + 2);
    return { at, head: `,${JSON.stringify(include.relation.name)}:`, read };
  });
  const tables: readonly TableModel[] = [resource, ...includes.map((one) => one.target)].map(
    (one) => one.table,
  );
  const isStamped = tables.every((table) => table.versioned);
  return {
    width,
    version: (row) => row[0] ?? null,
    json(row) {
      let text = own(row);
      for (const { at, head, read } of related) {
        text += row[at] === null ? `${head}null` : `${head}${read(row)}}`;
      }
      return `${text}}`;
    },
    stamp(row) {
      if (!isStamped) return undefined;
      let stamp = row[0] ?? "";
      for (const { at } of related) stamp += ` ${row[at]} ${row[at + 1]}`;
      return stamp;
    },
  };
}

/** The object's text without its closing brace, so that more members can follow. */
function objectReader(fields: readonly FieldModel[], from: number): (row: Row) => string {
  const heads = fields.map((field, at) => `${at === 0 ? "{" : ","}${JSON.stringify(field.name)}:`);
  const texts: readonly JsonText[] = fields.map(jsonTextOf);
  return (row) => {
    let text = "";
    for (let at = 0; at < heads.length; at += 1) {
      const value = row[from + at];
      text += heads[at];
      text += value == null ? "null" : (texts[at] as JsonText)(value);
    }
    return text;
  };
}
