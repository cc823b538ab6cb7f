// Aggregate: the rows that a role sees and its filters find, in groups, counted and summed up.
// Reads every one of these rows: no index answers it.
import type { Bucket, FieldModel, Measure, Model, ResourceModel } from "../model/model.ts";
import { alternativesSql } from "./filter.ts";
import { columnName, tableName } from "./names.ts";
import { quoteLiteral } from "./quote.ts";
import { type RecordShape, ROOT, visibleConditions } from "./read.ts";
import type { Filter } from "./serve.ts";
import { Parameters, type Statement } from "./statement.ts";

/** A field to group by, or the day, week … that it falls into. */
export interface Group {
  readonly name: string;
  readonly field: FieldModel;
  readonly bucket: Bucket | undefined;
}

export interface Figure {
  readonly name: string;
  readonly measure: Measure | "count";
  /** Undefined: of the count, which is of rows. */
  readonly field: FieldModel | undefined;
}

export interface AggregateOrder {
  /** Which column of the reply, from 0. */
  readonly column: number;
  readonly descending: boolean;
}

export interface AggregateShape extends Pick<RecordShape, "rows"> {
  readonly resource: ResourceModel;
  /** Alternatives of filters, one without groups. The n-th filter of all takes input n. */
  readonly arms: readonly (readonly Filter[])[];
  readonly groups: readonly Group[];
  readonly figures: readonly Figure[];
  /** By every group, so that the order is total. */
  readonly order: readonly AggregateOrder[];
}

/**
 * A column for each group, then for each figure. Inputs: the filters' values, the time zone, the
 * number of groups to read.
 */
export function aggregateStatement(shape: AggregateShape, model: Model): Statement {
  const { resource, rows, arms, groups, figures, order } = shape;
  const parameters = new Parameters();
  const conditions = visibleConditions(resource, rows, model, parameters);
  conditions.push(...alternativesSql(arms, resource, ROOT, { model, parameters }));
  const inputs = arms.flat().length;
  const zone = (): string => parameters.input(inputs, "text");
  const columns = [...groups.map((group) => groupSql(group, zone)), ...figures.map(figureSql)];
  // By place, because an expression with a parameter is not known again by its text.
  const grouped = groups.map((_, at) => at + 1).join(", ");
  const sorted = order.map(({ column, descending }) =>
    descending ? `${column + 1} desc nulls last` : `${column + 1} nulls first`,
  );
  const limit = parameters.input(inputs + 1, "bigint");
  return parameters.statement(
    `select ${columns.join(", ")} from ${tableName(resource.table)} ${ROOT} ` +
      `where ${conditions.join(" and ")}` +
      `${grouped === "" ? "" : ` group by ${grouped}`}` +
      `${sorted.length === 0 ? "" : ` order by ${sorted.join(", ")}`} limit ${limit}`,
  );
}

/** The first day of the bucket, by the calendar of the time zone. */
function groupSql({ field, bucket }: Group, zone: () => string): string {
  const column = columnName(field, ROOT);
  if (bucket === undefined) return column;
  const isInstant = field.type?.sql === "timestamptz";
  const local = isInstant ? `${column} at time zone ${zone()}` : `${column}::timestamp`;
  return `date_trunc(${quoteLiteral(bucket)}, ${local})::date`;
}

function figureSql({ measure, field }: Figure): string {
  return field === undefined ? "count(*)" : `${measure}(${columnName(field, ROOT)})`;
}
