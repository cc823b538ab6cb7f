// How a list is read: each alternative of its filters under an index of its own, all in one order.
import { type FieldModel, fieldOf, type Model } from "../model/model.ts";
import { filterSql } from "./filter.ts";
import { columnName, sqlType, tableName } from "./names.ts";
import { type RecordShape, ROOT, visibleConditions } from "./read.ts";
import type { Sort } from "./serve.ts";
import { type Arm, isScannedByValue, isSplitOfOrder } from "./serve-arms.ts";
import type { Parameters } from "./statement.ts";

export interface ListShape extends RecordShape {
  /**
   * Alternatives under one order, at least one. The filters of all of them, one after the other,
   * take input 0 and on; a list of values is an array literal.
   */
  readonly arms: readonly Arm[];
  /** Which side of a cursor to read, and which of the cursor's sort keys are null. */
  readonly from: { readonly before: boolean; readonly nullKeys: readonly boolean[] } | undefined;
  /** One of PAGE_BUCKETS; one row more is read to see whether there is a next page. */
  readonly bucket: number;
  /** Rows that may be stepped over from the start, one of OFFSET_BUCKETS; not with `from`. */
  readonly offsetMost: number | undefined;
}

/** How one arm is read. */
export interface ArmPlan {
  readonly shape: ListShape;
  readonly arm: Arm;
  /** Where the values of its filters begin among the inputs. */
  readonly inputsFrom: number;
  readonly parameters: Parameters;
  readonly table: string;
  /** In the directions in which rows are read: all turned for a page before a cursor. */
  readonly sorts: readonly Sort[];
  readonly first: Sort;
  /** Which filter parts the first key into runs; -1 for none. */
  readonly split: number;
  readonly id: FieldModel;
  readonly conditions: readonly string[];
  /** `in` filters that are scanned value by value. */
  readonly expanded: readonly { readonly field: FieldModel; readonly values: string }[];
  /** Columns held at null, which must stand in ORDER BY for the index's order to be seen. */
  readonly heldNull: readonly string[];
}

export const filterCount = ({ arms }: ListShape): number =>
  arms.reduce((count, { filters }) => count + filters.length, 0);

export function planArms(
  shape: ListShape,
  model: Model,
  parameters: Parameters,
): readonly ArmPlan[] {
  let inputsFrom = 0;
  return shape.arms.map((arm) => {
    const plan = planArm(shape, arm, inputsFrom, { model, parameters });
    inputsFrom += arm.filters.length;
    return plan;
  });
}

function planArm(
  shape: ListShape,
  arm: Arm,
  inputsFrom: number,
  { model, parameters }: { readonly model: Model; readonly parameters: Parameters },
): ArmPlan {
  const { resource } = shape;
  const { served, filters } = arm;
  const conditions = visibleConditions(resource, shape.rows, model, parameters);
  const expanded: { field: FieldModel; values: string }[] = [];
  const heldNull: string[] = [];
  const reversed = shape.from?.before === true;
  const sorts = served.sorts.map((sort) => ({
    field: sort.field,
    descending: sort.descending !== reversed,
  }));
  const [first] = sorts;
  if (first === undefined) throw new Error("a list has an order");
  const forwards = first.descending === served.form.sorts[0]?.descending;
  const split = filters.findIndex((one) => isSplitOfOrder(one, served));
  filters.forEach((filter, at) => {
    const { field, operator, through } = filter;
    const input = inputsFrom + at;
    if (isScannedByValue(filter, served)) {
      expanded.push({ field, values: parameters.input(input, `${sqlType(field)}[]`) });
    } else if (at !== split) {
      conditions.push(filterSql(filter, input, resource, ROOT, { model, parameters }));
    }
    const key = served.form.prefix.find((one) => one.field === field.name);
    if (through === undefined && operator === "isNull" && filter.isNull && key !== undefined) {
      const order = direction(forwards === key.descending, forwards === key.nullsFirst);
      heldNull.push(`${columnName(field, ROOT)} ${order}`);
    }
  });
  return {
    shape,
    arm,
    inputsFrom,
    parameters,
    table: tableName(resource.table),
    sorts,
    first,
    split,
    id: fieldOf(resource.table, "id"),
    conditions,
    expanded,
    heldNull,
  };
}

/** The fields of the order, the id last. */
export function keysOf({ sorts, id }: ArmPlan): readonly FieldModel[] {
  return [...sorts.map(({ field }) => field), id];
}

const direction = (descending: boolean, nullsFirst: boolean): string =>
  `${descending ? "desc" : "asc"} nulls ${nullsFirst ? "first" : "last"}`;

/** The order without a thought of any index: null is smallest. */
export function orderOfKeys({ sorts, id }: ArmPlan): string {
  const last = sorts.at(-1);
  const all = last === undefined || last.field === id ? sorts : [...sorts, { ...last, field: id }];
  const keys = all.map(
    ({ field, descending }) => `${columnName(field, ROOT)} ${direction(descending, !descending)}`,
  );
  return `order by ${keys.join(", ")}`;
}

// A column that is never null may stand in the index with its nulls on either side; the clause
// must be the index's own, or PostgreSQL sorts what is already sorted.
export function orderBy(plan: ArmPlan, alias: string): string {
  const { form, single } = plan.arm.served;
  const { sorts, first, id } = plan;
  const forwards = first.descending === form.sorts[0]?.descending;
  const keys = plan.heldNull.map((key) => key.replace(`${ROOT}.`, `${alias}.`));
  let last = first;
  for (const [at, sort] of sorts.entries()) {
    const { field, descending } = sort;
    const isOwn = forwards === form.sorts[at]?.nullsFirst;
    const nullsFirst = single || field.nullable ? !descending : isOwn;
    keys.push(`${columnName(field, alias)} ${direction(descending, nullsFirst)}`);
    last = sort;
  }
  if (last.field !== id) {
    const order = direction(last.descending, forwards === form.id.nullsFirst);
    keys.push(`${columnName(id, alias)} ${order}`);
  }
  return `order by ${keys.join(", ")}`;
}
