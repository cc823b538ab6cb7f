// Get and list: parse → authorise → plan → execute → shape, one statement each.
import { hash } from "node:crypto";
import type { Actor } from "../access/actor.ts";
import { decide, maskFingerprint } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import { COUNT_ESTIMATE_MAX, OFFSET_BUCKETS, PAGE_BUCKETS } from "../base/limits.ts";
import type { ResourceModel } from "../model/model.ts";
import { countStatement } from "../sql/count.ts";
import { getStatement } from "../sql/get.ts";
import { listStatement } from "../sql/list.ts";
import type { ListShape } from "../sql/list-plan.ts";
import { rankedStatement } from "../sql/ranked.ts";
import { type RecordReader, type RowLinks, recordReader } from "../sql/record-reader.ts";
import type { RowBytes } from "../sql/row-bytes.ts";
import type { Arm } from "../sql/serve-arms.ts";
import type { OperationsContext, RecordReply, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import { refusedByFinder } from "./found.ts";
import { highlightsOf } from "./highlights.ts";
import { linksOf } from "./included-pages.ts";
import { type ListQuery, type ListRequest, parseList } from "./parse-list.ts";
import { parseSelection, type RecordQuery, type Selection } from "./parse-selection.ts";
import { LESS_TO_READ, ReplySize } from "./reply-size.ts";
import { readsVersions } from "./version-tokens.ts";

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
  /** Where it was asked for: how many records the list has. */
  readonly total: Total | undefined;
  /** Where it was asked for: a JSON object of marked texts by id and field. */
  readonly highlights: string | undefined;
}

export interface Total {
  readonly total: number;
  /** `atLeast`: counting stopped there. */
  readonly totalIs: "exact" | "atLeast";
}

/**
 * Reads one record. Throws NOT_FOUND when it is absent or invisible, which look alike, and
 * REPLY_TOO_LARGE.
 */
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
  const key = `get|${resource.name}|${actor.role}|${selection.selected}`;
  const { statement, reader, selected, isStamped } = context.shapes.get(key, () => ({
    statement: getStatement(shape, context.model),
    reader: recordReader(shape),
    selected: fingerprint(selection.selected),
    isStamped: mayBeStamped(actor, resource, selection),
  }));
  const links = linksOf(context, request);
  const places = selection.cursors.map(({ relation, text }) =>
    links.open({ resource: resource.name, id }, relation, text),
  );
  const inputs = [id, ...places];
  const [row] = await context.database.read(statement, actor, inputs).catch((error: unknown) => {
    throw publicError(error, context.constraints);
  });
  if (row === undefined) throw new BackwrightError("NOT_FOUND");
  const whole = selection.fields.length === grant.fields.length;
  const json = reader.json(row, links);
  new ReplySize(LESS_TO_READ).add(json);
  return {
    id,
    json,
    version: reader.version(row),
    stamp: isStamped ? stampOf([row], reader, selected) : undefined,
    mask: whole ? maskFingerprint(grant) : selectionMask(selection),
    hasIncludes: selection.includes.length > 0,
  };
}

/** Reads one page. Throws PARAMETER_INVALID, CURSOR_INVALID, REPLY_TOO_LARGE. */
export async function listRecords(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  query: ListQuery,
): Promise<ListReply> {
  const { actor } = request;
  const grant = decide(actor, resource, "read");
  const list = parseList(query, resource, grant, actor, context.model);
  const binding = cursorBinding(request, resource, list);
  const { cursor } = list;
  const parameter = cursor?.before === true ? "page[before]" : "page[after]";
  const position = cursor && context.cursors.open(cursor.text, binding, parameter);
  const bucket = PAGE_BUCKETS.find((rows) => rows >= list.size) ?? PAGE_BUCKETS[2];
  const shape: ListShape = {
    resource,
    rows: grant.rows,
    ...list,
    from: position && {
      before: cursor?.before === true,
      nullKeys: position.keys.map((key) => key === null),
    },
    bucket,
    offsetMost: list.offset === 0 ? undefined : OFFSET_BUCKETS.find((most) => most >= list.offset),
  };
  const key = listKey(shape, list, actor.role);
  const { statement, reader, selected, isStamped } = context.shapes.get(key, () => ({
    statement: (isRanked(list.arms) ? rankedStatement : listStatement)(shape, context.model),
    reader: recordReader(shape),
    selected: fingerprint(list.selected),
    isStamped: mayBeStamped(actor, resource, shape),
  }));
  const { values, offset } = list;
  const inputs = position
    ? [...values, ...position.keys, position.id]
    : offset === 0
      ? values
      : [...values, String(offset)];
  const { database } = context;
  const isLong = list.arms.some(({ served }) => served.isScan);
  const run = isLong ? "readAlone" : "read";
  const [rows, total] = await Promise.all([
    database[run](statement, actor, inputs, { rowsMost: list.size + 1 }),
    list.count === undefined ? undefined : countRecords(context, request, shape, list),
  ]).catch((error: unknown) => {
    throw refusedByFinder(error, list.arms) ?? publicError(error, context.constraints);
  });
  const sign = (row: RowBytes | undefined): string | null =>
    row === undefined
      ? null
      : context.cursors.sign({ keys: reader.keys(row), id: reader.id(row) }, binding);
  const page = shapePage(rows, list, { reader, links: linksOf(context, request), sign });
  // A total is of no version, so a page with one is compared by its bytes.
  const hasStamp = isStamped && total === undefined;
  const stamp = hasStamp ? stampOf(rows, reader, `${selected} ${page.hasMore}`) : undefined;
  const ids = () => rows.slice(0, list.size).map(reader.id);
  const highlights = await highlightsOf(context, request, shape, list, ids);
  return { ...page, stamp, total, highlights };
}

