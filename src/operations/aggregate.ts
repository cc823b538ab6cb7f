// Aggregate: parse → authorise → plan → execute → shape, one statement. A read like a list: the
// same policy, wall and filters, and no figure of a field that the role may not read.
import { decide } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import { AGGREGATE_GROUPS_MAX } from "../base/limits.ts";
import type { Row } from "../database/database.ts";
import { DatabaseFailure } from "../database/failures.ts";
import { type JsonText, jsonTextOf } from "../model/json-text.ts";
import type { ResourceModel } from "../model/model.ts";
import { type AggregateShape, aggregateStatement, type Figure } from "../sql/aggregate.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import { type AggregateQuery, type AggregateRequest, parseAggregate } from "./parse-aggregate.ts";
import { testsKey } from "./parse-filter.ts";
import { LESS_TO_READ, ReplySize } from "./reply-size.ts";
import { requireTimeZone } from "./time-zones.ts";

export interface AggregateReply {
  /** Groups as JSON text, in order. */
  readonly groups: readonly string[];
  /** Whether there are more groups than were asked for. */
  readonly hasMore: boolean;
  /** By whose calendar days, weeks … of instants were told. */
  readonly timeZone: string;
}

/** Counts and sums up. Throws FORBIDDEN, PARAMETER_INVALID, UNAVAILABLE where it takes too long. */
export async function aggregateRecords(
  context: OperationsContext,
  request: RequestContext,
  resource: ResourceModel,
  query: AggregateQuery,
): Promise<AggregateReply> {
  const { actor } = request;
  const grant = decide(actor, resource, "read");
  if (resource.aggregates === undefined) throw new BackwrightError("NOT_FOUND");
  const asked = parseAggregate(query, resource, resource.aggregates, grant, actor, context.model);
  const shape: AggregateShape = { resource, rows: grant.rows, ...asked };
  const { statement, reader } = context.shapes.get(shapeKey(shape, actor.role), () => ({
    statement: aggregateStatement(shape, context.model),
    reader: groupReader(asked),
  }));
  const most = asked.size ?? AGGREGATE_GROUPS_MAX;
  const inputs = [...asked.values, asked.timeZone, String(most + 1)];
  let rows: readonly Row[];
  try {
    await requireTimeZone(context.database, actor, asked.timeZone);
    // As long as a count of the whole list, so no short read waits behind it.
    rows = await context.database.readAlone(statement, actor, inputs);
  } catch (error) {
    if (error instanceof DatabaseFailure && error.kind === "value") throw beyondBounds(error);
    throw publicError(error, context.constraints);
  }
  const hasMore = rows.length > most;
  if (hasMore && asked.size === undefined) throw tooMany();
  const replied = new ReplySize(LESS_TO_READ);
  const groups = rows.slice(0, most).map((row) => {
    const json = reader(row);
    replied.add(json);
    return json;
  });
  return { groups, hasMore, timeZone: asked.timeZone };
}

/** The sum of doubles, say, may be larger than a double; the values themselves are all right. */
function beyondBounds(cause: DatabaseFailure): BackwrightError {
  const message = "A figure or a group is larger than its type can hold.";
  return new BackwrightError("UNPROCESSABLE", { message, cause });
}

function tooMany(): BackwrightError {
  const message =
    `makes more than ${AGGREGATE_GROUPS_MAX} groups: narrow it with filters, group by less, or ` +
    "ask for the first of them with page[size] and sort";
  return new BackwrightError("PARAMETER_INVALID", {
    message: "The question has too many groups.",
    details: [{ field: "groupBy", message }],
  });
}

function shapeKey({ resource, arms, groups, figures, order }: AggregateShape, role: string) {
  const names = [...groups, ...figures].map(({ name }) => name).join();
  const sort = order.map(({ column, descending }) => `${descending ? "-" : ""}${column}`).join();
  return ["aggregate", resource.name, role, names, testsKey(arms), sort].join("|");
}

const plain: JsonText = (text) => `"${text}"`;
const number: JsonText = (text) => text;

/** Sums and averages are strings whatever they are of, because they may need more digits. */
function figureText({ measure, field }: Figure): JsonText {
  if (field === undefined) return number;
  return measure === "min" || measure === "max" ? jsonTextOf(field) : plain;
}

/** A column of the reply under its name in JSON. */
type Cell = (row: Row) => string;

function cell(name: string, at: number, text: JsonText): Cell {
  const head = `${JSON.stringify(name)}:`;
  return (row) => {
    const value = row[at];
    return head + (value == null ? "null" : text(value));
  };
}

/** `{"group":{…},"count":1,"sum":{…}}` of the columns of a row. */
function groupReader({ groups, figures }: AggregateRequest): (row: Row) => string {
  const objects = new Map<string, Cell[]>([["group", []]]);
  const counts: Cell[] = [];
  groups.forEach(({ name, field, bucket }, at) => {
    const text = bucket === undefined ? jsonTextOf(field) : plain;
    objects.get("group")?.push(cell(name, at, text));
  });
  figures.forEach((figure, nth) => {
    const { measure, field } = figure;
    const one = cell(field?.name ?? "count", groups.length + nth, figureText(figure));
    if (field === undefined) counts.push(one);
    else objects.set(measure, [...(objects.get(measure) ?? []), one]);
  });
  return (row) => {
    const members = [...objects].map(
      ([name, cells]) => `"${name}":{${cells.map((one) => one(row)).join()}}`,
    );
    return `{${[...members, ...counts.map((one) => one(row))].join()}}`;
  };
}
