// From the columns of record.ts to JSON text, value by value. Records of a to-many relation come as
// one column of texts, so that they are read by the same code as every other: the same record has
// the same bytes wherever it stands.
import { type JsonText, jsonTextOf } from "../model/json-text.ts";
import type { FieldModel, ResourceModel } from "../model/model.ts";
import type { Include, RecordShape } from "./read.ts";
import type { Value } from "./statement.ts";

type Row = readonly Value[];

/** What a record needs besides its columns to say where its included records go on. */
export interface RowLinks {
  /** The record's id. */
  readonly id: string;
  /** A cursor: after the record `last` of the relation of a parent record. */
  next(
    parent: { readonly resource: string; readonly id: string },
    relation: string,
    last: string,
  ): string;
}

export interface RecordReader {
  /** How many columns belong to the record. */
  readonly width: number;
  /** `links` only where a relation to many is included. */
  json(row: Row, links?: RowLinks): string;
  version(row: Row): Value;
  /** Changes when any record in the row does; undefined where a table keeps no versions. */
  stamp(row: Row): string | undefined;
}

/** Reads the columns of `recordSelect`, which stand first in the row. */
export function recordReader({ resource, fields, includes }: RecordShape): RecordReader {
  const node = nodeReader(resource, fields, includes, 1);
  const isStamped = resource.table.versionField !== undefined && includes.every(isVersioned);
  return {
    width: node.end,
    version: (row) => row[0] ?? null,
    json: (row, links) => node.json(row, links?.id ?? "", links),
    stamp: (row) => (isStamped ? `${row[0] ?? ""}${node.stamp(row)}` : undefined),
  };
}

/** Of many the columns themselves are compared. */
function isVersioned({ page, target, includes }: Include): boolean {
  return (
    page !== undefined || (target.table.versionField !== undefined && includes.every(isVersioned))
  );
}

interface NodeReader {
  /** The column after its last. */
  readonly end: number;
  json(row: Row, id: string, links: RowLinks | undefined): string;
  /** Of its includes. */
  stamp(row: Row): string;
}

/** Fields from column `from` on, then the includes. */
function nodeReader(
  resource: ResourceModel,
  fields: readonly FieldModel[],
  includes: readonly Include[],
  from: number,
): NodeReader {
  const own = objectReader(fields, from);
  let end = from + fields.length;
  const related = includes.map((include) => {
    const reader =
      include.page === undefined ? oneReader(include, end) : manyReader(resource, include, end);
    end = reader.end;
    return { head: `,${JSON.stringify(include.relation.name)}:`, reader };
  });
  return {
    end,
    json(row, id, links) {
      let text = own(row);
      for (const { head, reader } of related) text += head + reader.json(row, id, links);
      return `${text}}`;
    },
    stamp(row) {
      let stamp = "";
      for (const { reader } of related) stamp += reader.stamp(row);
      return stamp;
    },
  };
}

/** Id, version, fields and includes of the related record; all null where there is none. */
function oneReader(include: Include, at: number): NodeReader {
  const node = nodeReader(include.target, include.fields, include.includes, at + 2);
  return {
    end: node.end,
    json(row, _, links) {
      const id = row[at];
      return id == null ? "null" : node.json(row, id, links);
    },
    stamp: (row) => ` ${row[at]} ${row[at + 1]}${node.stamp(row)}`,
  };
}

/** One column holds the rows, one more than the page where there are more. */
function manyReader(parent: ResourceModel, include: Include, at: number): NodeReader {
  const size = include.page?.size ?? 0;
  const relation = include.relation.name;
  const node = nodeReader(include.target, include.fields, include.includes, 2);
  return {
    end: at + 1,
    json(row, id, links) {
      const rows = JSON.parse(row[at] ?? "[]") as readonly Row[];
      const page = rows.slice(0, size);
      const data = page.map((one) => node.json(one, one[0] ?? "", links)).join(",");
      const hasMore = rows.length > size;
      const last = page.at(-1)?.[0];
      const next =
        hasMore && last != null && links !== undefined
          ? links.next({ resource: parent.name, id }, relation, last)
          : null;
      const pagination = JSON.stringify({ size, next, hasMore });
      return `{"data":[${data}],"meta":{"pagination":${pagination}}}`;
    },
    stamp: (row) => ` ${row[at]}`,
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
