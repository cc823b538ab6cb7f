// From the columns of record.ts to JSON text, value by value, without making JavaScript values
// between. Records of a to-many relation come as one column of rows, whose columns are written by
// the same code: the same record has the same bytes wherever it stands.
import { JsonBuffer } from "../model/json-buffer.ts";
import { jsonBytesOf } from "../model/json-bytes.ts";
import type { FieldModel, ResourceModel } from "../model/model.ts";
import type { Include, RecordShape } from "./read.ts";
import { ownColumns } from "./record.ts";
import { Columns, elementsOf, LENGTH_BYTES, type RowBytes } from "./row-bytes.ts";
import type { Value } from "./statement.ts";

/** What a record needs besides its columns to say where its included records go on. */
export interface RowLinks {
  /** A cursor: after the record `last` of the relation of a parent record. */
  next(
    parent: { readonly resource: string; readonly id: string },
    relation: string,
    last: string,
  ): string;
}

export interface RecordReader {
  /** `links` only where a relation to many is included. */
  json(row: RowBytes, links?: RowLinks): string;
  id(row: RowBytes): string;
  version(row: RowBytes): Value;
  /** The texts behind the record's columns. */
  keys(row: RowBytes): readonly Value[];
  /** Changes when any record in the rows does; undefined where a table keeps no versions. */
  stamp(rows: readonly RowBytes[]): string | undefined;
}

// Everything is read within one call, so one place for all readers is enough.
const json = new JsonBuffer();
const idText = new JsonBuffer();
const columns = new Columns();

/** Reads the columns of `recordSelect`, which stand first in the row. */
export function recordReader({ resource, fields, includes }: RecordShape): RecordReader {
  const own = ownColumns(resource, fields);
  const node = nodeReader(resource, fields, includes, 0);
  const hasStamp = resource.table.versionField !== undefined && includes.every(isStamped);
  const version = own.version === undefined ? undefined : own.fields[own.version];
  const writeVersion = version && jsonBytesOf(version);
  return {
    json(row, links) {
      json.clear();
      columns.ofRow(row);
      node.write(columns, json, links);
      return json.text();
    },
    id(row) {
      columns.ofRow(row);
      return node.id(columns);
    },
    version(row) {
      if (own.version === undefined || writeVersion === undefined) return null;
      columns.ofRow(row);
      if (columns.isNull(own.version)) return null;
      json.clear();
      writeVersion(columns.bytes, columns.start(own.version), columns.length(own.version), json);
      return json.text();
    },
    keys(row) {
      columns.ofRow(row);
      return columns.textsFrom(node.end);
    },
    stamp(rows) {
      if (!hasStamp || rows.length === 0) return undefined;
      json.clear();
      for (const row of rows) {
        columns.ofRow(row);
        node.stamp(columns, json);
      }
      return json.bytesAsText();
    },
  };
}

/** Whether ids and versions tell every change of it. */
const isVersioned = ({ target, includes }: Include): boolean =>
  target.table.versionField !== undefined && includes.every(isStamped);

/** Of many without versions the column itself is compared. */
const isStamped = (include: Include): boolean => include.page !== undefined || isVersioned(include);

interface NodeReader {
  /** The column after its last. */
  readonly end: number;
  /** Empty where there is no record. */
  id(from: Columns): string;
  write(from: Columns, to: JsonBuffer, links: RowLinks | undefined): void;
  /** Its id and version, and those of its includes. */
  stamp(from: Columns, to: JsonBuffer): void;
}

/** What stands in a record: `write` is told the record's reader for its id. */
interface Member {
  readonly end: number;
  write(from: Columns, to: JsonBuffer, links: RowLinks | undefined, parent: NodeReader): void;
  stamp(from: Columns, to: JsonBuffer): void;
}