/**
 * A statement of its own beside the page's, so the two may see different moments. Counted row by
 * row under the reader's policy: PostgreSQL's own estimate is made of the rows of every tenant,
 * and would tell one of the others.
 */
async function countRecords(
  context: OperationsContext,
  { actor }: RequestContext,
  shape: ListShape,
  { count, values, tests }: ListRequest,
): Promise<Total> {
  const { resource, rows, arms } = shape;
  const most = count === "exact" ? undefined : COUNT_ESTIMATE_MAX + 1;
  const key = ["count", resource.name, actor.role, tests, most].join("|");
  const statement = context.shapes.get(key, () =>
    countStatement({ resource, rows, arms, most }, context.model),
  );
  const [row] = await context.database.readAlone(statement, actor, values);
  const counted = Number(row?.[0] ?? 0);
  const isWhole = most === undefined || counted < most;
  return isWhole
    ? { total: counted, totalIs: "exact" }
    : { total: COUNT_ESTIMATE_MAX, totalIs: "atLeast" };
}

function isRanked(arms: readonly Arm[]): boolean {
  return arms.some(({ served }) => served.found === "ranked");
}

function shapePage(
  rows: readonly RowBytes[],
  list: ListRequest,
  {
    reader,
    links,
    sign,
  }: {
    readonly reader: RecordReader;
    readonly links: RowLinks;
    readonly sign: (row: RowBytes | undefined) => string | null;
  },
): Omit<ListReply, "stamp" | "total" | "highlights"> {
  const hasMore = rows.length > list.size;
  const page = hasMore ? rows.slice(0, list.size) : rows;
  const backwards = list.cursor?.before === true;
  const ordered = backwards ? [...page].reverse() : page;
  const first = ordered[0];
  const last = ordered.at(-1);
  // The row that a cursor came from lies on the other side, so there is always a way back.
  const hasNext = backwards || hasMore;
  const hasPrev = backwards ? hasMore : list.cursor !== undefined || list.offset > 0;
  const replied = new ReplySize(LESS_TO_READ);
  const records = ordered.map((row) => {
    const json = reader.json(row, links);
    replied.add(json);
    return json;
  });
  return {
    records,
    size: list.size,
    next: hasNext ? sign(last) : null,
    prev: hasPrev ? sign(first) : null,
    hasMore,
  };
}

/** A stamp is made of versions, so it is for those who may read every one of them. */
function mayBeStamped(
  actor: Pick<Actor, "role">,
  resource: ResourceModel,
  { includes }: Pick<Selection, "includes">,
): boolean {
  if (!readsVersions(actor, resource)) return false;
  return includes.every((include) => mayBeStamped(actor, include.target, include));
}

/** Ids and versions of all that was read, after a name for the fields that were. */
function stampOf(
  rows: readonly RowBytes[],
  reader: RecordReader,
  about: string,
): string | undefined {
  const stamp = reader.stamp(rows);
  return stamp && `${about} ${stamp}`;
}

function fingerprint(text: string): string {
  return hash("sha1", text, "base64url");
}

/** A mask name for a reader's own choice of fields. */
function selectionMask(selection: Selection): string {
  return selection.fields.map((field) => field.name).join("-");
}

function cursorBinding(
  { actor, face }: RequestContext,
  resource: ResourceModel,
  list: ListRequest,
): string {
  const { order, tests, values } = list;
  return JSON.stringify([actor.tenantId, face, resource.name, order, tests, values]);
}

function listKey(
  { arms, from, bucket, resource, offsetMost }: ListShape,
  { order, tests, selected }: ListRequest,
  role: string,
): string {
  const indexes = arms.map(({ served }) => served.form.index).join();
  const cursor = from === undefined ? "" : `${from.before} ${from.nullKeys.join()}`;
  const page = `${cursor} ${bucket} ${offsetMost}`;
  return ["list", resource.name, role, selected, tests, `${indexes} ${order}`, page].join("|");
}
