// Get and list: parse → authorise → plan → execute → shape, one statement each.
import { hash } from "node:crypto";
import { decide, maskFingerprint } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import { PAGE_BUCKETS } from "../base/limits.ts";
import type { Row } from "../database/database.ts";
import type { ResourceModel } from "../model/model.ts";
import { getStatement } from "../sql/get.ts";
import { type ListShape, listStatement } from "../sql/list.ts";
import { type RecordReader, recordReader } from "../sql/record.ts";
import type { OperationsContext, RecordReply, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import {
  type ListQuery,
  type ListRequest,
  parseList,
  parseSelection,
  type RecordQuery,
  type Selection,
} from "./parse-list.ts";

export interface GetReply extends RecordReply {
  /** Records with included ones have no version of their own. */
  readonly hasIncludes: boolean;
  /** Changes when any of them does; undefined where a table keeps no versions. */
  readonly stamp: string | undefined;
}

export interface ListReply {
  /** Records as JSON text, in order. */
  readonly records: readonly string[];
  readonly size: number;
  readonly next: string | null;
  readonly prev: string | null;
  /** Whether there are more rows in the direction that was read. */
  readonly hasMore: boolean;
  /** Changes when the page or a record in it does; undefined where a table keeps no versions. */
  readonly stamp: string | undefined;
}

/** Reads one record. Throws NOT_FOUND when it is absent or invisible: the two look alike. */
export async function getRecord(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  id: string,
  query: RecordQuery,
): Promise<GetReply> {
  const { actor } = request;
  const grant = decide(actor, resource, "read");
  const selection = parseSelection(query, resource, grant, actor, context.model);
  const shape = { resource, rows: grant.rows, ...selection };
  const key = `get|${resource.name}|${actor.role}|${selectionKey(selection)}`;
  const { statement, reader, selected } = context.shapes.get(key, () => ({
    statement: getStatement(shape, context.model),
    reader: recordReader(shape),
    selected: fingerprint(selectionKey(selection)),
  }));
  const [row] = await context.database.read(statement, actor, [id]).catch((error: unknown) => {
    throw publicError(error, context.constraints);
  });
  if (row === undefined) throw new BackwrightError("NOT_FOUND");
  const whole = selection.fields.length === grant.fields.length;
  return {
    id,
    json: reader.json(row),
    version: reader.version(row),
    stamp: stampOf([row], reader, selected),
    mask: whole ? maskFingerprint(grant) : selectionMask(selection),
    hasIncludes: selection.includes.length > 0,
  };
}

/** Reads one page. Throws PARAMETER_INVALID, CURSOR_INVALID. */
export async function listRecords(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  query: ListQuery,
): Promise<ListReply> {
  const { actor } = request;
  const grant = decide(actor, resource, "read");
  const list = parseList(query, resource, grant, actor, context.model);
  const binding = cursorBinding(actor.tenantId, resource, list);
  const { cursor } = list;
  const parameter = cursor?.before === true ? "page[before]" : "page[after]";
  const position = cursor && context.cursors.open(cursor.text, binding, parameter);
  const bucket = PAGE_BUCKETS.find((rows) => rows >= list.size) ?? PAGE_BUCKETS[2];
  const shape: ListShape = {
    resource,
    rows: grant.rows,
    ...list,
    from: position && { before: cursor?.before === true, keyIsNull: position.key === null },
    bucket,
  };
  const key = listKey(shape, actor.role);
  const { statement, reader, selected } = context.shapes.get(key, () => ({
    statement: listStatement(shape, context.model),
    reader: recordReader(shape),
    selected: fingerprint(selectionKey(shape)),
  }));
  const inputs = position ? [...list.values, position.key, position.id] : list.values;
  const rows = await context.database.read(statement, actor, inputs).catch((error: unknown) => {
    throw publicError(error, context.constraints);
  });
  const sign = (row: Row | undefined): string | null =>
    row === undefined
      ? null
      : context.cursors.sign(
          { key: row[reader.width] ?? null, id: row[reader.width + 1] ?? "" },
          binding,
        );
  const page = shapePage(rows, list, reader, sign);
  const stamp = stampOf(rows, reader, `${selected} ${page.hasMore}`);
  return { ...page, stamp };
}

function shapePage(
  rows: readonly Row[],
  list: ListRequest,
  reader: RecordReader,
  sign: (row: Row | undefined) => string | null,
): Omit<ListReply, "stamp"> {
  const hasMore = rows.length > list.size;
  const page = hasMore ? rows.slice(0, list.size) : rows;
  const backwards = list.cursor?.before === true;
  const ordered = backwards ? [...page].reverse() : page;
  const first = ordered[0];
  const last = ordered.at(-1);
  // The row that a cursor came from lies on the other side, so there is always a way back.
  const hasNext = backwards || hasMore;
  const hasPrev = backwards ? hasMore : list.cursor !== undefined;
  return {
    records: ordered.map((row) => reader.json(row)),
    size: list.size,
    next: hasNext ? sign(last) : null,
    prev: hasPrev ? sign(first) : null,
    hasMore,
  };
}

/** Ids and versions of all that was read, after a name for the fields that were. */
function stampOf(rows: readonly Row[], reader: RecordReader, about: string): string | undefined {
  let stamp = about;
  for (const row of rows) {
    const one = reader.stamp(row);
    if (one === undefined) return undefined;
    stamp += ` ${row[reader.width + 1] ?? ""} ${one}`;
  }
  return rows.length === 0 ? undefined : stamp;
}

function fingerprint(text: string): string {
  return hash("sha1", text, "base64url");
}

function selectionKey({ fields, includes }: Selection): string {
  const own = fields.map((field) => field.name).join();
  const related = includes.map(
    (include) => `${include.relation.name}(${include.fields.map((field) => field.name).join()})`,
  );
  return `${own}|${related.join()}`;
}

/** A mask name for a reader's own choice of fields. */
function selectionMask(selection: Selection): string {
  return selection.fields.map((field) => field.name).join("-");
}

function cursorBinding(tenantId: string, resource: ResourceModel, list: ListRequest): string {
  const { served, filters, values } = list;
  const sort = `${served.sort.descending ? "-" : ""}${served.sort.field.name}`;
  const tests = filters.map(({ field, operator, isNull }, at) => [
    field.name,
    operator,
    isNull,
    values[at],
  ]);
  return JSON.stringify([tenantId, resource.name, sort, tests]);
}

function listKey(shape: ListShape, role: string): string {
  const { served, filters, from, bucket, resource } = shape;
  const tests = filters.map((one) => `${one.field.name} ${one.operator} ${one.isNull}`).join();
  const sort = `${served.form.index} ${served.sort.field.name} ${served.sort.descending}`;
  const cursor = from === undefined ? "" : `${from.before} ${from.keyIsNull}`;
  const selection = selectionKey(shape);
  return ["list", resource.name, role, selection, tests, sort, cursor, bucket].join("|");
}