/** A record's own columns from column `at` on, then the includes. */
function nodeReader(
  resource: ResourceModel,
  fields: readonly FieldModel[],
  includes: readonly Include[],
  at: number,
): NodeReader {
  const own = ownColumns(resource, fields);
  const writeOwn = objectWriter(fields, at);
  const idAt = at + own.id;
  const versionAt = own.version === undefined ? undefined : at + own.version;
  const idField = own.fields[own.id];
  if (idField === undefined) throw new Error("a record has an id");
  const writeId = jsonBytesOf(idField);
  let end = at + own.fields.length;
  const related = includes.map((include) => {
    const { name } = include.relation;
    const member =
      include.page === undefined ? oneReader(include, end) : manyReader(resource, include, end);
    end = member.end;
    return { head: Buffer.from(`,${JSON.stringify(name)}:`), member };
  });
  const node: NodeReader = {
    end,
    id(from) {
      if (from.isNull(idAt)) return "";
      idText.clear();
      writeId(from.bytes, from.start(idAt), from.length(idAt), idText);
      return idText.text().slice(1, -1);
    },
    write(from, to, links) {
      if (from.isNull(idAt)) return to.write("null");
      writeOwn(from, to);
      for (const { head, member } of related) {
        to.copy(head, 0, head.length);
        member.write(from, to, links, node);
      }
      to.write("}");
    },
    stamp(from, to) {
      stampColumn(from, idAt, to);
      if (versionAt !== undefined) stampColumn(from, versionAt, to);
      for (const { member } of related) member.stamp(from, to);
    },
  };
  return node;
}

/** With its length, which stands before it and says where it ends or that it is null. */
function stampColumn(from: Columns, at: number, to: JsonBuffer): void {
  to.copy(from.bytes, from.start(at) - LENGTH_BYTES, LENGTH_BYTES + Math.max(0, from.length(at)));
}

/** The related record; all of its columns are null where there is none. */
function oneReader({ target, fields, includes }: Include, at: number): Member {
  return nodeReader(target, fields, includes, at);
}

/** One column holds the rows, one more than the page where there are more. */
function manyReader(parentOf: ResourceModel, include: Include, at: number): Member {
  const { target, fields, includes, page, relation } = include;
  const size = page?.size ?? 0;
  const node = nodeReader(target, fields, includes, 0);
  const child = new Columns();
  return {
    end: at + 1,
    write(from, to, links, parent) {
      const rows = from.isNull(at) ? [] : elementsOf(from.bytes, from.start(at));
      const hasMore = rows.length > size;
      let last = "";
      to.write('{"data":[');
      for (let nth = 0; nth < rows.length && nth < size; nth += 1) {
        if (nth > 0) to.write(",");
        child.ofRecord(from.bytes, rows[nth] ?? 0);
        node.write(child, to, links);
        if (hasMore && nth === size - 1) last = node.id(child);
      }
      const next =
        last !== "" && links !== undefined
          ? links.next({ resource: parentOf.name, id: parent.id(from) }, relation.name, last)
          : null;
      to.write(`],"meta":{"pagination":${JSON.stringify({ size, next, hasMore })}}}`);
    },
    stamp(from, to) {
      // Without versions the column itself is compared.
      if (!isVersioned(include) || from.isNull(at)) return stampColumn(from, at, to);
      for (const row of elementsOf(from.bytes, from.start(at))) {
        child.ofRecord(from.bytes, row);
        node.stamp(child, to);
      }
      to.write(";");
    },
  };
}

/** The object's text without its closing brace, so that more members can follow. */
function objectWriter(
  fields: readonly FieldModel[],
  at: number,
): (from: Columns, to: JsonBuffer) => void {
  const heads = fields.map(({ name }, nth) =>
    Buffer.from(`${nth === 0 ? "{" : ","}${JSON.stringify(name)}:`),
  );
  const writers = fields.map(jsonBytesOf);
  const nulls = heads.map((head) => Buffer.concat([head, Buffer.from("null")]));
  const count = fields.length;
  return ({ bytes, starts, lengths }, to) => {
    for (let nth = 0; nth < count; nth += 1) {
      const length = lengths[at + nth] as number;
      const head = (length < 0 ? nulls[nth] : heads[nth]) as Buffer;
      to.copy(head, 0, head.length);
      if (length >= 0) writers[nth]?.(bytes, starts[at + nth] as number, length, to);
    }
  };
}
